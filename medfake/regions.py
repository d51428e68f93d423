"""Where detectors look in an image, by modality: lungs of CT, tissue of what else is read. The one rule of each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from medfake.lungs import Mask, Pixels, lung_in_view, lung_pixels, lungs_in_slice, square_sums
from medfake.vocabulary import Modality

LEAST_UNITS: Final = -800
"""Normalised units from which on a pixel is no open air; that lies near -1000, whatever noise is on it."""
AVERAGED_PX: Final = 5
"""Edge of the square over which they are averaged before."""


@dataclass(frozen=True)
class Region:
    """Of one modality.

    Attributes:
        name: What is looked for, e.g. "lung".
        in_view: Whether a slice shows so much of it that it speaks for its scan, by pixels and their spacing in mm.
        in_slice: (rows, cols) bool of what belongs to it, likewise.
        pixels: (rows, cols) bool of the same by a rule that a stored graph can repeat.
        finds_copies: Whether tissue of it that stands twice in a scan is looked for.
    """

    name: str
    in_view: Callable[[Pixels, float], bool]
    in_slice: Callable[[Pixels, float], Mask]
    pixels: Callable[[Pixels], Mask]
    finds_copies: bool


def region_of(modality: Modality) -> Region:
    """Where detectors of a modality look."""
    return _REGIONS[modality]


def tissue_pixels(units: Pixels) -> Mask:
    """What is no open air, on average over 5 px; what lies beyond the border is not averaged.

    Args:
        units: (rows, cols) int16, normalised.

    Returns:
        (rows, cols) bool.
    """
    half = AVERAGED_PX // 2
    total = square_sums(np.pad(units, half), AVERAGED_PX)
    down, across = (np.minimum(px + half, px[-1]) - np.maximum(px - half, 0) + 1 for px in map(np.arange, units.shape))
    tissue: Mask = total > LEAST_UNITS * np.outer(down, across)
    return tissue


def tissue_in_slice(units: Pixels, _: float) -> Mask:
    """The largest piece of what is no open air, its holes filled.

    Args:
        units: (rows, cols) int16, normalised.

    Returns:
        (rows, cols) bool; all False when there is none.
    """
    from scipy import ndimage

    pieces, count = ndimage.label(tissue_pixels(units))
    if not count:
        return np.zeros(units.shape, bool)
    largest = int(np.bincount(pieces.ravel())[1:].argmax()) + 1
    filled: Mask = ndimage.binary_fill_holes(pieces == largest)
    return filled


def _always(_: Pixels, __: float) -> bool:
    """A slice that shows nothing is not read at all."""
    return True


LUNGS: Final = Region("lung", lung_in_view, lungs_in_slice, lung_pixels, finds_copies=True)
TISSUE: Final = Region("tissue", _always, tissue_in_slice, tissue_pixels, finds_copies=False)
_REGIONS: Final = {Modality.CT: LUNGS, Modality.MR: TISSUE, Modality.XRAY: TISSUE}
