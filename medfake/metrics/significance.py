"""Is one detector better than another? Paired tests, and Holm's correction for asking often."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medfake.metrics.bootstrap import Bootstrap, clusters_of, draw
from medfake.metrics.intervals import Interval, percentile_interval
from medfake.metrics.own_thresholds import cut_of
from medfake.metrics.weighted import weighted_metric
from medfake.vocabulary import PositiveClass

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Difference:
    """A metric of one detector minus that of another on the same slices.

    Attributes:
        metric: Its name.
        value: -1..1.
        interval: Percentile interval over resampled patients; None with too few of them.
        p_value: Two-sided, 0..1; None where there is no interval.
        unit: What was resampled.
    """

    metric: str
    value: float
    interval: Interval | None
    p_value: float | None
    unit: str


@dataclass(frozen=True)
class McNemar:
    """Exact McNemar test of two detectors' verdicts on the same scans.

    Attributes:
        only_first: Scans that only the first got right.
        only_second: Scans that only the second got right.
        p_value: Two-sided, 0..1; 1 when they never differ.
    """

    only_first: int
    only_second: int
    p_value: float


def paired_difference(
    first: "pd.DataFrame",
    second: "pd.DataFrame",
    bootstrap: Bootstrap | None = None,
    *,
    metric: str = "auc",
    thresholds: tuple[float, float] = (0.5, 0.5),
    positive: PositiveClass = PositiveClass.TAMPERED,
) -> Difference | None:
    """Compare two detectors' metric by a paired cluster bootstrap: both are computed on the same resampled patients.

    The p-value is twice the smaller share of resamples on one side of zero, counting the data themselves once, so it is
    never below 2 / (resamples + 1).

    Args:
        first: One run's slices of one split.
        second: Another run's slices of that split; slices that only one of them has are left out.
        bootstrap: As for `evaluate_with_intervals`.
        metric: "auc", or one of the counts at the thresholds, such as "h".
        thresholds: Of either detector, where its rows have none of their own; the AUC needs none.
        positive: Class that the metric is of, where it is of one.

    Returns:
        None when the slices that both scored have one class only, or do not define the metric.
    """
    bootstrap = bootstrap or Bootstrap()
    first, second = (rows.assign(cut=cut_of(rows, cut)) for rows, cut in zip((first, second), thresholds, strict=True))
    columns = ["slice_id", "scan_id", "patient_id", "label", "p_tampered", "cut"]
    both = first[columns].merge(second[["slice_id", "p_tampered", "cut"]], on="slice_id", suffixes=("", "_second"))
    label = both["label"].to_numpy(dtype=np.float64)
    if len(np.unique(label)) < 2:
        return None
    clusters = clusters_of(both)
    weights = np.vstack([np.ones(clusters.count), draw(clusters.count, bootstrap)])
    of_first, of_second = (
        weighted_metric(
            metric,
            label,
            both[f"p_tampered{of}"].to_numpy(),
            both[f"cut{of}"].to_numpy(),
            clusters.codes,
            weights,
            positive,
        )
        for of in ("", "_second")
    )
    differences = of_first - of_second
    value, resampled = float(differences[0]), differences[1:]
    if np.isnan(value):
        return None
    interval = percentile_interval(resampled, bootstrap) if clusters.count > 1 else None
    if interval is None:
        return Difference(metric, value, None, None, clusters.unit)
    return Difference(metric, value, interval, _two_sided(resampled), clusters.unit)


def mcnemar(correct_first: NDArray[np.bool_], correct_second: NDArray[np.bool_]) -> McNemar:
    """Test whether two detectors err equally often: exact binomial test of the cases where only one is right.

    Args:
        correct_first: (n,) whether the first detector's verdict of a case is right.
        correct_second: (n,) the same of the second detector, same cases in the same order.
    """
    from scipy.stats import binomtest

    only_first = int((correct_first & ~correct_second).sum())
    only_second = int((~correct_first & correct_second).sum())
    differing = only_first + only_second
    p_value = 1.0 if differing == 0 else float(binomtest(only_first, differing, 0.5).pvalue)
    return McNemar(only_first, only_second, p_value)


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust p-values of several tests (Holm 1979); a value of None was not tested and stays None.

    The i-th smallest of m is multiplied by m - i + 1; none may fall below a smaller one's, none exceeds 1.
    """
    tested = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    floor = 0.0
    for rank, (p, index) in enumerate(tested):
        floor = max(floor, min(1.0, (len(tested) - rank) * p))
        adjusted[index] = floor
    return adjusted


def _two_sided(differences: NDArray[np.float64]) -> float:
    defined = differences[np.isfinite(differences)]
    side = min(int((defined <= 0).sum()), int((defined >= 0).sum()))
    return min(1.0, 2 * (side + 1) / (len(defined) + 1))
