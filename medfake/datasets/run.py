"""What lies around slices of a data set, as detectors that look along z are given it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class Run:
    """All slices of a scan that are near to some of them.

    Attributes:
        scan_id: Of the scan.
        volume: (slices, rows, cols) int16 Hounsfield units.
        z_mm: (slices,) ascending positions.
        z_index: (slices,) places in the whole scan.
    """

    scan_id: str
    volume: NDArray[np.int16]
    z_mm: NDArray[np.float64]
    z_index: NDArray[np.int64]


Around = Callable[[pd.DataFrame], Iterator[Run]]
"""Rows of the manifest -> all slices near to them, scan by scan."""
