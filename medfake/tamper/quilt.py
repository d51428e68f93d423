"""A hole filled with patches of its surroundings, each cut along the seam where it differs least from what is there."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.tamper.block import Block, Grid
from medfake.tamper.site import Volume

PATCH_MM = 8.0
_OVERLAP = 1 / 3  # of a patch
_CANDIDATES = 32
_BEST = 4  # among which chance decides
_AROUND_MM = 14.0  # beyond the block where patches come from
_SOLID_ABOVE_HU = -500.0


def quilted(volume: Volume, block: Block, hole: Grid, rng: Generator) -> Grid:
    """Fill a hole, patch by patch; a patch goes through all slices of the block.

    Args:
        volume: That the block was cut from.
        block: Around the place.
        hole: Share of each voxel that is to be filled, 0..1.
        rng: Draws where patches come from.

    Returns:
        HU, shape of the block; what is no hole is left as it was, but for patches that reach over its border.
    """
    result = block.hu.copy()
    edge = min(max(6, round(PATCH_MM / block.spacing_mm[1])), *block.hu.shape[1:])
    lap = max(2, round(edge * _OVERLAP))
    rows, cols = np.nonzero((hole > 0).any(axis=0))
    if not len(rows):
        return result
    patches = _candidates(volume, block, hole, edge, rng)
    known = np.broadcast_to((hole == 0).all(axis=0), block.hu.shape[1:]).copy()
    for top in range(int(rows.min()) - lap, int(rows.max()) + 1, edge - lap):
        for left in range(int(cols.min()) - lap, int(cols.max()) + 1, edge - lap):
            y, x = (min(max(start, 0), n - edge) for start, n in zip((top, left), known.shape, strict=True))
            here = np.s_[y : y + edge, x : x + edge]
            if known[here].all():
                continue
            there = result[:, y : y + edge, x : x + edge]
            lung = there[:, known[here]]
            lung = lung[lung < _SOLID_ABOVE_HU]
            level = float(lung.mean()) if lung.size else None
            patch = _fitting(patches, there, known[here], level, rng)
            keep = _seam(np.mean((patch - there) ** 2, axis=0), known[here], lap)
            there[:] = np.where(keep, there, patch)
            known[here] = True
    return result


def _candidates(volume: Volume, block: Block, hole: Grid, edge: int, rng: Generator) -> Grid:
    """(n, slices, edge, edge) patches that touch no hole, those with the fewest solid voxels."""
    margin = round(_AROUND_MM / block.spacing_mm[1])
    z, y, x = block.box
    low = [max(0, part.start - margin) for part in (y, x)]
    high = [min(n, part.stop + margin) for n, part in zip(volume.shape[1:], (y, x), strict=True)]
    wide = volume[z, low[0] : high[0], low[1] : high[1]].astype(np.float32)
    filled = np.zeros(wide.shape[1:], bool)
    filled[y.start - low[0] : y.stop - low[0], x.start - low[1] : x.stop - low[1]] = (hole > 0.02).any(axis=0)
    solid = (wide > _SOLID_ABOVE_HU).mean(axis=0) + 100.0 * filled
    tops = rng.integers(0, wide.shape[1] - edge + 1, size=_CANDIDATES * 8)
    lefts = rng.integers(0, wide.shape[2] - edge + 1, size=_CANDIDATES * 8)
    sums = np.pad(solid.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    cost = sums[tops + edge, lefts + edge] - sums[tops, lefts + edge] - sums[tops + edge, lefts] + sums[tops, lefts]
    best = np.argsort(cost, kind="stable")[:_CANDIDATES]
    return np.stack([wide[:, t : t + edge, s : s + edge] for t, s in zip(tops[best], lefts[best], strict=True)])


def _fitting(patches: Grid, there: Grid, known: NDArray[np.bool_], level: float | None, rng: Generator) -> Grid:
    """One of the patches that differ least from what is known, its mean brightness fitted to it."""
    if level is None:
        drawn: Grid = patches[rng.integers(len(patches))]
        return drawn
    shifts = np.clip(level - patches[:, :, known].mean(axis=(1, 2)), -60, 60)
    differ = ((patches[:, :, known] + shifts[:, None, None] - there[:, known]) ** 2).mean(axis=(1, 2))
    chosen = np.argsort(differ, kind="stable")[:_BEST][rng.integers(min(_BEST, len(patches)))]
    fitted: Grid = patches[chosen] + np.float32(shifts[chosen])
    return fitted


def _seam(differ: Grid, known: NDArray[np.bool_], lap: int) -> NDArray[np.bool_]:
    """Where what is there stays: beyond the seams of least difference along the top and the left of a patch."""
    keep = np.zeros(known.shape, bool)
    if known[:, :lap].mean() > 0.5:
        keep[:, :lap] |= _cut(differ[:, :lap])
    if known[:lap].mean() > 0.5:
        keep[:lap] |= _cut(differ[:lap].T).T
    return keep & known


def _cut(differ: Grid) -> NDArray[np.bool_]:
    """(n, width) True before the path of least cost from the first row to the last."""
    cost = differ.copy()
    for row in range(1, len(cost)):
        before = np.pad(cost[row - 1], 1, constant_values=np.inf)
        cost[row] += np.minimum(np.minimum(before[:-2], before[1:-1]), before[2:])
    column = int(cost[-1].argmin())
    kept = np.zeros(differ.shape, bool)
    for row in range(len(cost) - 1, -1, -1):
        kept[row, :column] = True
        if row:
            left = max(column - 1, 0)
            column = left + int(cost[row - 1, left : column + 2].argmin())
    return kept
