"""The few figures that say how good a training is: what `dvc metrics diff` and `dvc exp show` compare."""

from pathlib import Path
from typing import Final

import pandas as pd

from medfake.metrics.binary import measure
from medfake.metrics.over_folds import read_tested
from medfake.metrics.predictions import scan_table
from medfake.package.card import read_card
from medfake.vocabulary import PositiveClass, Split

HEADLINE: Final = ("auc", "accuracy", "f1", "h", "scan_auc", "val_auc")
"""Of the test slices, its scans, and the validation slices: `val_auc` is what variants are chosen by."""

_DIGITS: Final = 6  # what differs between processors lies behind them


def headline_of(package: Path) -> dict[str, float]:
    """The headline of a package by its own predictions and the thresholds of its card.

    Args:
        package: Folder with card.json and predictions.parquet.

    Returns:
        As `headline`.

    Raises:
        ManifestError: The package is not whole.
    """
    card = read_card(package)
    return headline(read_tested(package, card), card.threshold, card.scan_threshold_high, card.positive)


def headline(
    predictions: pd.DataFrame,
    threshold: float,
    scan_threshold: float,
    positive: PositiveClass = PositiveClass.TAMPERED,
) -> dict[str, float]:
    """Measure one run.

    Args:
        predictions: Its val and test rows.
        threshold: Of slices, 0..1.
        scan_threshold: Of scans, 0..1.
        positive: Class that F1 and H are of.

    Returns:
        By the names of `HEADLINE`, 0..1, six digits; undefined ones are left out.
    """
    val, test = (predictions[predictions["split"] == split] for split in (Split.VAL, Split.TEST))
    scans = measure(scan_table(test), scan_threshold)
    figures = measure(test, threshold, positive).values() | {
        "scan_auc": scans.auc,
        "val_auc": measure(val, threshold).auc,
    }
    return {name: round(value, _DIGITS) for name in HEADLINE if (value := figures[name]) is not None}
