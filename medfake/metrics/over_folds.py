"""What folds found: figures of each, their mean and deviation, and those of all rows that were scored out of fold."""

import statistics
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from medfake.metrics.binary import METRICS, measure
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.intervals import evaluate_with_intervals
from medfake.metrics.own_thresholds import CALLED_FROM, SCAN_HIGH, SCAN_LOW
from medfake.metrics.predictions import read_predictions
from medfake.metrics.threshold import ScanThresholds, SliceThreshold
from medfake.package.card import FOLDS_FILE, PREDICTIONS_FILE, Card
from medfake.package.measured import FoldFigures, Folds


def with_thresholds(rows: pd.DataFrame, folds: Sequence[FoldFigures]) -> pd.DataFrame:
    """Rows scored out of fold, with the thresholds of their folds as columns; `measure` and `scan_table` use them.

    Args:
        rows: As in folds.parquet.
        folds: Of every number that `fold` has.
    """
    columns = {
        CALLED_FROM: {one.fold: one.threshold for one in folds},
        SCAN_LOW: {one.fold: one.scan_threshold_low for one in folds},
        SCAN_HIGH: {one.fold: one.scan_threshold_high for one in folds},
    }
    number = rows["fold"].astype(int)
    return rows.assign(**{name: number.map(values) for name, values in columns.items()})


def rows_with_folds(
    predictions: pd.DataFrame, cut: float, scans: tuple[float, float], rows: pd.DataFrame, folds: Sequence[FoldFigures]
) -> pd.DataFrame:
    """Predictions of a data set without a test split, whose test rows are those that were scored out of fold.

    Args:
        predictions: Of the val split, by the training that is stored.
        cut: Its threshold of slices.
        scans: Its thresholds of scans, low and high.
        rows: As in folds.parquet.
        folds: As for `with_thresholds`.

    Returns:
        Rows of val and test, each with the thresholds of the training that scored it.
    """
    own = predictions.assign(**{CALLED_FROM: cut, SCAN_LOW: scans[0], SCAN_HIGH: scans[1]})
    return pd.concat([own, with_thresholds(rows, folds)], ignore_index=True)


def read_tested(package: Path, card: Card) -> pd.DataFrame:
    """Predictions of a stored training; where the data set has no test split, test rows are those of the folds.

    Args:
        package: Folder.
        card: Of the package.

    Raises:
        ManifestError: A table is missing or cannot be read.
    """
    predictions = read_predictions(package / PREDICTIONS_FILE)
    if card.folds is None or not card.folds.stand_for_test:
        return predictions
    scans = (card.scan_threshold_low, card.scan_threshold_high)
    return rows_with_folds(
        predictions, card.threshold, scans, read_predictions(package / FOLDS_FILE), card.folds.each
    )  # fmt: skip


def measure_fold(rows: pd.DataFrame, cut: SliceThreshold, scans: ScanThresholds) -> FoldFigures:
    """Figures of one fold on its slices, at the thresholds that its own val split chose.

    Args:
        rows: Of one fold.
        cut: Of slices.
        scans: Of scans.
    """
    return FoldFigures(
        fold=int(rows["fold"].iloc[0]),
        threshold=cut.value,
        threshold_rule=cut.rule,
        scan_threshold_low=scans.low,
        scan_threshold_high=scans.high,
        patients=int(rows["patient_id"].nunique()),
        slices=len(rows),
        metrics=measure(rows, cut.value).values(),
    )


def summarise_folds(
    rows: pd.DataFrame, folds: Sequence[FoldFigures], bootstrap: Bootstrap, *, stand_for_test: bool
) -> Folds:
    """Mean and deviation over folds, and figures of all their slices together.

    Args:
        rows: Of all folds, as in folds.parquet.
        folds: From `measure_fold`.
        bootstrap: Of the intervals over patients.
        stand_for_test: Whether the data set has no test split.
    """
    pooled = evaluate_with_intervals(with_thresholds(rows, folds), 0.5, bootstrap)  # each row has its own threshold
    by_metric = {name: [one.metrics[name] for one in folds] for name in METRICS}
    return Folds(
        stand_for_test=stand_for_test,
        each=tuple(folds),
        mean={name: _mean(values) for name, values in by_metric.items()},
        deviation={name: _deviation(values) for name, values in by_metric.items()},
        pooled=pooled.metrics.values(),
        intervals=pooled.edges,
        patients=int(rows["patient_id"].nunique()),
        interval_unit=pooled.unit,
    )


def _mean(values: Sequence[float | None]) -> float | None:
    """Of the folds that define a figure; None where fewer than two do."""
    defined = [value for value in values if value is not None]
    return statistics.fmean(defined) if len(defined) > 1 else None


def _deviation(values: Sequence[float | None]) -> float | None:
    """Sample standard deviation (n - 1) of the folds that define a figure; None where fewer than two do."""
    defined = [value for value in values if value is not None]
    return statistics.stdev(defined) if len(defined) > 1 else None
