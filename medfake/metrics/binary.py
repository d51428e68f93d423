"""The metrics of one set of scores at one threshold; what is undefined is None, never 0 and never NaN."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

PAPER_METRICS: Final = ("accuracy", "precision", "recall", "specificity", "f1", "auc")
"""The six metrics of Alsabbagh and Al-Kadi, Appendix B, in their order."""
HEADINGS: Final[dict[str, str]] = {  # metric -> heading
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "specificity": "Specificity",
    "f1": "F1",
    "auc": "AUC",
    "h": "H",
    "average_precision": "AP",
    "balanced_accuracy": "Balanced acc.",
    "mcc": "MCC",
    "tpr_at_fpr_1": "TPR at 1 % FPR",
    "tpr_at_fpr_5": "TPR at 5 % FPR",
    "brier": "Brier",
    "ece": "ECE",
    "ppv_at_0_1": "PPV at 0.1 %",
    "ppv_at_1": "PPV at 1 %",
    "ppv_at_10": "PPV at 10 %",
}
METRICS: Final = tuple(HEADINGS)
FPR_LEVELS: Final = {"tpr_at_fpr_1": 0.01, "tpr_at_fpr_5": 0.05}
PREVALENCES: Final = {"ppv_at_0_1": 0.001, "ppv_at_1": 0.01, "ppv_at_10": 0.1}
ECE_BINS: Final = 10
LEVEL_TOLERANCE: Final = 1e-12  # a false positive rate of k/n may be a hair above its level


@dataclass(frozen=True)
class Confusion:
    """Counts at the threshold; positive is tampered."""

    tp: int
    fp: int
    tn: int
    fn: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.tp + self.fp + self.tn + self.fn


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Every metric of one set of scores; 0..1 except `mcc` (-1..1); None where undefined.

    `h` is the harmonic mean of accuracy, F1 and specificity (Alsabbagh and Al-Kadi, equation 4). `tpr_at_fpr_*` is the
    highest true positive rate of any cut with at most that false positive rate: with fewer than 100 real slices, 1 %
    means none. `ece` has ten equal bins. `ppv_at_*` is the precision that recall and specificity would give at that
    prevalence (in percent) of tampering.
    """

    threshold: float
    confusion: Confusion
    accuracy: float | None
    precision: float | None
    recall: float | None
    specificity: float | None
    f1: float | None
    auc: float | None
    h: float | None
    average_precision: float | None
    balanced_accuracy: float | None
    mcc: float | None
    tpr_at_fpr_1: float | None
    tpr_at_fpr_5: float | None
    brier: float | None
    ece: float | None
    ppv_at_0_1: float | None
    ppv_at_1: float | None
    ppv_at_10: float | None

    def values(self) -> dict[str, float | None]:
        """Figure by name, in the order of `METRICS`."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name in HEADINGS}


def measure(predictions: "pd.DataFrame", threshold: float) -> Metrics:
    """Compute every metric of some rows.

    Args:
        predictions: Rows with `label` (1 = tampered) and `p_tampered`: one run and split, or its `scan_table`.
        threshold: Tampered from here on, 0..1; chosen on validation.

    Returns:
        Metrics; those that the rows cannot define (a class is missing, nothing was called tampered, ...) are None.
    """
    label = predictions["label"].to_numpy(dtype=np.int64)
    p = predictions["p_tampered"].to_numpy(dtype=np.float64)
    counts = confusion(label, p, threshold)
    accuracy = _ratio(counts.tp + counts.tn, counts.total)
    recall = _ratio(counts.tp, counts.tp + counts.fn)
    specificity = _ratio(counts.tn, counts.tn + counts.fp)
    f1 = _ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn)
    both = counts.tp + counts.fn > 0 and counts.tn + counts.fp > 0
    return Metrics(
        threshold=threshold,
        confusion=counts,
        accuracy=accuracy,
        precision=_ratio(counts.tp, counts.tp + counts.fp),
        recall=recall,
        specificity=specificity,
        f1=f1,
        h=harmonic_mean((accuracy, f1, specificity)),
        balanced_accuracy=None if recall is None or specificity is None else (recall + specificity) / 2,
        mcc=_mcc(label, p >= threshold, counts),
        **(_of_ranking(label, p) if both else dict.fromkeys(("auc", "average_precision", *FPR_LEVELS))),
        **_of_probability(label, p),
        **{name: ppv(recall, specificity, prevalence) for name, prevalence in PREVALENCES.items()},
    )


def confusion(label: NDArray[Any], p: NDArray[Any], threshold: float) -> Confusion:
    """Count hits and misses.

    Args:
        label: (n,) 1 = tampered.
        p: (n,) P(tampered), 0..1.
        threshold: Tampered from here on.
    """
    called, tampered = p >= threshold, label == 1
    return Confusion(
        tp=int((called & tampered).sum()),
        fp=int((called & ~tampered).sum()),
        tn=int((~called & ~tampered).sum()),
        fn=int((~called & tampered).sum()),
    )


def harmonic_mean(values: Sequence[float | None]) -> float | None:
    """Harmonic mean of values >= 0: 0 when one is 0, None when one is None (Alsabbagh and Al-Kadi, equation 3)."""
    defined = [value for value in values if value is not None]
    if len(defined) < len(values) or not defined:
        return None
    return 0.0 if min(defined) == 0 else len(defined) / sum(1 / value for value in defined)


def ppv(recall: float | None, specificity: float | None, prevalence: float) -> float | None:
    """Positive predictive value at a prevalence (Bayes); None when nothing would be called tampered."""
    if recall is None or specificity is None:
        return None
    true = prevalence * recall
    return _ratio(true, true + (1 - prevalence) * (1 - specificity))


def _of_ranking(label: NDArray[Any], p: NDArray[Any]) -> dict[str, float | None]:
    from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

    fpr, tpr, _ = roc_curve(label, p, drop_intermediate=False)
    return {
        "auc": float(roc_auc_score(label, p)),
        "average_precision": float(average_precision_score(label, p)),
        **{name: float(tpr[fpr <= level + LEVEL_TOLERANCE].max()) for name, level in FPR_LEVELS.items()},
    }


def _of_probability(label: NDArray[Any], p: NDArray[Any]) -> dict[str, float | None]:
    from sklearn.metrics import brier_score_loss

    if len(label) == 0:
        return {"brier": None, "ece": None}
    bins = ece_bins(p)
    gaps = np.bincount(bins, p, ECE_BINS) - np.bincount(bins, label, ECE_BINS)
    return {
        "brier": float(brier_score_loss(label, p, pos_label=1)),
        "ece": float(np.abs(gaps).sum() / len(label)),
    }


def ece_bins(p: NDArray[Any]) -> NDArray[np.intp]:
    """Bin of each probability: ten of equal width over 0..1, the last one closed."""
    return np.minimum((np.asarray(p) * ECE_BINS).astype(np.intp), ECE_BINS - 1)


def _mcc(label: NDArray[Any], called: NDArray[Any], counts: Confusion) -> float | None:
    from sklearn.metrics import matthews_corrcoef

    margins = (counts.tp + counts.fp, counts.tp + counts.fn, counts.tn + counts.fp, counts.tn + counts.fn)
    return None if 0 in margins else float(matthews_corrcoef(label, called.astype(np.int64)))


def _ratio(part: float, whole: float) -> float | None:
    return None if whole == 0 or not math.isfinite(whole) else part / whole
