"""Rows that were scored out of fold have thresholds of their own: those that the training of their fold chose."""

from typing import TYPE_CHECKING, Final

import numpy as np

from medfake.metrics.scans import Floats

if TYPE_CHECKING:
    import pandas as pd

CALLED_FROM: Final = "called_from"
"""Column of slices or scans in memory: P from which on the row is called tampered."""
SCAN_LOW: Final = "scan_low"
SCAN_HIGH: Final = "scan_high"
"""Columns of slices in memory: thresholds of their scans, as `Card` has them."""


def cut_of(rows: "pd.DataFrame", threshold: float) -> float | Floats:
    """Where rows are called tampered: at their own thresholds, (rows,), where they have them, else at the one given."""
    if CALLED_FROM not in rows:
        return threshold
    cut: Floats = rows[CALLED_FROM].to_numpy(dtype=np.float64)
    return cut
