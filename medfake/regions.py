"""Where detectors judge an image of a modality: lung in CT, any tissue in MR and X-ray. The one place that says so.

What a detector of lungs says outside of lungs is chance, so that slices without lung decide nothing. MR and X-ray have
no organ that this house knows: whatever is brighter than the air around is judged, and every slice shows some.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.lungs import AVERAGED_PX, lung_in_view, lung_pixels, lungs_in_slice, square_sums
from medfake.vocabulary import Modality

TISSUE_ABOVE: Final = -850
"""Normalised units, on average over 17 px; air around a head or a chest is darker."""

Pixels = NDArray[np.int16]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Region:
    """Where a modality is judged.

    Attributes:
        word: What it is called in messages.
        pixels: (rows, cols) int16 as read -> (rows, cols) bool, by a rule that a stored graph repeats.
        in_slice: As `pixels`, and the distance of rows and columns, mm -> the region with what it encloses.
        in_view: As `in_slice` -> whether a slice shows enough of it to be judged.
    """

    word: str
    pixels: Callable[[Pixels], Mask]
    in_slice: Callable[[Pixels, float], Mask]
    in_view: Callable[[Pixels, float], bool]


def region_of(modality: Modality) -> Region:
    """The region of a modality."""
    return _REGIONS[modality]


def tissue_pixels(values: Pixels) -> Mask:
    """Pixels whose surroundings of 17 px are brighter than air.

    Args:
        values: (rows, cols) int16, normalised units.

    Returns:
        (rows, cols) bool.
    """
    half = AVERAGED_PX // 2  # what lies beyond the border is not averaged
    total = square_sums(np.pad(values, half), AVERAGED_PX)
    down, across = (np.minimum(px + half, px[-1]) - np.maximum(px - half, 0) + 1 for px in map(np.arange, values.shape))
    tissue: Mask = total > TISSUE_ABOVE * np.outer(down, across)
    return tissue


def tissue_in_slice(values: Pixels, spacing_mm: float) -> Mask:  # noqa: ARG001  # of lungs it depends on the spacing
    """The largest piece of tissue with its holes filled; all of the image where there is none.

    Args:
        values: (rows, cols) int16, normalised units.
        spacing_mm: Between rows and columns; not looked at.

    Returns:
        (rows, cols) bool.
    """
    from scipy import ndimage

    pieces, count = ndimage.label(tissue_pixels(values))
    if not count:
        return np.ones(values.shape, bool)
    largest = int(np.bincount(pieces.ravel())[1:].argmax()) + 1
    body: Mask = ndimage.binary_fill_holes(pieces == largest)
    return body


def _always(values: Pixels, spacing_mm: float) -> bool:  # noqa: ARG001
    return True


_TISSUE = Region("tissue", tissue_pixels, tissue_in_slice, _always)
_REGIONS: dict[Modality, Region] = {
    Modality.CT: Region("lung", lung_pixels, lungs_in_slice, lung_in_view),
    Modality.MR: _TISSUE,
    Modality.XRAY: _TISSUE,
}
