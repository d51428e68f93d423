"""Lungs on one axial slice."""

import numpy as np
from numpy.typing import NDArray

AIR_BELOW_HU = -400  # halfway between lung and soft tissue
_VESSEL_MM = 6.0  # vessels and nodules up to twice as thick are counted as lung
_SMALLEST = 0.002  # of the slice; a piece of lung below that is noise or bowel gas
_COARSE_PX = 2  # lungs are found on every second row and column


def lung_mask(hu: NDArray[np.int16], spacing_mm: float) -> NDArray[np.bool_]:
    """Find the lungs, vessels inside them included.

    The body is the largest piece of tissue with its holes filled; air inside it is lung, small pieces left out. Trachea
    and bowel gas count as lung when they are large.

    Args:
        hu: (rows, cols) int16 Hounsfield units.
        spacing_mm: Between rows and columns.

    Returns:
        (rows, cols) bool; all False when there are none.
    """
    import skimage.measure as measure
    import skimage.morphology as morphology
    from scipy import ndimage

    coarse = hu[::_COARSE_PX, ::_COARSE_PX]
    tissue = morphology.opening(coarse > AIR_BELOW_HU, morphology.disk(1))  # a table touches the body by a pixel or two
    pieces = measure.label(tissue, connectivity=1)
    empty = np.zeros(hu.shape, bool)
    if not pieces.any():
        return empty
    largest = int(np.bincount(pieces.ravel())[1:].argmax()) + 1
    body = ndimage.binary_fill_holes(pieces == largest)
    air = body & (coarse < AIR_BELOW_HU)
    sizes = np.bincount(measure.label(air, connectivity=1).ravel())
    keep = sizes >= _SMALLEST * coarse.size
    keep[0] = False
    lungs = keep[measure.label(air, connectivity=1)]
    if not lungs.any():
        return empty
    radius = max(1, round(_VESSEL_MM / (spacing_mm * _COARSE_PX)))
    wide = np.pad(lungs, radius)  # closing would otherwise eat into lungs at the border
    closed = ndimage.binary_fill_holes(morphology.closing(wide, morphology.disk(radius, decomposition="sequence")))
    inner = closed[radius:-radius, radius:-radius] & body
    fine: NDArray[np.bool_] = inner.repeat(_COARSE_PX, 0).repeat(_COARSE_PX, 1)[: hu.shape[0], : hu.shape[1]]
    return fine


def lung_share(hu: NDArray[np.int16], spacing_mm: float) -> float:
    """Share of a slice that is lung, 0..1."""
    return float(lung_mask(hu, spacing_mm).mean())
