"""Metrics with their intervals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from medfake.metrics.binary import METRICS, Metrics, measure
from medfake.metrics.bootstrap import Bootstrap, clusters_of, draw
from medfake.metrics.own_thresholds import cut_of
from medfake.metrics.scans import Floats
from medfake.metrics.weighted import weighted_metrics
from medfake.vocabulary import PositiveClass

if TYPE_CHECKING:
    import pandas as pd

FEW_CLUSTERS: Final = 5
USABLE_SHARE: Final = 0.5
"""Least share of resamples that must define a metric for it to have an interval."""


@dataclass(frozen=True)
class Interval:
    """Percentile interval of a metric."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class MetricsWithIntervals:
    """Metrics with intervals, and what the intervals rest on.

    Attributes:
        metrics: Of the rows as they are.
        intervals: By metric; None where fewer than half of the resamples define it, or there is only one cluster.
        unit: What was resampled: "patients", or "scans" where there is only one patient.
        clusters: How many of them there are.
        degenerate: Resamples with one class only; they are left out.
        bootstrap: How the intervals were made.
    """

    metrics: Metrics
    intervals: Mapping[str, Interval | None]
    unit: str
    clusters: int
    degenerate: int
    bootstrap: Bootstrap

    @property
    def edges(self) -> dict[str, tuple[float, float] | None]:
        """Intervals as plain pairs, for a card."""
        return {name: (one.low, one.high) if one else None for name, one in self.intervals.items()}

    @property
    def few(self) -> bool:
        """Whether the intervals rest on so few clusters that they are too narrow."""
        return self.clusters < FEW_CLUSTERS


def evaluate_with_intervals(
    rows: "pd.DataFrame",
    threshold: float,
    bootstrap: Bootstrap | None = None,
    positive: PositiveClass = PositiveClass.TAMPERED,
) -> MetricsWithIntervals:
    """Measure some rows and resample their patients for a percentile interval of every metric.

    With fewer than five patients the patients are still what is resampled (`few` says so); with a single one its scans
    take their place and `unit` says so.

    Args:
        rows: One run's slices of one split, or its `scan_table`: label, p_tampered, patient_id, scan_id.
        threshold: As for `measure`.
        bootstrap: Number of resamples, confidence and seed; 1000, 95 % and 1 unless told otherwise.
        positive: Class that precision, recall, specificity, F1, H and fall-out are of.
    """
    bootstrap = bootstrap or Bootstrap()
    metrics = measure(rows, threshold, positive)
    clusters = clusters_of(rows)
    nothing: dict[str, Interval | None] = dict.fromkeys(METRICS)
    if clusters.count < 2:
        return MetricsWithIntervals(
            metrics=metrics,
            intervals=nothing,
            unit=clusters.unit,
            clusters=clusters.count,
            degenerate=0,
            bootstrap=bootstrap,
        )
    label, p = rows["label"].to_numpy(), rows["p_tampered"].to_numpy()
    weights = draw(clusters.count, bootstrap)
    values = weighted_metrics(label, p, cut_of(rows, threshold), clusters.codes, weights, positive)
    usable = np.isfinite(values["auc"]) if metrics.auc is not None else np.ones(bootstrap.resamples, dtype=bool)
    intervals = {name: _interval(values[name][usable], metrics.values()[name], bootstrap) for name in METRICS}
    return MetricsWithIntervals(
        metrics=metrics,
        intervals=intervals,
        unit=clusters.unit,
        clusters=clusters.count,
        degenerate=int((~usable).sum()),
        bootstrap=bootstrap,
    )


def percentile_interval(values: Floats, bootstrap: Bootstrap) -> Interval | None:
    """Percentile interval of resampled values; NaNs are left out.

    Returns:
        None when fewer than half of `bootstrap.resamples` are left.
    """
    defined = values[np.isfinite(values)]
    if len(defined) < USABLE_SHARE * bootstrap.resamples:
        return None
    tail = (1 - bootstrap.confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Interval(float(low), float(high))


def share_interval(count: int, of: int, confidence: float = 0.95) -> Interval:
    """Wilson's interval (1927) of a share, for independent cases.

    Args:
        count: Of them.
        of: All, at least one.
        confidence: 0..1.
    """
    from scipy.stats import binomtest

    interval = binomtest(count, of).proportion_ci(confidence, method="wilson")
    return Interval(float(interval.low), float(interval.high))


def mean_interval(rows: "pd.DataFrame", values: Floats, bootstrap: Bootstrap) -> Interval | None:
    """Interval of the mean of something that every row has, such as whether it is right.

    Args:
        rows: Columns patient_id and scan_id.
        values: (rows,) what is averaged.
        bootstrap: As for `evaluate_with_intervals`.

    Returns:
        None when there is nothing to resample.
    """
    clusters = clusters_of(rows)
    if clusters.count < 2:
        return None
    weights = draw(clusters.count, bootstrap)
    totals = weights @ np.bincount(clusters.codes, values, clusters.count)
    return percentile_interval(totals / (weights @ np.bincount(clusters.codes, minlength=clusters.count)), bootstrap)


def _interval(values: Floats, point: float | None, bootstrap: Bootstrap) -> Interval | None:
    return None if point is None else percentile_interval(values, bootstrap)
