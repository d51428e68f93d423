"""Real tissue of another place: transplanted, in the gradient domain, copied and moved, or quilted of patches."""

import numpy as np
from numpy.random import Generator

from medfake.tamper.block import Block, Box, Grid
from medfake.tamper.donors import Wanted, donor_box
from medfake.tamper.quilt import quilted
from medfake.tamper.registry import Family, manipulation
from medfake.tamper.shapes import ROUND, soft_shape
from medfake.tamper.site import Site, Spacing, Volume
from medfake.vocabulary import LabelCode

_FEATHER_MM = (1.0, 4.0)
_LUNG_BELOW_HU = -500.0
_SHIFT_HU = 100.0  # of donors at most, to the level of the lung that they come to
_CROSSING_HU = 250.0  # a border that differs by more is a vessel's, and does not bleed into the place
_SWEEPS = 40  # of the membrane's solution; it starts from a smooth guess
_OVER_RELAXED = 1.7


@manipulation("transplant", code=LabelCode.FM, family=Family.PASTE)
def transplant(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Put solid tissue of another place in (a nodule, a thick vessel), under a feathered shape.

    Args:
        volume: (slices, rows, cols) int16 Hounsfield units.
        spacing_mm: Of slices, rows, columns.
        place: Where to.
        rng: All chance comes from here; it flips and turns the tissue, too.

    Returns:
        A copy; voxels further than 16 mm from the place along any axis are unchanged.
    """
    block = Block.cut(volume, spacing_mm, place)
    donor = _turned(_content(volume, donor_box(volume, block, Wanted.BRIGHT, rng)), rng)
    share = soft_shape(block, rng, (6, 12), _FEATHER_MM, ROUND) * (1 - block.wall)
    return block.put(volume, _levelled(block, donor, share), share)


@manipulation("poisson", code=LabelCode.FM, family=Family.PASTE)
def poisson(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Put solid tissue of another place in so that its gradients stay and its border fits (Perez et al. 2003).

    Arguments and result are those of `transplant`.
    """
    block = Block.cut(volume, spacing_mm, place)
    donor = _turned(_content(volume, donor_box(volume, block, Wanted.BRIGHT, rng)), rng)
    inside = (soft_shape(block, rng, (7, 12), forms=ROUND) > 0.5) & (block.wall < 0.3)
    return block.put(volume, donor + _membrane(block.hu - donor, inside), inside.astype(np.float32))


@manipulation("copy-move", code=LabelCode.FB, family=Family.PASTE)
def copy_move(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Cover a place with lung of the same slices, its mean brightness fitted.

    Arguments and result are those of `transplant`.
    """
    block = Block.cut(volume, spacing_mm, place)
    donor = _content(volume, donor_box(volume, block, Wanted.DARK, rng))
    share = soft_shape(block, rng, feather_mm=_FEATHER_MM, forms=ROUND) * (1 - block.wall)
    return block.put(volume, _levelled(block, donor, share), share)


@manipulation("exemplar", code=LabelCode.FB, family=Family.PASTE)
def exemplar(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Fill a place with a quilt of patches of the lung around it (Efros and Freeman 2001).

    Arguments and result are those of `transplant`.
    """
    block = Block.cut(volume, spacing_mm, place)
    share = soft_shape(block, rng, feather_mm=_FEATHER_MM, forms=ROUND) * (1 - block.wall)
    return block.put(volume, quilted(volume, block, share, rng), share)


def _content(volume: Volume, box: Box) -> Grid:
    return volume[box].astype(np.float32)


def _levelled(block: Block, donor: Grid, share: Grid) -> Grid:
    """The donor, its lung as bright as the lung around the place."""
    lung = donor[donor < _LUNG_BELOW_HU]
    if not lung.size:
        return donor
    level = float(np.median(block.lung_around(share)) - np.median(lung))
    levelled: Grid = donor + np.float32(np.clip(level, -_SHIFT_HU, _SHIFT_HU))
    return levelled


def _turned(grid: Grid, rng: Generator) -> Grid:
    """The grid flipped by chance, and half of the time turned by any angle, so that it is no copy; its shape stays."""
    from scipy.ndimage import rotate

    flipped = np.flip(grid, tuple(axis for axis in (1, 2) if rng.random() < 0.5))
    if rng.random() < 0.5:
        return flipped
    turned: Grid = rotate(
        flipped, rng.uniform(0, 360), axes=(1, 2), reshape=False, order=int(rng.choice([1, 3])), mode="reflect"
    )
    return turned


def _membrane(border: Grid, inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Grid:
    """The smooth function that takes the values of `border` outside and solves Laplace's equation inside.

    Args:
        border: (slices, rows, cols) HU.
        inside: Voxels to solve for; those where the border belongs to a vessel or a wall are solved for, too.
    """
    from scipy.ndimage import gaussian_filter

    inside = inside | (np.abs(border) > _CROSSING_HU)
    known = (~inside).astype(np.float32)
    weight = gaussian_filter(known, (0, 4, 4))
    guess = gaussian_filter(border * known, (0, 4, 4)) / np.maximum(weight, 1e-3)
    field = np.pad(np.where(inside, guess, border), ((0, 0), (1, 1), (1, 1)), mode="edge").astype(np.float32)
    rows, cols = inside.shape[1:]
    chequer = (np.add.outer(np.arange(rows), np.arange(cols)) % 2).astype(bool)[None]
    shares = [np.where(inside & colour, np.float32(_OVER_RELAXED), np.float32(0)) for colour in (chequer, ~chequer)]
    middle = field[:, 1:-1, 1:-1]
    for _ in range(_SWEEPS):
        for share in shares:
            mean = field[:, :-2, 1:-1] + field[:, 2:, 1:-1] + field[:, 1:-1, :-2] + field[:, 1:-1, 2:]
            middle += share * (np.float32(0.25) * mean - middle)
    return middle.copy()
