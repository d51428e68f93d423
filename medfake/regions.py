"""Where detectors look in an image, by modality: lungs of CT, tissue of what else is read. The one rule of each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.lungs import (
    LEAST_LUNG_IN_PLACE,
    PLACE_PX,
    PLACE_STEP_PX,
    Mask,
    Pixels,
    judged_places,
    lung_in_view,
    lung_pixels,
    lungs_in_slice,
    square_sums,
)
from medfake.vocabulary import Modality

LEAST_UNITS: Final = -800
"""Normalised units from which on a pixel is no open air; that lies near -1000, whatever noise is on it."""
AVERAGED_PX: Final = 5
"""Edge of the square over which they are averaged before."""
TISSUE_PLACE_PX: Final = 48
"""Edge of what is judged at a place of tissue, half of one of lung: pixels of MR are wide, and folds and ribs lie
closer together than vessels, so that a wider place says more of them than of what was manipulated."""
TISSUE_STEP_PX: Final = 8
"""Between neighbouring places of tissue."""
LEAST_TISSUE_IN_PLACE: Final = 0.98
"""Share of tissue in a place from which on it is judged: skin beside air, bone that is as dark, and the edge of a
collimator look like nothing else in a slice, and would be its strongest places."""


@dataclass(frozen=True)
class Region:
    """Of one modality.

    Attributes:
        name: What is looked for, e.g. "lung".
        in_view: Whether a slice shows so much of it that it speaks for its scan, by pixels and their spacing in mm.
        in_slice: (rows, cols) bool of what belongs to it, likewise.
        pixels: (rows, cols) bool of the same by a rule that a stored graph can repeat.
        finds_copies: Whether tissue of it that stands twice in a scan is looked for.
        place_px: Edge of what is judged at a place.
        step_px: Between neighbouring places.
        least_in_place: Share of it in a place from which on that is judged, 0..1.
    """

    name: str
    in_view: Callable[[Pixels, float], bool]
    in_slice: Callable[[Pixels, float], Mask]
    pixels: Callable[[Pixels], Mask]
    finds_copies: bool
    place_px: int
    step_px: int
    least_in_place: float

    def judged(self, pixels: Pixels, step_px: int | None = None) -> NDArray[np.int64]:
        """(n, 2) row and column of the centres of places that are judged, `step_px` apart, see `judged_places`."""
        return judged_places(self.pixels(pixels), step_px or self.step_px, self.place_px, self.least_in_place)


def region_of(modality: Modality) -> Region:
    """Where detectors of a modality look."""
    return _REGIONS[modality]


def tissue_pixels(units: Pixels) -> Mask:
    """What is no open air and not all of one value, over 5 px; what lies beyond the border does not count.

    A collimated border has one value, and so has what is clipped; tissue has noise.

    Args:
        units: (rows, cols) int16, normalised.

    Returns:
        (rows, cols) bool.
    """
    wide = units.astype(np.int32)
    steps = np.abs(np.diff(wide, axis=1, append=wide[:, -1:]))
    varies: Mask = square_sums(np.pad(steps, AVERAGED_PX // 2), AVERAGED_PX) > 0
    return _no_open_air(units) & varies


def _no_open_air(units: Pixels) -> Mask:
    half = AVERAGED_PX // 2
    total = square_sums(np.pad(units, half), AVERAGED_PX)
    down, across = (np.minimum(px + half, px[-1]) - np.maximum(px - half, 0) + 1 for px in map(np.arange, units.shape))
    bright: Mask = total > LEAST_UNITS * np.outer(down, across)
    return bright


def tissue_in_slice(units: Pixels, _: float) -> Mask:
    """The largest piece of what is no open air, its holes filled.

    Args:
        units: (rows, cols) int16, normalised.

    Returns:
        (rows, cols) bool; all False when there is none.
    """
    from scipy import ndimage

    pieces, count = ndimage.label(_no_open_air(units))
    if not count:
        return np.zeros(units.shape, bool)
    largest = int(np.bincount(pieces.ravel())[1:].argmax()) + 1
    filled: Mask = ndimage.binary_fill_holes(pieces == largest)
    return filled


def _always(_: Pixels, __: float) -> bool:
    """A slice that shows nothing is not read at all."""
    return True


LUNGS: Final = Region(
    "lung", lung_in_view, lungs_in_slice, lung_pixels, finds_copies=True,
    place_px=PLACE_PX, step_px=PLACE_STEP_PX, least_in_place=LEAST_LUNG_IN_PLACE,
)  # fmt: skip
TISSUE: Final = Region(
    "tissue", _always, tissue_in_slice, tissue_pixels, finds_copies=False,
    place_px=TISSUE_PLACE_PX, step_px=TISSUE_STEP_PX, least_in_place=LEAST_TISSUE_IN_PLACE,
)  # fmt: skip
_REGIONS: Final = {Modality.CT: LUNGS, Modality.MR: TISSUE, Modality.XRAY: TISSUE}
