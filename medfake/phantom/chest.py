"""One patient's volume: anatomy, vessels, nodules, then what the scanner does to it."""

from typing import Any

import numpy as np
from numpy.random import Generator, SeedSequence, default_rng
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from medfake.phantom.anatomy import Anatomy
from medfake.phantom.outlines import Outline, outlines_of
from medfake.phantom.patient import Patient
from medfake.phantom.plane import Plane
from medfake.phantom.scanners import Scanner
from medfake.phantom.texture import correlated_noise, kernel_spectrum, slow_variation
from medfake.phantom.tissues import paint
from medfake.phantom.vessels import Segment, draw, grow_tree
from medfake.tamper.site import Site

VESSEL_HU = 42.0
NODULE_HU = (-60.0, 70.0)
NODULE_RADIUS_MM = (3.5, 8.0)
SIZE = 512


def scan_patient(seed: SeedSequence, scanner: Scanner, slices: int, nodules: int, size: int = SIZE) -> Patient:
    """Make a patient and scan them.

    Args:
        seed: Same seed, same voxels.
        scanner: What the image looks like.
        slices: Number of axial slices, `scanner.step_mm` apart.
        nodules: Number of real nodules, well apart.
        size: Rows and columns; the field of view stays that of 512 pixels.
    """
    rng = default_rng(seed)
    pixel_mm = scanner.spacing_mm * SIZE / size
    spacing = (scanner.step_mm, pixel_mm, pixel_mm)
    plane = Plane.of(size, pixel_mm)
    anatomy = Anatomy.draw(rng)
    heights = (np.arange(slices) - (slices - 1) / 2) * scanner.step_mm + rng.uniform(-25, 10)
    half = (size - 1) / 2 * pixel_mm
    shares = np.zeros((slices, size, size), np.float32)
    for side in (-1, 1):
        hilum = np.array(
            [rng.uniform(0.3, 0.7) * slices * scanner.step_mm, half + rng.uniform(-5, 10), half + side * 36]
        )
        draw(shares, grow_tree(rng, hilum, side, slices * scanner.step_mm), spacing)
    images = np.empty((slices, size, size), np.float32)
    lungs = np.empty((slices, size, size), np.float32)
    coarse = slow_variation(rng, size, 16), slow_variation(rng, size, 16)
    fine = slow_variation(rng, size, 96), slow_variation(rng, size, 96)
    for index, z in enumerate(heights):
        variation = _turned(coarse, 0.1 * index * scanner.step_mm), _turned(fine, 0.35 * index * scanner.step_mm)
        images[index], lungs[index] = paint(anatomy, plane, float(z), *variation)
    shares *= lungs
    images += shares * (VESSEL_HU - images)
    places, outlines = _nodules(rng, lungs, images, spacing, nodules)
    return Patient(_acquire(rng, images, scanner), _positions(heights, half), spacing, places, outlines)


def _turned(fields: tuple[NDArray[np.float32], NDArray[np.float32]], angle: float) -> NDArray[np.float32]:
    """A field that varies slowly from slice to slice: two fields, one turning into the other."""
    mixed: NDArray[np.float32] = (0.6 * (np.cos(angle) * fields[0] + np.sin(angle) * fields[1])).astype(np.float32)
    return mixed


def _nodules(
    rng: Generator, lungs: NDArray[np.float32], images: NDArray[np.float32],
    spacing: tuple[float, float, float], count: int,
) -> tuple[tuple[Site, ...], tuple[tuple[Outline, ...], ...]]:  # fmt: skip
    """Lay nodules into the lungs, in place: of several lobes, some with spicules, some not quite solid."""
    from medfake.tamper.places import injection_places

    rough = np.where(lungs > 0.5, -850, 40).astype(np.int16)
    places = tuple(injection_places(rough, spacing, rng, count)) if count else ()
    outlines = []
    for place in places:
        centre = np.array([place.z, place.y, place.x]) * spacing
        radius = float(rng.uniform(*NODULE_RADIUS_MM))
        lobes = [
            Segment(centre, centre + rng.normal(size=3) * radius * 0.4, radius * 0.85, radius * rng.uniform(0.45, 0.75))
            for _ in range(int(rng.integers(1, 4)))
        ]
        spicules = [
            Segment(centre, centre + rng.normal(size=3) * radius * 0.9, radius * 0.3, 0.3)
            for _ in range(int(rng.integers(0, 7)))
        ]
        share = np.zeros_like(images)
        draw(share, [*lobes, *spicules], spacing)
        share *= lungs
        images += share * (np.float32(rng.uniform(*NODULE_HU)) - images)
        outlines.append(outlines_of(share))
    return places, tuple(outlines)


def _acquire(rng: Generator, images: NDArray[np.float32], scanner: Scanner) -> NDArray[np.int16]:
    """Point spread, kernel-shaped noise that is weaker in air, clipping, padding."""
    size = images.shape[-1]
    spectrum = kernel_spectrum(scanner, size)
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    radius = np.hypot(axis[None, :], axis[:, None])
    strength = scanner.noise_hu * (1.15 - 0.45 * radius)
    lowest = -1024 if scanner.signed else max(-1024, scanner.intercept)  # unsigned files end at their intercept
    volume = np.empty(images.shape, np.int16)
    previous = correlated_noise(rng, spectrum)
    for index, image in enumerate(images):
        fresh = correlated_noise(rng, spectrum)
        noise = 0.97 * fresh + 0.24 * previous  # neighbouring slices share a little noise
        previous = fresh
        blurred = gaussian_filter(image, scanner.blur_px, mode="nearest")
        dense = np.clip((blurred + 1300) / 1200, 0.45, 1.1)
        volume[index] = np.clip(np.rint(blurred + noise * strength * dense), lowest, 3071)
        if scanner.padding_hu is not None:
            volume[index][radius > 1.0] = scanner.padding_hu
    return volume


def _positions(heights: NDArray[np.floating[Any]], half: float) -> NDArray[np.float64]:
    return np.stack([np.full_like(heights, -half), np.full_like(heights, -half), heights], axis=1)
