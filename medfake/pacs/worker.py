"""A scoring process of `medfake pacs`."""

from medfake.pacs.series_scoring import SeriesScoring
from medfake.serving.scoring.worker import main

if __name__ == "__main__":
    main(SeriesScoring)
