"""Where MR volumes and X-ray images can be manipulated, found in their pixels, whatever scale these have."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.dicom.normalised import normalise
from medfake.regions import tissue_in_slice
from medfake.tamper.places import away_from_ends, spread
from medfake.tamper.site import Site, Spacing, Volume

_BRAIN_MM = 24.0  # from the skin: scalp, skull, and the brain's surface
_LEAST_DEPTH_MM = 34.0  # of the middle of a head from its skin: a slice of its crown has less
_FLUID_SHARE = 0.35  # of the value of most of the brain: grey and white matter differ by less, fluid by more
_FLUID_SMOOTH_MM = 1.5  # noise and thin folds are no ventricle
_FLUID_MM = 6.0  # what is put in does not reach into a ventricle
_LUNG_MM = 10.0  # from the border of a lung's shadow
_STEP: Final = 2
_SPOT_MM = 3.0
_AROUND_MM = 8.0
_BORDER_MM = 18.0  # of the image: what is dark there is the air beside the chest, whatever collimators cover
_LEAST_OF_IMAGE = 0.015
_COARSE = 4
_LEVELS = range(-800, 801, 50)  # normalised units

Mask = NDArray[np.bool_]


def brain_places(volume: Volume, spacing_mm: Spacing, rng: Generator, count: int) -> list[Site]:
    """Random places in brain tissue, 24 mm from the skin, away from the ends of the stack and from the ventricles.

    Args:
        volume: (slices, rows, cols) int16 in any scale.
        spacing_mm: Of slices, rows, columns.
        rng: All chance comes from here.
        count: Places wanted.

    Returns:
        At most `count`, 45 mm apart; fewer where the brain has no room.
    """
    brain = _brain(volume, spacing_mm)
    return _drawn(brain & ~_near_fluid(volume, brain, spacing_mm), spacing_mm, rng, count)


def lesion_places(volume: Volume, spacing_mm: Spacing, rng: Generator, count: int) -> list[Site]:
    """Spots in the brain that differ most from what is around them, either way; arguments as for `brain_places`."""
    return _spots(volume, _brain(volume, spacing_mm), spacing_mm, rng, count, darker_too=True)


def lung_field_places(volume: Volume, spacing_mm: Spacing, rng: Generator, count: int) -> list[Site]:
    """Random places in the shadows of the lungs, 10 mm from their border; arguments as for `brain_places`.

    Dense is bright in `volume`, as in what a reader makes of radiographs.
    """
    return _drawn(_lung_fields(volume, spacing_mm), spacing_mm, rng, count)


def shadow_places(volume: Volume, spacing_mm: Spacing, rng: Generator, count: int) -> list[Site]:
    """Round bright spots in the shadows of the lungs; arguments as for `lung_field_places`."""
    return _spots(volume, _lung_fields(volume, spacing_mm), spacing_mm, rng, count, darker_too=False)


def _brain(volume: Volume, spacing_mm: Spacing) -> Mask:
    """(slices, rows, cols) bool."""
    inside = np.zeros(volume.shape, bool)
    for index, plane in enumerate(volume):
        depth = _depth_mm(tissue_in_slice(_units(plane), spacing_mm[1]), spacing_mm)
        inside[index] = (depth >= _BRAIN_MM) & (depth.max() >= _LEAST_DEPTH_MM)
    return away_from_ends(inside, spacing_mm[0])


def _near_fluid(volume: Volume, brain: Mask, spacing_mm: Spacing) -> Mask:
    """(slices, rows, cols) bool: within 6 mm in plane of what is far brighter or darker than most of the brain."""
    from scipy import ndimage

    near = np.zeros(volume.shape, bool)
    for index in np.flatnonzero(brain.any(axis=(1, 2))):
        smooth = ndimage.gaussian_filter(volume[index].astype(np.float32), _FLUID_SMOOTH_MM / spacing_mm[1])
        usual = float(np.median(smooth[brain[index]]))
        fluid = brain[index] & (np.abs(smooth - usual) > _FLUID_SHARE * usual)
        near[index] = ndimage.distance_transform_edt(~fluid, sampling=spacing_mm[1:]) < _FLUID_MM
    return near


def _lung_fields(volume: Volume, spacing_mm: Spacing) -> Mask:
    """(slices, rows, cols) bool: dark pieces well inside the body's shadow."""
    return np.stack([_depth_mm(lung_fields(plane, spacing_mm), spacing_mm) >= _LUNG_MM for plane in volume])


def lung_fields(values: NDArray[np.int16], spacing_mm: Spacing) -> Mask:
    """Shadows of the lungs in a chest radiograph: two large dark pieces that do not reach the image's border.

    How dark is sought: as bright as may be before lungs and the air beside the chest are one piece.

    Args:
        values: (rows, cols) int16 in any scale, dense is bright.
        spacing_mm: Of slices, rows, columns.

    Returns:
        (rows, cols) bool; all False where nothing is dark inside.
    """
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(_units(values).astype(np.float32), _SPOT_MM / spacing_mm[1])
    coarse = smooth[::_COARSE, ::_COARSE]
    border = _depth_mm(np.ones(values.shape, bool), spacing_mm)[::_COARSE, ::_COARSE] < _BORDER_MM
    best = max((_two_within(coarse < level, border) for level in _LEVELS), key=np.count_nonzero)
    fields: Mask = best.repeat(_COARSE, 0).repeat(_COARSE, 1)[: values.shape[0], : values.shape[1]]
    return fields


def _two_within(dark: Mask, border: Mask) -> Mask:
    """The two largest pieces that stay away from the border, holes filled; none that is small."""
    from scipy import ndimage

    pieces, count = ndimage.label(dark)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    sizes[np.unique(pieces[border])] = 0
    largest = [one for one in np.argsort(-sizes, kind="stable")[:2] if sizes[one] >= _LEAST_OF_IMAGE * dark.size]
    filled: Mask = ndimage.binary_fill_holes(np.isin(pieces, largest))
    return filled


def _units(plane: NDArray[np.int16]) -> NDArray[np.int16]:
    return normalise(plane, None, Path())


def _depth_mm(mask: Mask, spacing_mm: Spacing) -> NDArray[np.float64]:
    """In-plane distance to what is outside the mask, or beyond the image."""
    from scipy import ndimage

    framed = np.pad(mask[::_STEP, ::_STEP], 1)
    depth = ndimage.distance_transform_edt(framed, sampling=np.array(spacing_mm[1:]) * _STEP)[1:-1, 1:-1]
    fine: NDArray[np.float64] = depth.repeat(_STEP, 0).repeat(_STEP, 1)[: mask.shape[0], : mask.shape[1]]
    return fine


def _drawn(inside: Mask, spacing_mm: Spacing, rng: Generator, count: int) -> list[Site]:
    candidates = np.argwhere(inside)
    some = candidates[rng.permutation(len(candidates))[:4000]]
    return spread(some, spacing_mm, count)


def _spots(
    volume: Volume, inside: Mask, spacing_mm: Spacing, rng: Generator, count: int, *, darker_too: bool
) -> list[Site]:
    from scipy import ndimage

    values = volume.astype(np.float32)
    small, large = ((0.0, length / spacing_mm[1], length / spacing_mm[2]) for length in (_SPOT_MM, _AROUND_MM))
    differs = ndimage.gaussian_filter(values, small) - ndimage.gaussian_filter(values, large)
    differs = np.abs(differs) if darker_too else differs
    peaks = inside & (differs == ndimage.maximum_filter(differs, size=(1, 7, 7)))
    candidates = np.argwhere(peaks)
    strength = differs[peaks] * rng.uniform(0.8, 1.0, size=len(candidates))
    return spread(candidates[np.argsort(-strength)], spacing_mm, count)
