"""A scoring process of the service."""

from medfake.serving.scoring.worker import main
from medfake.serving.service.job_scoring import JobScoring

if __name__ == "__main__":
    main(JobScoring)
