"""A run's AUC with its interval as a bar beside its row."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from medfake.metrics.intervals import MetricsWithIntervals
from medfake.reports.comparison import Result
from medfake.reports.published import Published

_HIGHEST_FLOOR: Final = 0.4


@dataclass(frozen=True)
class Bar:
    """Places of an interval bar, in percent of its width; None where there is nothing to draw."""

    point: float | None
    low: float | None
    high: float | None
    paper: float | None
    chance: float | None


def scale_floor(results: Sequence[Result]) -> float:
    """Left end of a data set's AUC bars: 0.4, or the tenth below the lowest value."""
    lows = [interval.low for r in results if (interval := r.slices.intervals["auc"]) is not None]
    points = [auc for r in results if (auc := r.slices.metrics.auc) is not None]
    return min([_HIGHEST_FLOOR, *(math.floor(value * 10) / 10 for value in (*lows, *points))])


def auc_bar(measured: MetricsWithIntervals, published: Sequence[Published], floor: float) -> Bar:
    """Place a run's AUC, its interval and the paper's AUC on a bar from `floor` to 1."""
    interval = measured.intervals["auc"]
    paper = next((row.metrics["auc"] for row in published if "auc" in row.metrics), None)
    places = [
        None if value is None else round(100 * (value - floor) / (1 - floor), 2)
        for value in (
            measured.metrics.auc,
            interval.low if interval else None,
            interval.high if interval else None,
            paper,
            0.5,
        )
    ]
    return Bar(*places)
