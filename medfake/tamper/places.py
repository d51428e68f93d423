"""Where a scan can be manipulated, found in its pixels."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.lungs import AIR_BELOW_HU, VOLUME_STEP_PX, lungs_in_volume
from medfake.tamper.site import Site, Spacing, Volume

APART_MM = 45.0  # two sites never touch each other's surroundings
END_MM = 16.0  # kept from the ends of the stack, so that a whole cube fits
_STEP = VOLUME_STEP_PX
_SURROUND_MM = 24.0
_MOSTLY_LUNG = 0.8  # share of air in the surroundings of a nodule that can be removed


def injection_places(volume: Volume, spacing_mm: Spacing, rng: Generator, count: int) -> list[Site]:
    """Random places inside the lungs, at least 45 mm apart and 10 mm from what is not lung.

    Places keep 16 mm from the ends of the stack; in a shorter stack they lie in its middle third.

    Returns:
        At most `count` places; fewer when the lungs have no room.
    """
    depth = _depth_mm(volume, spacing_mm)
    candidates = np.argwhere(away_from_ends(depth >= 10.0, spacing_mm[0])) * (1, _STEP, _STEP)
    rng.shuffle(candidates)
    candidates[:, 1:] += rng.integers(-1, _STEP - 1, size=(len(candidates), 2))  # no site stands on a grid
    return spread(candidates, spacing_mm, count)


def removal_places(volume: Volume, spacing_mm: Spacing, rng: Generator, count: int) -> list[Site]:
    """Solid, nodule-like spots inside the lungs (nodules or, where there are none, thick vessels).

    They keep as far from the ends of the stack as injected ones do.

    Returns:
        At most `count` places, the most nodule-like of a few drawn by chance first.
    """
    from scipy import ndimage

    coarse = volume[:, ::_STEP, ::_STEP].astype(np.float32)
    steps = np.array([spacing_mm[0], spacing_mm[1] * _STEP, spacing_mm[2] * _STEP])
    blob = ndimage.gaussian_filter(coarse, 3.0 / steps) - ndimage.gaussian_filter(coarse, 9.0 / steps)
    around = np.maximum(1, np.rint(_SURROUND_MM / steps)).astype(int)
    airy = ndimage.uniform_filter((coarse < AIR_BELOW_HU).astype(np.float32), size=tuple(around))
    inside = (_depth_mm(volume, spacing_mm) >= 8.0) & (airy >= _MOSTLY_LUNG)
    peaks = away_from_ends(inside & (blob == ndimage.maximum_filter(blob, size=(3, 5, 5))), spacing_mm[0])
    candidates = np.argwhere(peaks) * (1, _STEP, _STEP)
    strength = blob[peaks] * rng.uniform(0.8, 1.0, size=len(candidates))
    rough = spread(candidates[np.argsort(-strength)], spacing_mm, count)
    return [_brightest_near(volume, place) for place in rough]


def away_from_ends(mask: NDArray[np.bool_], step_mm: float) -> NDArray[np.bool_]:
    """The mask without its slices near the ends of the stack."""
    margin = min(int(np.ceil(END_MM / step_mm)), len(mask) // 3)
    inner = mask.copy()
    inner[:margin] = inner[len(mask) - margin :] = False
    return inner


def _brightest_near(volume: Volume, place: Site) -> Site:
    """The middle of the bright spot of which the coarse grid met some voxel."""
    from scipy.ndimage import gaussian_filter

    top, left = max(place.y - 2 * _STEP, 0), max(place.x - 2 * _STEP, 0)
    window = volume[place.z, top : place.y + 2 * _STEP + 1, left : place.x + 2 * _STEP + 1].astype(np.float32)
    y, x = np.unravel_index(np.argmax(gaussian_filter(window, 2.5)), window.shape)
    return Site(place.z, top + int(y), left + int(x))


def _depth_mm(volume: Volume, spacing_mm: Spacing) -> NDArray[np.float64]:
    """In-plane distance to the nearest voxel that is not lung, mm; outside 0."""
    from scipy import ndimage

    filled = np.stack([ndimage.binary_fill_holes(plane) for plane in lungs_in_volume(volume)])
    distances = [ndimage.distance_transform_edt(plane, sampling=np.array(spacing_mm[1:]) * _STEP) for plane in filled]
    return np.stack(distances)


def spread(candidates: NDArray[np.int64], spacing_mm: Spacing, count: int) -> list[Site]:
    """The first of candidates (n, 3), voxels, that are 45 mm apart from those before; at most `count`."""
    chosen: list[Site] = []
    for z, y, x in candidates:
        place = Site(int(z), int(y), int(x))
        if all(_distance_mm(place, other, spacing_mm) >= APART_MM for other in chosen):
            chosen.append(place)
        if len(chosen) == count:
            break
    return chosen


def _distance_mm(one: Site, other: Site, spacing_mm: Spacing) -> float:
    steps = np.subtract((one.z, one.y, one.x), (other.z, other.y, other.x)) * spacing_mm
    return float(np.linalg.norm(steps))
