"""The place of a manipulation in a volume, and what it is a place of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Volume = NDArray[np.int16]
Spacing = tuple[float, float, float]


@dataclass(frozen=True)
class Site:
    """Voxel indices of a site in a volume (slices, rows, cols)."""

    z: int
    y: int
    x: int
