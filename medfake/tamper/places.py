"""Where a scan can be manipulated, found in its pixels."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.tamper.manipulations import Place, Spacing, Volume

APART_MM = 45.0  # two sites never touch each other's surroundings
_STEP = 4  # lungs are found on every fourth row and column
_AIR_BELOW_HU = -400
_SURROUND_MM = 24.0
_MOSTLY_LUNG = 0.8  # share of air in the surroundings of a nodule that can be removed
_SMALLEST_LUNG = 0.01  # share of the field of view


def lung_mask(volume: Volume) -> NDArray[np.bool_]:
    """Both lungs, on every fourth row and column.

    Args:
        volume: (slices, rows, cols) int16 HU.

    Returns:
        (slices, rows/4, cols/4) bool; all False when no lung is found.
    """
    from scipy import ndimage

    coarse = volume[:, ::_STEP, ::_STEP]
    regions, count = ndimage.label(coarse < _AIR_BELOW_HU)
    if not count:
        return np.zeros(coarse.shape, bool)
    rim = np.unique(
        np.concatenate([regions[:, edge, :].ravel() for edge in (0, -1)] + [regions[:, :, e].ravel() for e in (0, -1)])
    )
    sizes = np.bincount(regions.ravel())
    sizes[rim] = 0
    sizes[0] = 0
    keep = sizes >= _SMALLEST_LUNG * coarse.size
    lungs = keep[regions]
    closed: NDArray[np.bool_] = ndimage.binary_closing(lungs, structure=np.ones((1, 5, 5)), iterations=1) | lungs
    return closed


def injection_places(volume: Volume, spacing_mm: Spacing, rng: Generator, count: int) -> list[Place]:
    """Random places inside the lungs, at least 45 mm apart and 10 mm from what is not lung.

    Returns:
        At most `count` places; fewer when the lungs have no room.
    """
    depth = _depth_mm(volume, spacing_mm)
    candidates = np.argwhere(depth >= 10.0)
    rng.shuffle(candidates)
    return _spread(candidates, spacing_mm, count)


def removal_places(volume: Volume, spacing_mm: Spacing, rng: Generator, count: int) -> list[Place]:
    """Solid, nodule-like spots inside the lungs (nodules or, where there are none, thick vessels).

    Returns:
        At most `count` places, the most nodule-like of a few drawn by chance first.
    """
    from scipy import ndimage

    coarse = volume[:, ::_STEP, ::_STEP].astype(np.float32)
    steps = np.array([spacing_mm[0], spacing_mm[1] * _STEP, spacing_mm[2] * _STEP])
    blob = ndimage.gaussian_filter(coarse, 3.0 / steps) - ndimage.gaussian_filter(coarse, 9.0 / steps)
    around = np.maximum(1, np.rint(_SURROUND_MM / steps)).astype(int)
    airy = ndimage.uniform_filter((coarse < _AIR_BELOW_HU).astype(np.float32), size=tuple(around))
    inside = (_depth_mm(volume, spacing_mm) >= 8.0) & (airy >= _MOSTLY_LUNG)
    peaks = inside & (blob == ndimage.maximum_filter(blob, size=(3, 5, 5)))
    candidates = np.argwhere(peaks)
    strength = blob[peaks] * rng.uniform(0.8, 1.0, size=len(candidates))
    return _spread(candidates[np.argsort(-strength)], spacing_mm, count)


def _depth_mm(volume: Volume, spacing_mm: Spacing) -> NDArray[np.float64]:
    """In-plane distance to the nearest voxel that is not lung, mm; outside 0."""
    from scipy import ndimage

    filled = np.stack([ndimage.binary_fill_holes(plane) for plane in lung_mask(volume)])
    distances = [ndimage.distance_transform_edt(plane, sampling=np.array(spacing_mm[1:]) * _STEP) for plane in filled]
    return np.stack(distances)


def _spread(candidates: NDArray[np.int64], spacing_mm: Spacing, count: int) -> list[Place]:
    chosen: list[Place] = []
    for z, y, x in candidates * (1, _STEP, _STEP):
        place = Place(int(z), int(y), int(x))
        if all(_distance_mm(place, other, spacing_mm) >= APART_MM for other in chosen):
            chosen.append(place)
        if len(chosen) == count:
            break
    return chosen


def _distance_mm(one: Place, other: Place, spacing_mm: Spacing) -> float:
    steps = np.subtract((one.z, one.y, one.x), (other.z, other.y, other.x)) * spacing_mm
    return float(np.linalg.norm(steps))
