"""Figures of two packages of one training side by side: whether one that was done again came out the same."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from medfake.metrics.binary import measure
from medfake.metrics.predictions import read_predictions, scan_table
from medfake.package.card import PREDICTIONS_FILE, Card, read_card
from medfake.vocabulary import Split


@dataclass(frozen=True)
class FigurePair:
    """One figure before and again.

    Attributes:
        name: E.g. "test/slice/auc".
        before: None where undefined.
        again: Likewise.
    """

    name: str
    before: float | None
    again: float | None

    @property
    def difference(self) -> float:
        """How far they are apart, >= 0; infinite where one alone is defined."""
        if self.before is None or self.again is None:
            return 0.0 if self.before is self.again else math.inf
        return abs(self.before - self.again)


def figure_pairs(before: Path, again: Path) -> list[FigurePair]:
    """Every figure of a package beside that of another one.

    Args:
        before: Folder of a package; where it has no predictions, those figures are left out that come from them.
        again: Folder of the other one, whole.

    Returns:
        Thresholds, metrics of slices as the cards have them, metrics of scans from the predictions, and the largest
        difference between two probabilities of a slice (0 before).

    Raises:
        ManifestError: A package cannot be read.
    """
    cards = read_card(before), read_card(again)
    tables = [_of_card(card) for card in cards]
    apart: list[FigurePair] = []
    if (before / PREDICTIONS_FILE).exists():
        predictions = [read_predictions(package / PREDICTIONS_FILE) for package in (before, again)]
        of_scans = [_of_scans(rows, card) for rows, card in zip(predictions, cards, strict=True)]
        tables = [{**table, **scans} for table, scans in zip(tables, of_scans, strict=True)]
        apart = [FigurePair("largest difference of P(tampered)", 0.0, _largest_difference(*predictions))]
    first, second = tables
    return [FigurePair(name, first.get(name), second.get(name)) for name in {**first, **second}] + apart


def _of_card(card: Card) -> dict[str, float | None]:
    thresholds = ("threshold", "scan_threshold_low", "scan_threshold_high")
    metrics = {f"{split}/slice/{name}": value for split, own in card.metrics.items() for name, value in own.items()}
    return {name: getattr(card, name) for name in thresholds} | metrics


def _of_scans(rows: pd.DataFrame, card: Card) -> dict[str, float | None]:
    figures: dict[str, float | None] = {}
    for split in (Split.VAL, Split.TEST):
        own = rows[rows["split"] == split]
        if len(own):
            measured = measure(scan_table(own), card.scan_threshold_high)
            figures |= {f"{split}/scan/{name}": value for name, value in measured.values().items()}
    return figures


def _largest_difference(before: pd.DataFrame, again: pd.DataFrame) -> float | None:
    """None where other slices were scored."""
    first, second = (rows.set_index(["split", "slice_id"])["p_tampered"].sort_index() for rows in (before, again))
    if not first.index.equals(second.index):
        return None
    return float(np.abs(first.to_numpy(float) - second.to_numpy(float)).max(initial=0.0))
