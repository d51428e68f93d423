"""What a detector's card says of its figures: thresholds of validation, metrics with intervals of both splits."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.intervals import MetricsWithIntervals, evaluate_with_intervals
from medfake.metrics.predictions import SCORED, scan_table
from medfake.metrics.threshold import ScanThresholds, SliceThreshold, choose_scan_thresholds, choose_slice_threshold


@dataclass(frozen=True)
class Evaluated:
    """Predictions, measured.

    Attributes:
        threshold: A slice is tampered from there on; chosen on validation.
        scan: Thresholds of scans, likewise.
        measured: Split -> metrics of its slices at that threshold.
        patients: Split -> patients scored.
        confidence: Of the intervals.
    """

    threshold: SliceThreshold
    scan: ScanThresholds
    measured: dict[str, MetricsWithIntervals]
    patients: dict[str, int]
    confidence: float

    def facts(self) -> dict[str, Any]:
        """Fields of a `Card`."""
        return {
            "threshold": self.threshold.value,
            "threshold_rule": self.threshold.rule,
            "scan_threshold_low": self.scan.low,
            "scan_threshold_high": self.scan.high,
            "metrics": {split: one.metrics.values() for split, one in self.measured.items()},
            "intervals": {split: _edges(one) for split, one in self.measured.items()},
            "patients": self.patients,
            "interval_unit": {split: one.unit for split, one in self.measured.items()},
            "confidence": self.confidence,
        }


def evaluate(predictions: pd.DataFrame, bootstrap: Bootstrap) -> Evaluated:
    """Choose thresholds on the validation split; the test split is only measured.

    Args:
        predictions: One run's rows, columns of `predictions.COLUMNS`.
        bootstrap: Of the intervals.
    """
    threshold = choose_slice_threshold(predictions)
    measured = {
        str(split): evaluate_with_intervals(predictions[predictions.split == split], threshold.value, bootstrap)
        for split in SCORED
    }
    return Evaluated(
        threshold=threshold,
        scan=choose_scan_thresholds(scan_table(predictions), threshold.value),
        measured=measured,
        patients={str(split): int(own.patient_id.nunique()) for split, own in predictions.groupby("split")},
        confidence=bootstrap.confidence,
    )


def _edges(measured: MetricsWithIntervals) -> dict[str, tuple[float, float] | None]:
    return {name: (one.low, one.high) if one else None for name, one in measured.intervals.items()}
