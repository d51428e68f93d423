"""Resampling of whole patients, and all metrics of a thousand resamples at once.

Slices of one patient resemble each other: resampling slices would pretend that there are far more independent cases
than there are, and the intervals would be too narrow.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from medfake.config import EvaluationParams
from medfake.metrics.binary import ECE_BINS, FPR_LEVELS, LEVEL_TOLERANCE, PREVALENCES, ece_bins
from medfake.metrics.scans import Floats

if TYPE_CHECKING:
    import pandas as pd

_CELLS: Final = 4_000_000  # of one float64 matrix: 32 MB


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are made.

    Attributes:
        resamples: Number of resamples.
        confidence: Share of resamples inside the interval, 0..1.
        seed: Equal seeds give equal intervals.
    """

    resamples: int = 1000
    confidence: float = 0.95
    seed: int = 1

    @classmethod
    def of(cls, params: EvaluationParams) -> "Bootstrap":
        """As the study's `evaluation` block says."""
        return cls(params.bootstrap, params.confidence, params.seed)


@dataclass(frozen=True)
class Clusters:
    """What is resampled whole.

    Attributes:
        codes: (n,) cluster of each row, 0..count - 1; independent of the rows' order.
        count: Number of clusters.
        unit: "patients", or "scans" where there is only one patient.
    """

    codes: NDArray[np.intp]
    count: int
    unit: str


def clusters_of(rows: "pd.DataFrame") -> Clusters:
    """Group rows by patient, or by scan where there is only one patient.

    Args:
        rows: Columns patient_id and scan_id.
    """
    unit = "patients" if len(rows["patient_id"].unique()) > 1 else "scans"
    names, codes = np.unique(
        rows["patient_id" if unit == "patients" else "scan_id"].to_numpy(dtype=str), return_inverse=True
    )
    return Clusters(codes, len(names), unit)


def draw(count: int, bootstrap: Bootstrap) -> Floats:
    """How often each cluster is in each resample: (resamples, count) float64, every row sums to `count`."""
    rng = np.random.default_rng(bootstrap.seed)
    return rng.multinomial(count, np.full(count, 1 / count), size=bootstrap.resamples).astype(np.float64)


def resampled_metrics(
    label: NDArray[Any], p: NDArray[Any], threshold: float, codes: NDArray[np.intp], weights: Floats
) -> dict[str, Floats]:
    """Compute every figure in every resample.

    Args:
        label: (n,) 1 = tampered.
        p: (n,) P(tampered), 0..1.
        threshold: Tampered from here on.
        codes: (n,) cluster of each row.
        weights: (resamples, clusters) from `draw`.

    Returns:
        Figure name -> (resamples,) values; NaN where the resample does not define it.
    """
    label, p = np.asarray(label, dtype=np.float64), np.asarray(p, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        metrics = _of_counts(label, p >= threshold, codes, weights)
        metrics |= _of_probability(label, p, codes, weights)
        parts = [_of_curve(tp, fp) for tp, fp in curves(label, p, codes, weights)]
    return metrics | {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def curves(label: Floats, p: Floats, codes: NDArray[np.intp], weights: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Walk down the ranking in every resample, in chunks that fit in memory.

    Yields:
        Weighted true and false positives at every distinct score, highest first, after a zero; both
        (chunk, distinct + 1).
    """
    order = np.argsort(-p, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(p[order])), len(p) - 1)
    sorted_codes, sorted_label = codes[order], label[order]
    step = max(1, _CELLS // max(1, len(p)))
    for start in range(0, len(weights), step):
        row_weights = weights[start : start + step][:, sorted_codes]
        everything = np.cumsum(row_weights, axis=1)[:, ends]
        tampered = np.cumsum(row_weights * sorted_label, axis=1)[:, ends]
        zero = np.zeros((len(row_weights), 1))
        yield np.hstack([zero, tampered]), np.hstack([zero, everything - tampered])


def curve_auc(tp: Floats, fp: Floats) -> Floats:
    """Area under each ROC curve; NaN where a class is missing.

    Args:
        tp: (resamples, points) true positives along the ranking.
        fp: (resamples, points) false positives.
    """
    area = (np.diff(fp, axis=1) * (tp[:, 1:] + tp[:, :-1])).sum(axis=1) / 2
    auc: Floats = area / _positive(tp[:, -1] * fp[:, -1])
    return auc


def _of_curve(tp: Floats, fp: Floats) -> dict[str, Floats]:
    tpr, fpr = tp / _positive(tp[:, -1:]), fp / _positive(fp[:, -1:])
    precision = np.nan_to_num(tp[:, 1:] / _positive(tp[:, 1:] + fp[:, 1:]))
    both = np.where((tp[:, -1] > 0) & (fp[:, -1] > 0), 1.0, np.nan)
    return {
        "auc": curve_auc(tp, fp),
        "average_precision": (np.diff(tpr, axis=1) * precision).sum(axis=1) * both,
        **{
            name: np.where(fpr <= level + LEVEL_TOLERANCE, tpr, 0.0).max(axis=1) * both
            for name, level in FPR_LEVELS.items()
        },
    }


def _of_counts(label: Floats, called: NDArray[np.bool_], codes: NDArray[np.intp], weights: Floats) -> dict[str, Floats]:
    kinds = (called & (label == 1), called & (label == 0), ~called & (label == 0), ~called & (label == 1))
    tp, fp, tn, fn = (_summed(kind.astype(np.float64), codes, weights) for kind in kinds)
    accuracy = (tp + tn) / (tp + fp + tn + fn)
    recall, specificity = tp / _positive(tp + fn), tn / _positive(tn + fp)
    f1 = 2 * tp / _positive(2 * tp + fp + fn)
    metrics = {
        "accuracy": accuracy,
        "precision": tp / _positive(tp + fp),
        "recall": recall,
        "specificity": specificity,
        "f1": f1,
        "h": 3 / (1 / accuracy + 1 / f1 + 1 / specificity),
        "balanced_accuracy": (recall + specificity) / 2,
        "mcc": (tp * tn - fp * fn) / np.sqrt(_positive((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))),
    }
    for name, prevalence in PREVALENCES.items():
        true = prevalence * recall
        metrics[name] = true / _positive(true + (1 - prevalence) * (1 - specificity))
    return metrics


def _of_probability(label: Floats, p: Floats, codes: NDArray[np.intp], weights: Floats) -> dict[str, Floats]:
    total = _summed(np.ones_like(p), codes, weights)
    gaps = np.zeros((weights.shape[1], ECE_BINS))
    np.add.at(gaps, (codes, ece_bins(p)), p - label)
    return {
        "brier": _summed((p - label) ** 2, codes, weights) / total,
        "ece": np.abs(weights @ gaps).sum(axis=1) / total,
    }


def _summed(values: Floats, codes: NDArray[np.intp], weights: Floats) -> Floats:
    totals: Floats = weights @ np.bincount(codes, values, weights.shape[1])
    return totals


def _positive(values: Floats) -> Floats:
    """NaN in place of what must not be divided by."""
    return np.where(values > 0, values, np.nan)
