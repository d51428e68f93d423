"""A cube as a network takes it: 32 voxels of 1 mm along each axis, with a hole in its middle."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.tamper.cube import Cube, Grid

EDGE: Final = 32
_MIDDLE: Final = EDGE // 2
_HOLE_MM: Final = 10  # half of it; no voxel beyond is refilled by more than the blend at the border
_WALL: Final = 0.5  # share from which on a voxel stays what it is

Index = NDArray[np.intp]


@dataclass(frozen=True)
class NetworkCube:
    """What a network sees of a cube.

    Attributes:
        hu: (32, 32, 32) float32 HU at 1 mm, the place at (16, 16, 16). Where the cube ends before, its last voxels
            are repeated: a single slice is repeated along z.
        hole: The same shape, 1 where the network fills: the inner 21 mm without chest wall and mediastinum; else 0.
    """

    hu: Grid
    hole: Grid

    @classmethod
    def of(cls, cube: Cube) -> "NetworkCube":
        """Lay a cube out around its place."""
        lines = [
            np.clip(_centre(c) - _MIDDLE + np.arange(EDGE), 0, n - 1)
            for c, n in zip(cube.centre_mm, cube.grid.shape, strict=True)
        ]
        at = np.ix_(*lines)
        hole = np.where(cube.wall[at] < _WALL, inner(), np.float32(0))
        return cls(cube.grid[at].astype(np.float32), hole.astype(np.float32))

    @staticmethod
    def back(content: Grid, cube: Cube) -> Grid:
        """Content of (32, 32, 32) on the cube's own grid."""
        z, y, x = (
            np.clip(np.arange(n) - _centre(c) + _MIDDLE, 0, EDGE - 1)
            for c, n in zip(cube.centre_mm, cube.grid.shape, strict=True)
        )
        return content[np.ix_(z, y, x)]


def inner() -> Grid:
    """(32, 32, 32) float32: 1 in the inner 21 mm, else 0."""
    far = np.abs(np.arange(EDGE) - _MIDDLE) <= _HOLE_MM
    cube: Grid = (far[:, None, None] & far[None, :, None] & far[None, None, :]).astype(np.float32)
    return cube


def _centre(mm: float) -> int:
    return round(mm)
