"""Accuracy, loss, and precision and recall of either class, as Solaiyappan and Wen print them (Tables 2 to 7)."""

from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import pandas as pd

from medfake.metrics.binary import measure
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.classes import measure_classes
from medfake.vocabulary import CLASSES

_NO_INTERVAL: Final = Bootstrap(resamples=2)  # nobody looks at it here
_EDGE: Final = 1e-7  # of probabilities, as Keras clips them before its losses


@dataclass(frozen=True, kw_only=True)
class BothClasses:
    """Of some slices; 0..1 but for the loss, which is 0 and more; None where undefined.

    Attributes:
        slices: How many.
        accuracy: Of two classes at the threshold; of three where the detector tells three apart, by the largest.
        log_loss: Mean cross-entropy of the probabilities, of as many classes.
        untampered_precision: Share of slices called untampered that are.
        untampered_recall: Share of untampered slices that are called so, the specificity.
        tampered_precision: Likewise of tampered ones, removed or injected.
        tampered_recall: Likewise.
    """

    slices: int
    accuracy: float | None
    log_loss: float | None
    untampered_precision: float | None
    untampered_recall: float | None
    tampered_precision: float | None
    tampered_recall: float | None

    def values(self) -> dict[str, float | None]:
        """Figure by name, the count left out."""
        return {name: value for name, value in asdict(self).items() if name != "slices"}


def measure_both(predictions: pd.DataFrame, threshold: float) -> BothClasses:
    """Measure some rows of a predictions table.

    Args:
        predictions: One run and split; at least one row.
        threshold: Tampered from here on, 0..1.
    """
    metrics = measure(predictions, threshold)
    counts = metrics.confusion
    classes = measure_classes(predictions, _NO_INTERVAL)
    called_untampered = counts.tn + counts.fn
    return BothClasses(
        slices=len(predictions),
        accuracy=classes.accuracy if classes else metrics.accuracy,
        log_loss=_log_loss(predictions, three=classes is not None),
        untampered_precision=counts.tn / called_untampered if called_untampered else None,
        untampered_recall=metrics.specificity,
        tampered_precision=metrics.precision,
        tampered_recall=metrics.recall,
    )


def _log_loss(predictions: pd.DataFrame, *, three: bool) -> float:
    """Mean of -ln P of what each slice is."""
    p_tampered = predictions.p_tampered.to_numpy(np.float64)
    if three:
        columns = [1 - p_tampered, *(predictions[f"p_{word}"].to_numpy(np.float64) for word in CLASSES[1:])]
        of_truth = np.choose(predictions.manipulation.map(CLASSES.index).to_numpy(int), columns)
    else:
        of_truth = np.where(predictions.label == 1, p_tampered, 1 - p_tampered)
    return float(-np.log(np.clip(of_truth, _EDGE, 1)).mean())
