"""From verdicts to figures: every figure in all resamples of the patients at once, so that drops are paired."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.intervals import percentile_interval
from medfake.metrics.localisation import HIT_MM
from medfake.metrics.robustness.judge import Verdicts
from medfake.metrics.robustness.sample import Sample
from medfake.metrics.scans import Floats
from medfake.metrics.weighted import weighted_metrics
from medfake.metrics.within_slice import Figure

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Resampled:
    """Figures of some slices: (1 + resamples,) each, the first of the slices as they are; NaN where undefined."""

    auc: Floats
    balanced_accuracy: Floats
    hit_rate: Floats


@dataclass(frozen=True)
class Perturbed:
    """Some slices of a sample after a perturbation.

    Attributes:
        rows: Which, as places in the sample.
        slices: (rows, cols) int16 HU each.
        spacing_mm: Of each, between rows and between columns.
        sites: (n, 2) where the labelled sites are now, px; NaN without.
    """

    rows: Rows
    slices: Sequence[NDArray[np.int16]]
    spacing_mm: Sequence[tuple[float, float]]
    sites: Floats


def resample(sample: Sample, perturbed: Perturbed, said: Verdicts, threshold: float) -> Resampled:
    """Measure what a package said.

    Args:
        sample: Labels and weights.
        perturbed: What was judged.
        said: Of those.
        threshold: Tampered from here on.
    """
    codes, label = sample.clusters.codes[perturbed.rows], sample.label[perturbed.rows]
    p = np.where(np.isfinite(said.p), said.p, 0.0)
    metrics = weighted_metrics(label, p, threshold, codes, sample.weights)
    return Resampled(metrics["auc"], metrics["balanced_accuracy"], _hit_rate(sample, perturbed, said, codes))


def figure(values: Floats, bootstrap: Bootstrap) -> Figure:
    """The first value, with the interval of the others."""
    if not np.isfinite(values[0]):
        return Figure(None)
    return Figure(float(values[0]), percentile_interval(values[1:], bootstrap) if len(values) > 1 else None)


def mean(values: Sequence[Floats]) -> Floats:
    """Mean of several figures in each resample; those that are undefined on the slices as they are do not count."""
    defined = [one for one in values if np.isfinite(one[0])]
    return np.mean(defined, axis=0) if defined else np.full(1, np.nan)


def _hit_rate(sample: Sample, perturbed: Perturbed, said: Verdicts, codes: Rows) -> Floats:
    """Of slices with a site; undefined where no place is named at all."""
    sited = np.isfinite(perturbed.sites).all(axis=1)
    if not sited.any() or not np.isfinite(said.places).any():
        return np.full(len(sample.weights), np.nan)
    gap_mm = (said.places - perturbed.sites)[sited] * np.array(perturbed.spacing_mm)[sited]
    hits = (np.hypot(*gap_mm.T) <= HIT_MM).astype(np.float64)  # NaN, no place, is a miss
    count = sample.clusters.count
    found = sample.weights @ np.bincount(codes[sited], hits, count)
    total = sample.weights @ np.bincount(codes[sited], minlength=count)
    rate: Floats = np.divide(found, total, out=np.full(len(total), np.nan), where=total > 0)
    return rate
