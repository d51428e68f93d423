"""One patient's head under MR: anatomy in half slices, lesions, then what the scanner does to it."""

from typing import Final

import numpy as np
from numpy.random import Generator, SeedSequence, default_rng
from numpy.typing import NDArray

from medfake.phantom.brain import CONTRASTS, Head, folds, paint
from medfake.phantom.mr_scanners import MRScanner, acquire
from medfake.phantom.patient import Patient
from medfake.phantom.plane import Plane
from medfake.tamper.places import away_from_ends, spread
from medfake.tamper.site import Site

SIZE: Final = 256
_PARTS = 2  # sub-slices that a thick slice averages
_LOWEST_MM = (-24.0, -12.0)
_LESION_MM = (2.5, 6.0)
_LEAST_DEEP = 0.7  # share of deep white matter where a lesion may be

Grid = NDArray[np.float32]


def scan_head(seed: SeedSequence, scanner: MRScanner, slices: int, lesions: int, size: int = SIZE) -> Patient:
    """Make a patient and scan their head.

    Args:
        seed: Same seed, same voxels.
        scanner: Protocol.
        slices: Number of axial slices, `scanner.step_mm` apart.
        lesions: Number of real lesions of white matter, well apart; fewer where there is no room.
        size: Rows and columns; the field of view stays that of 256 pixels.
    """
    rng = default_rng(seed)
    pixel = scanner.spacing_mm * SIZE / size
    spacing = (scanner.step_mm, pixel, pixel)
    plane, head = Plane.of(size, pixel), Head.draw(rng)
    lowest = rng.uniform(*_LOWEST_MM)
    heights = lowest + np.arange(slices * _PARTS) * scanner.step_mm / _PARTS
    drawn = folds(rng, (len(heights), size, size), (scanner.step_mm / _PARTS, pixel, pixel))
    contrast = CONTRASTS[scanner.contrast]
    signal, deep = np.empty((len(heights), size, size), np.float32), np.empty((len(heights), size, size), np.float32)
    for index, z in enumerate(heights):
        signal[index], deep[index] = paint(head, plane, float(z), drawn.sulci[index], drawn.mottle[index], contrast)
    signal, deep = (part.reshape(slices, _PARTS, size, size).mean(axis=1) for part in (signal, deep))
    places = _lay_lesions(rng, signal, deep, spacing, lesions, contrast.lesion)
    half = (size - 1) / 2 * pixel
    middles = heights.reshape(slices, _PARTS).mean(axis=1)
    positions = np.stack([np.full(slices, -half), np.full(slices, -half), middles], axis=1)
    return Patient(acquire(rng, signal, scanner), positions, spacing, places)


def _lay_lesions(
    rng: Generator, signal: Grid, deep: Grid, spacing: tuple[float, float, float], count: int, shade: float
) -> tuple[Site, ...]:
    """Lay blurred, uneven spots into deep white matter, in place."""
    if not count:
        return ()
    inside = away_from_ends(deep > _LEAST_DEEP, spacing[0])
    candidates = np.argwhere(inside)
    places = spread(rng.permutation(candidates)[:4000], spacing, count)
    axes = [np.arange(n, dtype=np.float32) * np.float32(step) for n, step in zip(signal.shape, spacing, strict=True)]
    for place in places:
        half = rng.uniform(*_LESION_MM, size=3) * (1.2, 1, 1)
        z, y, x = (axis - np.float32(index * step) for axis, index, step in
                   zip(axes, (place.z, place.y, place.x), spacing, strict=True))  # fmt: skip
        far = np.sqrt((z[:, None, None] / half[0]) ** 2 + (y[:, None] / half[1]) ** 2 + (x / half[2]) ** 2)
        share = 0.9 / (1 + np.exp(np.clip((far - 1) * 6, -30, 30)))
        share = np.where(far < 2.5, share, 0).astype(np.float32) * deep
        signal += share * (np.float32(shade * rng.uniform(0.9, 1.1)) - signal)
    return tuple(places)
