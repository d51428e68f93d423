"""Manipulations of MR volumes and X-ray images, whose values have no unit: all strengths are measured in the image.

Volumes are what a scanner stores, whole numbers from 0 on; of X-ray images dense is bright, as on a viewer. What lies
outside a manipulated shape stays bit-identical, so that where values differ is the exact mask.
"""

from typing import Final

import numpy as np
from numpy.random import Generator

from medfake.tamper.blend import filtered_in_place
from medfake.tamper.block import Block, Grid
from medfake.tamper.noise import alike, correlated
from medfake.tamper.registry import Family, manipulation
from medfake.tamper.shapes import ROUND, Form, soft_shape
from medfake.tamper.site import Site, Spacing, Volume
from medfake.tamper.synthesis import NODULE_NOISE, holding, renoised
from medfake.vocabulary import LabelCode, Modality

_BOTH: Final = (Modality.MR, Modality.XRAY)
_LESION_MM = (5.0, 10.0)
_LESION_SHARE = (0.16, 0.40)  # of the range between dark and bright tissue: brighter or darker than what is around
_SHADOW_MM = (6.0, 11.0)
_SHADOW_SHARE = (0.06, 0.13)
_HOLE_MM = (8.0, 13.0)
_FEATHER_MM = (1.0, 4.0)
_SPREAD_MM = 5.0
_DONORS = 80
_BEST = 6
_APART_MM = 22.0  # of a donor from the place: they share no voxel of the shape
_WITHIN_MM = 55.0


@manipulation("lesion", code=LabelCode.FM, family=Family.SYNTHESIS, modalities=(Modality.MR,))
def lesion(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Put a lesion in: a blob brighter or darker than the tissue around, with noise of the block's spectrum.

    Args:
        volume: (slices, rows, cols) int16 >= 0, as stored.
        spacing_mm: Of slices, rows, columns.
        place: Its centre.
        rng: All chance comes from here.

    Returns:
        A copy; voxels further than 16 mm from the place along any axis are unchanged, and none is brighter than the
        brightest before, or darker than the darkest.
    """
    block = Block.cut(volume, spacing_mm, place)
    shape = soft_shape(block, rng, _LESION_MM, (1.0, 3.0), (Form.BLOB,))
    contrast = _range_of(volume, place) * rng.uniform(*_LESION_SHARE) * (1 if rng.random() < 0.7 else -1)
    texture = 1 + 0.12 * correlated(rng, shape.shape, block.px(1.8))
    content = _surroundings(block, shape) + np.float32(contrast) * texture
    noise = alike(block.hu, rng) * np.float32(rng.uniform(*NODULE_NOISE))
    return _put(block, volume, content + noise, shape)


@manipulation("shadow", code=LabelCode.FM, family=Family.SYNTHESIS, modalities=(Modality.XRAY,))
def shadow(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Put the shadow of a round nodule in, then denoise around it and add noise again.

    The shadow adds to what is there, vessels and ribs go on through it; arguments and result as for `lesion`.
    """
    block = Block.cut(volume, spacing_mm, place)
    outline = soft_shape(block, rng, _SHADOW_MM, (2.0, 5.0), ROUND)
    thick = np.sqrt(np.clip(outline, 0, 1))  # rays cross a ball longest in its middle
    content = (block.hu + thick * np.float32(_range_of(volume, place) * rng.uniform(*_SHADOW_SHARE))).astype(np.float32)
    return _put(block, volume, renoised(block.hu, content, rng), holding(outline, soft_shape(block, rng, (8, 13))))


@manipulation("tissue-fill", code=LabelCode.FB, family=Family.SYNTHESIS, modalities=_BOTH)
def tissue_fill(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Cover a place with what is around it, smooth, and noise of the block's spectrum; otherwise as `lesion`."""
    block = Block.cut(volume, spacing_mm, place)
    hole = soft_shape(block, rng, _HOLE_MM, _FEATHER_MM, ROUND)
    noise = alike(block.hu, rng) * np.float32(rng.uniform(0.6, 1.1))
    return _put(block, volume, _surroundings(block, hole) + noise, hole)


@manipulation("tissue-copy", code=LabelCode.FB, family=Family.PASTE, modalities=_BOTH)
def tissue_copy(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Cover a place with tissue of the same slices that fits its border, levelled; otherwise as `lesion`."""
    block = Block.cut(volume, spacing_mm, place)
    hole = soft_shape(block, rng, _HOLE_MM, _FEATHER_MM, ROUND)
    return _put(block, volume, _fitting_donor(volume, block, hole, rng), hole)


@manipulation("tissue-blend", code=LabelCode.FB, family=Family.BLEND, modalities=_BOTH)
def tissue_blend(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Blend a place with a copy of itself that one filter of many has passed; nothing is put in or taken out.

    As `self_blended` of CT does it; arguments and result are those of `lesion`.
    """
    block = Block.cut(volume, spacing_mm, place)
    return _put(block, volume, filtered_in_place(volume, block, rng), soft_shape(block, rng, (9, 14)))


def _put(block: Block, volume: Volume, content: Grid, share: Grid) -> Volume:
    return block.put(volume, content, share, limits=(int(volume.min()), int(volume.max())))


def _range_of(volume: Volume, place: Site) -> float:
    """How far apart dark and bright are in the slice of a place."""
    dark, bright = np.percentile(volume[place.z], (20, 98))
    return max(float(bright - dark), 1.0)


def _surroundings(block: Block, hole: Grid) -> Grid:
    """What is beside a hole, spread smoothly into it.

    Args:
        block: Around the hole.
        hole: Share of each voxel that is to be filled, 0..1.
    """
    from scipy.ndimage import gaussian_filter

    known = np.where(hole < 0.05, np.float32(1), np.float32(1e-4))  # where all is hole, its own mean
    sigma = block.px(_SPREAD_MM)
    weight = gaussian_filter(known, sigma, mode="nearest")
    spread: Grid = gaussian_filter(block.hu * known, sigma, mode="nearest") / np.maximum(weight, 1e-9)
    return spread


def _fitting_donor(volume: Volume, block: Block, hole: Grid, rng: Generator) -> Grid:
    """Content of the same slices that differs least from the block at the hole's border, levelled there."""
    (z, y, x), border = block.box, (hole > 0) & (hole < 0.6)
    border = border if border.any() else hole > 0
    shifts = rng.uniform(-_WITHIN_MM, _WITHIN_MM, size=(_DONORS, 2))
    shifts = shifts[np.abs(shifts).max(axis=1) >= _APART_MM]
    found: list[tuple[float, int, int]] = []
    for down, right in np.rint(shifts / block.spacing_mm[1:]).astype(int):
        if y.start + down < 0 or x.start + right < 0:
            continue
        if y.stop + down > volume.shape[1] or x.stop + right > volume.shape[2]:
            continue
        donor = volume[z, y.start + down : y.stop + down, x.start + right : x.stop + right]
        found.append((float(np.abs(donor[border] - block.hu[border]).mean()), int(down), int(right)))
    if not found:  # an image hardly larger than the block has nothing else to show
        return _surroundings(block, hole)
    best = sorted(found)[:_BEST]
    _, down, right = best[int(rng.integers(len(best)))]
    donor = volume[z, y.start + down : y.stop + down, x.start + right : x.stop + right].astype(np.float32)
    levelled: Grid = donor + np.float32(np.median(block.hu[border]) - np.median(donor[border]))
    return levelled
