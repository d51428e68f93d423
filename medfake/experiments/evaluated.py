"""What a detector's card says of its figures: thresholds of validation, metrics with intervals of both splits."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from medfake.config import EvaluationParams
from medfake.experiments.folds import FoldTrainings
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.both_classes import measure_both
from medfake.metrics.intervals import MetricsWithIntervals, evaluate_with_intervals
from medfake.metrics.over_folds import rows_with_folds, summarise_folds
from medfake.metrics.predictions import SCORED, scan_table
from medfake.metrics.threshold import ScanThresholds, SliceThreshold, choose_scan_thresholds, choose_slice_threshold
from medfake.package.measured import Folds
from medfake.vocabulary import PositiveClass, Split


@dataclass(frozen=True)
class Evaluated:
    """Predictions, measured.

    Attributes:
        threshold: A slice is tampered from there on; chosen on validation.
        scan: Thresholds of scans, likewise.
        measured: Split -> metrics of its slices at that threshold.
        patients: Split -> patients scored.
        both_classes: Split -> accuracy, loss, precision and recall of either class; "train" where slices are scored.
        folds: Figures of trainings over folds; None where the data set has none.
        positive: Class that precision, recall, specificity, F1, H and fall-out are of.
        confidence: Of the intervals.
    """

    threshold: SliceThreshold
    scan: ScanThresholds
    measured: dict[str, MetricsWithIntervals]
    patients: dict[str, int]
    both_classes: dict[str, dict[str, float | None]]
    folds: Folds | None
    positive: PositiveClass
    confidence: float

    def facts(self) -> dict[str, Any]:
        """Fields of a `Card`."""
        return {
            "threshold": self.threshold.value,
            "threshold_rule": self.threshold.rule,
            "scan_threshold_low": self.scan.low,
            "scan_threshold_high": self.scan.high,
            "metrics": {split: one.metrics.values() for split, one in self.measured.items()},
            "intervals": {split: one.edges for split, one in self.measured.items()},
            "patients": self.patients,
            "interval_unit": {split: one.unit for split, one in self.measured.items()},
            "both_classes": self.both_classes,
            "folds": self.folds,
            "positive": self.positive,
            "confidence": self.confidence,
        }


def evaluate(
    predictions: pd.DataFrame,
    params: EvaluationParams,
    learnt: pd.DataFrame | None = None,
    folds: FoldTrainings | None = None,
    *,
    stand_for_test: bool = False,
) -> Evaluated:
    """Params or the validation split choose thresholds; the test split is only measured.

    Args:
        predictions: One run's rows, columns of `predictions.COLUMNS`.
        learnt: Training slices, likewise, for their accuracy and loss; None or empty for none.
        folds: Trainings over folds; None where the data set has none.
        stand_for_test: Whether what they scored stands for a test split, which the data set has not.
        params: Rule of the threshold, class that figures are of, and intervals.
    """
    bootstrap = Bootstrap.of(params)
    threshold = choose_slice_threshold(predictions, params.threshold)
    scan = choose_scan_thresholds(scan_table(predictions), threshold.value)
    if folds is not None and stand_for_test:
        predictions = rows_with_folds(predictions, threshold.value, (scan.low, scan.high), folds.rows, folds.each)
    measured = {
        str(split): evaluate_with_intervals(
            predictions[predictions.split == split], threshold.value, bootstrap, params.positive
        )
        for split in SCORED
    }
    by_split = {str(split): predictions[predictions.split == split] for split in SCORED}
    by_split |= {} if learnt is None else {str(Split.TRAIN): learnt}
    return Evaluated(
        threshold=threshold,
        scan=scan,
        measured=measured,
        patients={str(split): int(own.patient_id.nunique()) for split, own in predictions.groupby("split")},
        both_classes={
            split: measure_both(own, threshold.value).values() for split, own in by_split.items() if len(own)
        },
        folds=None
        if folds is None
        else summarise_folds(folds.rows, folds.each, bootstrap, stand_for_test=stand_for_test),
        positive=params.positive,
        confidence=bootstrap.confidence,
    )
