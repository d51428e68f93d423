"""A place of one slice as a network takes it: 64 px at the slice's own resolution, with a hole in its middle."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.tamper.block import Block, Grid
from medfake.tamper.site import Site, Volume

EDGE: Final = 64
HALF: Final = EDGE // 2
MARGIN_PX: Final = 4
"""Around a hole that is always known."""


def patch_at(volume: Volume, place: Site) -> Grid:
    """Cut a patch.

    Args:
        volume: (slices, rows, cols) int16 HU.
        place: Its middle.

    Returns:
        (64, 64) float32 HU, the place at (32, 32); where the slice ends before, its last pixels are repeated.
    """
    return _around(volume[place.z].astype(np.float32), place.y, place.x)


def hole_in_patches(block: Block, share: Grid) -> Grid:
    """What of a soft shape the patches of a block's slices may fill.

    Args:
        block: Around the place.
        share: Of each voxel that is manipulated, 0..1, shape of the block.

    Returns:
        float32, shape of the block: the share, 0 within 4 px of a patch's sides and beyond.
    """
    reach = HALF - MARGIN_PX
    rows, cols = (
        np.abs(np.arange(part.start, part.stop) - centre) < reach
        for part, centre in zip(block.box[1:], (block.place.y, block.place.x), strict=True)
    )
    kept: Grid = share * (rows[:, None] & cols[None, :])
    return kept


def in_patch(block: Block, plane: Grid) -> Grid:
    """A slice of a block, laid into a patch of zeros: (rows, cols) -> (64, 64)."""
    patch = np.zeros((EDGE, EDGE), np.float32)
    into, out = _overlap(block)
    patch[into] = plane[out]
    return patch


def from_patch(block: Block, patch: Grid, around: Grid) -> Grid:
    """A patch on the pixels of a slice of a block; where it does not reach, `around`."""
    plane = around.copy()
    into, out = _overlap(block)
    plane[out] = patch[into]
    return plane


def radius_mm(block: Block, wanted: tuple[float, float], feather_mm: float) -> tuple[float, float]:
    """The range of half axes, as far as such a shape fits into a patch."""
    most = ((HALF - MARGIN_PX) * min(block.spacing_mm[1:]) - feather_mm / 2) / 1.25  # shapes vary by a quarter
    return min(wanted[0], most), min(wanted[1], most)


_Part = tuple[slice, slice]


def _overlap(block: Block) -> tuple[_Part, _Part]:
    """Where a block lies in its patch, and the patch in the block."""
    into, out = [], []
    for part, centre in zip(block.box[1:], (block.place.y, block.place.x), strict=True):
        first = centre - HALF
        low, high = max(part.start, first), min(part.stop, first + EDGE)
        into.append(slice(low - first, high - first))
        out.append(slice(low - part.start, high - part.start))
    return (into[0], into[1]), (out[0], out[1])


def _around(plane: Grid, y: int, x: int) -> Grid:
    rows, cols = (
        np.clip(np.arange(centre - HALF, centre + HALF), 0, length - 1)
        for centre, length in zip((y, x), plane.shape, strict=True)
    )
    patch: NDArray[np.float32] = plane[np.ix_(rows, cols)]
    return patch
