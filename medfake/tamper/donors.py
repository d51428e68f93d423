"""Where tissue to paste is taken from."""

from enum import StrEnum

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.lungs import AIR_BELOW_HU, lungs_in_slice
from medfake.tamper.block import Block, Box
from medfake.tamper.site import Volume

_STEP = 4  # rows and columns that are looked at
_WINDOW_MM = 20.0  # around a donor
_APART_MM = 14.0  # of a donor in the same slices from the place
_LEAST_LUNG = 0.55
_BEST = 12  # donors among which chance decides
_SOLID_HU = -500.0  # in the middle of bright donors, where there are such
_WHOLE_MM, _WHOLE_LUNG = 28.0, 0.8  # share of lung in all of a dark donor, where there are such: the rest may be wall


class Wanted(StrEnum):
    """What a donor shows in its middle."""

    BRIGHT = "bright"
    """Solid tissue surrounded by lung."""
    DARK = "dark"
    """Lung with few vessels."""


def donor_box(volume: Volume, block: Block, wanted: Wanted, rng: Generator) -> Box:
    """Find tissue of the shape of a block.

    Dark tissue comes from the same slices; bright tissue from any slices, where they hold some.

    Args:
        volume: That the block was cut from.
        block: Around the place that tissue is wanted for.
        wanted: What lies in the donor's middle.
        rng: Chooses among the best.

    Returns:
        Where in the volume; any place where there is no lung elsewhere.
    """
    rows, cols = block.hu.shape[1:]
    middle = block.box[0]
    depth = middle.stop - middle.start
    starts = np.array([middle.start])
    if wanted is Wanted.BRIGHT and len(volume) > depth:
        starts = rng.integers(0, len(volume) - depth + 1, size=3)
    best: list[tuple[bool, float, int, int, int]] = []
    for start in dict.fromkeys(int(one) for one in starts):
        z = min(start + block.place.z - middle.start, len(volume) - 1)
        found = _scored(volume[z], block, wanted, start == middle.start)
        best += [(suits, score, start, y, x) for suits, score, y, x in found]
    best.sort(reverse=True)
    best = [one for one in best if one[0] == best[0][0]]  # what suits, however little there is of it
    if not best:
        return _anywhere(volume, block, rng)
    _, _, start, y, x = best[int(rng.integers(min(_BEST, len(best))))]
    return slice(start, start + depth), slice(y, y + rows), slice(x, x + cols)


def _scored(plane: NDArray[np.int16], block: Block, wanted: Wanted, same: bool) -> list[tuple[bool, float, int, int]]:
    """(suits, score, top, left) of the places of a slice that have lung around them, the best last."""
    from scipy.ndimage import gaussian_filter, uniform_filter

    rows, cols = block.hu.shape[1:]
    coarse = plane[::_STEP, ::_STEP].astype(np.float32)
    inside = lungs_in_slice(plane, block.spacing_mm[1])[::_STEP, ::_STEP]  # of a coarser plane it loses some lungs
    unit = block.spacing_mm[1] * _STEP
    window = max(3, round(_WINDOW_MM / unit))
    dark = (inside & (coarse < AIR_BELOW_HU)).astype(np.float32)
    lung = np.where(inside, uniform_filter(dark, window), 0)
    mean = uniform_filter(coarse, window)
    if wanted is Wanted.BRIGHT:
        inner = gaussian_filter(coarse, 2.5 / unit)
        crossing = mean - gaussian_filter(coarse, 3.5 / unit) / 4  # a long vessel would end at the shape's border
        score, suits = inner - gaussian_filter(coarse, 9.0 / unit) - crossing, inner > _SOLID_HU
    else:
        here = block.hu[block.hu < AIR_BELOW_HU]
        score = -np.abs(mean - (float(np.median(here)) if here.size else -850.0))
        suits = uniform_filter(dark, max(3, round(_WHOLE_MM / unit))) >= _WHOLE_LUNG
    y, x = np.nonzero(lung >= _LEAST_LUNG)
    tops, lefts = y * _STEP - (block.place.y - block.box[1].start), x * _STEP - (block.place.x - block.box[2].start)
    fits = (tops >= 0) & (lefts >= 0) & (tops + rows <= plane.shape[0]) & (lefts + cols <= plane.shape[1])
    if same:
        away = np.maximum(
            np.abs(tops - block.box[1].start) * block.spacing_mm[1],
            np.abs(lefts - block.box[2].start) * block.spacing_mm[2],
        )
        fits &= away >= _APART_MM
    suits, values, tops, lefts = (one[fits] for one in (suits[y, x], score[y, x], tops, lefts))
    order = np.lexsort((values, suits))[-_BEST * 3 :]
    return [(bool(suits[one]), float(values[one]), int(tops[one]), int(lefts[one])) for one in order]


def _anywhere(volume: Volume, block: Block, rng: Generator) -> Box:
    rows, cols = block.hu.shape[1:]
    top = int(rng.integers(0, volume.shape[1] - rows + 1))
    left = int(rng.integers(0, volume.shape[2] - cols + 1))
    return block.box[0], slice(top, top + rows), slice(left, left + cols)
