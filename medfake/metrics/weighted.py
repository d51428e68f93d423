"""Every metric of one set of scores, in many weightings of its rows at once; the one place where a metric is computed.

A bootstrap weighs each patient by how often it was drawn; the plain metric is the weighting that counts every row once.
scikit-learn with `sample_weight` is the reference that tests hold them against.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medfake.metrics.scans import Floats
from medfake.vocabulary import PositiveClass

FPR_LEVELS: Final = {"tpr_at_fpr_1": 0.01, "tpr_at_fpr_5": 0.05}
PREVALENCES: Final = {"ppv_at_0_1": 0.001, "ppv_at_1": 0.01, "ppv_at_10": 0.1}
ECE_BINS: Final = 10
_LEVEL_TOLERANCE: Final = 1e-12  # a false positive rate of k/n may be a hair above its level
_CELLS: Final = 4_000_000  # of one float64 matrix: 32 MB


@dataclass(frozen=True)
class Counts:
    """Weight of the rows in each cell of the confusion matrix, (weightings,) each; positive is tampered."""

    tp: Floats
    fp: Floats
    tn: Floats
    fn: Floats

    def of(self, positive: PositiveClass) -> "Counts":
        """The same rows with another class as the positive one: what was called real is then what was called."""
        if positive is PositiveClass.TAMPERED:
            return self
        return Counts(tp=self.tn, fp=self.fn, tn=self.tp, fn=self.fp)


def weighted_metrics(
    label: NDArray[Any],
    p: NDArray[Any],
    threshold: float | Floats,
    codes: NDArray[np.intp],
    weights: Floats,
    positive: PositiveClass = PositiveClass.TAMPERED,
) -> dict[str, Floats]:
    """Compute every metric in every weighting.

    Args:
        label: (n,) 1 = tampered.
        p: (n,) P(tampered), 0..1.
        threshold: Tampered from here on; one for all, or (n,).
        codes: (n,) cluster of each row.
        weights: (weightings, clusters) how often each cluster counts, >= 0.
        positive: Class that precision, recall, specificity, F1, H and fall-out are of.

    Returns:
        Metric name -> (weightings,) values; NaN where a weighting does not define it (a class is missing, nothing was
        called tampered, ...).
    """
    label, p = np.asarray(label, dtype=np.float64), np.asarray(p, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        metrics = _of_counts(weighted_counts(label, p, threshold, codes, weights), positive)
        metrics |= _of_probability(label, p, codes, weights)
        parts = [_of_curve(tp, fp) for tp, fp in curves(label, p, codes, weights)]
    return metrics | {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def weighted_metric(
    metric: str,
    label: NDArray[Any],
    p: NDArray[Any],
    threshold: float | Floats,
    codes: NDArray[np.intp],
    weights: Floats,
    positive: PositiveClass = PositiveClass.TAMPERED,
) -> Floats:
    """One metric in every weighting, the AUC or one of the counts at the threshold, without the others.

    Arguments as for `weighted_metrics`; (weightings,) values, NaN where a weighting does not define it.
    """
    label, p = np.asarray(label, dtype=np.float64), np.asarray(p, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        if metric == "auc":
            return np.concatenate([curve_auc(tp, fp) for tp, fp in curves(label, p, codes, weights)])
        return _of_counts(weighted_counts(label, p, threshold, codes, weights), positive)[metric]


def weighted_counts(
    label: NDArray[Any], p: NDArray[Any], threshold: float | Floats, codes: NDArray[np.intp], weights: Floats
) -> Counts:
    """Count hits and misses in every weighting; arguments as for `weighted_metrics`."""
    called, tampered = p >= threshold, label == 1
    kinds = (called & tampered, called & ~tampered, ~called & ~tampered, ~called & tampered)
    return Counts(*(_summed(kind.astype(np.float64), codes, weights) for kind in kinds))


def curves(
    label: NDArray[Any], p: NDArray[Any], codes: NDArray[np.intp], weights: Floats
) -> Iterator[tuple[Floats, Floats]]:
    """Walk down the ranking in every weighting, in chunks that fit in memory.

    Yields:
        Weighted true and false positives at every distinct score, highest first, after a zero; both
        (chunk, distinct + 1).
    """
    order = np.argsort(-p, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(p[order])), np.arange(len(p))[-1:])
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
        tp: (weightings, points) true positives along the ranking.
        fp: (weightings, points) false positives.
    """
    area = (np.diff(fp, axis=1) * (tp[:, 1:] + tp[:, :-1])).sum(axis=1) / 2
    auc: Floats = area / _positive(tp[:, -1] * fp[:, -1])
    return auc


def clustered_auc(label: NDArray[Any], p: NDArray[Any], codes: NDArray[np.intp], weights: Floats) -> Floats:
    """The areas of `curve_auc` without the curves: far quicker where thousands of rows belong to few clusters.

    Every pair of a tampered and an untouched row counts by the weights of their two clusters, ties one half.

    Args:
        label: (n,) 1 = tampered.
        p: (n,) finite scores of any range.
        codes: (n,) cluster of each row.
        weights: (weightings, clusters) how often each cluster counts, >= 0.

    Returns:
        (weightings,) areas; NaN where a class is missing.
    """
    clusters, tampered = weights.shape[1], np.asarray(label) == 1
    wins = np.zeros((clusters, clusters))
    for of in range(clusters):
        others = np.sort(p[~tampered & (codes == of)])
        twice = sum(np.searchsorted(others, p[tampered], side=side) for side in ("left", "right"))
        wins[:, of] = np.bincount(codes[tampered], twice / 2, clusters)
    positives, negatives = (weights @ np.bincount(codes[of], minlength=clusters) for of in (tampered, ~tampered))
    auc: Floats = ((weights @ wins) * weights).sum(axis=1) / _positive(positives * negatives)
    return auc


def harmonic_mean(values: Sequence[Floats | float]) -> Floats:
    """Harmonic mean of values >= 0: 0 when one is 0, NaN when one is NaN (Alsabbagh and Al-Kadi, equation 3)."""
    with np.errstate(divide="ignore"):
        mean: Floats = len(values) / np.sum(1 / np.asarray(values, dtype=np.float64), axis=0)
    return mean


def ppv(recall: Floats | float, specificity: Floats | float, prevalence: float) -> Floats:
    """Positive predictive value at a prevalence (Bayes); NaN when nothing would be called tampered."""
    true = prevalence * np.asarray(recall)
    value: Floats = true / _positive(true + (1 - prevalence) * (1 - np.asarray(specificity)))
    return value


def ece_bins(p: NDArray[Any]) -> NDArray[np.intp]:
    """Bin of each probability: ten of equal width over 0..1, the last one closed."""
    return np.minimum((np.asarray(p) * ECE_BINS).astype(np.intp), ECE_BINS - 1)


def _of_counts(counts: Counts, positive: PositiveClass) -> dict[str, Floats]:
    """Some are of the positive class; what asks for the prevalence of tampering is of tampered, whichever that is."""
    of = counts.of(positive)
    tp, fp, tn, fn = of.tp, of.fp, of.tn, of.fn
    accuracy = (tp + tn) / _positive(tp + fp + tn + fn)
    recall, specificity = tp / _positive(tp + fn), tn / _positive(tn + fp)
    f1 = 2 * tp / _positive(2 * tp + fp + fn)
    found, passed = (recall, specificity) if positive is PositiveClass.TAMPERED else (specificity, recall)
    return {
        "accuracy": accuracy,
        "precision": tp / _positive(tp + fp),
        "recall": recall,
        "specificity": specificity,
        "f1": f1,
        "h": harmonic_mean((accuracy, f1, specificity)),
        "fall_out": fp / _positive(fp + tn),
        "balanced_accuracy": (recall + specificity) / 2,
        "mcc": (tp * tn - fp * fn) / np.sqrt(_positive((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))),
        **{name: ppv(found, passed, prevalence) for name, prevalence in PREVALENCES.items()},
    }


def _of_probability(label: Floats, p: Floats, codes: NDArray[np.intp], weights: Floats) -> dict[str, Floats]:
    total = _positive(_summed(np.ones_like(p), codes, weights))
    gaps = np.zeros((weights.shape[1], ECE_BINS))
    np.add.at(gaps, (codes, ece_bins(p)), p - label)
    return {
        "brier": _summed((p - label) ** 2, codes, weights) / total,
        "ece": np.abs(weights @ gaps).sum(axis=1) / total,
    }


def _of_curve(tp: Floats, fp: Floats) -> dict[str, Floats]:
    tpr, fpr = tp / _positive(tp[:, -1:]), fp / _positive(fp[:, -1:])
    precision = np.nan_to_num(tp[:, 1:] / _positive(tp[:, 1:] + fp[:, 1:]))
    both = np.where((tp[:, -1] > 0) & (fp[:, -1] > 0), 1.0, np.nan)
    return {
        "auc": curve_auc(tp, fp),
        "average_precision": (np.diff(tpr, axis=1) * precision).sum(axis=1) * both,
        **{
            name: np.where(fpr <= level + _LEVEL_TOLERANCE, tpr, 0.0).max(axis=1) * both
            for name, level in FPR_LEVELS.items()
        },
    }


def _summed(values: Floats, codes: NDArray[np.intp], weights: Floats) -> Floats:
    totals: Floats = weights @ np.bincount(codes, values, weights.shape[1])
    return totals


def _positive(values: Floats) -> Floats:
    """NaN in place of what must not be divided by."""
    return np.where(values > 0, values, np.nan)
