"""The metrics of one set of scores at one threshold; what is undefined is None, never 0 and never NaN."""

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np

from medfake.metrics.own_thresholds import cut_of
from medfake.metrics.weighted import weighted_counts, weighted_metrics
from medfake.vocabulary import PositiveClass

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
    "fall_out": "Fall-out",
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
OF_POSITIVE: Final = ("precision", "recall", "specificity", "f1", "h", "fall_out")
"""Metrics that are of the positive class, whichever that is; all others are the same either way, or of tampered."""


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

    Those of `OF_POSITIVE` are of the class that was called positive; the counts are of tampered.

    `h` is the harmonic mean of accuracy, F1 and specificity (Alsabbagh and Al-Kadi, equation 4), `fall_out` the false
    positive rate (equation 10), the only one beside `brier` and `ece` that is better when lower. `tpr_at_fpr_*` is the
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
    fall_out: float | None
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


def measure(predictions: "pd.DataFrame", threshold: float, positive: PositiveClass = PositiveClass.TAMPERED) -> Metrics:
    """Compute every metric of some rows, each counted once.

    Args:
        predictions: Rows with `label` (1 = tampered) and `p_tampered`: one run and split, or its `scan_table`.
        threshold: Tampered from here on, 0..1; chosen on validation. Rows with a threshold of their own, of folds, are
            called by that.
        positive: Class that precision, recall, specificity, F1, H and fall-out are of.

    Returns:
        Metrics; those that the rows cannot define (a class is missing, nothing was called tampered, ...) are None.
    """
    label, p = predictions["label"].to_numpy(dtype=np.int64), predictions["p_tampered"].to_numpy(dtype=np.float64)
    one_cluster, once = np.zeros(len(p), dtype=np.intp), np.ones((1, 1))
    cut = cut_of(predictions, threshold)
    counts = weighted_counts(label, p, cut, one_cluster, once)
    values = weighted_metrics(label, p, cut, one_cluster, once, positive)
    return Metrics(
        threshold=threshold,
        confusion=Confusion(*(round(float(count[0])) for count in (counts.tp, counts.fp, counts.tn, counts.fn))),
        **{name: _defined(float(values[name][0])) for name in METRICS},
    )


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else value
