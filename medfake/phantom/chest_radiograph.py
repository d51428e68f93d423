"""One patient's chest radiograph: the shadow, real nodules in it, then what detector and maker do to it."""

import numpy as np
from numpy.random import Generator, SeedSequence, default_rng

from medfake.phantom.patient import Patient
from medfake.phantom.radiograph import PIXEL_MM, SIZE, WATER_PER_MM, Grid, shadow
from medfake.phantom.xray_scanners import XRayScanner, expose
from medfake.tamper.places import spread
from medfake.tamper.site import Site
from medfake.tamper.tissue_places import lung_fields

_NODULE_MM = (5.0, 10.0)
_LESS_LUNG = 0.8  # what a nodule adds to the beam, as a share of water: lung was there before


def take_radiograph(seed: SeedSequence, scanner: XRayScanner, slices: int, nodules: int, size: int = SIZE) -> Patient:
    """Make a patient and take a radiograph of their chest.

    Args:
        seed: Same seed, same pixels.
        scanner: Detector and processing.
        slices: Images; one.
        nodules: Number of real nodules, well apart; fewer where there is no room.
        size: Rows and columns; the field of view stays that of 512 pixels.
    """
    if slices != 1:
        message = f"a radiograph is one image, but got {slices=}"
        raise ValueError(message)
    rng = default_rng(seed)
    pixel = PIXEL_MM * SIZE / size
    spacing = (1.0, pixel, pixel)
    attenuation = shadow(rng, size)
    places = _lay_nodules(rng, attenuation, spacing, nodules)
    image = expose(rng, attenuation, scanner, pixel)
    return Patient(image[None], np.zeros((1, 3)), spacing, places)


def _lay_nodules(
    rng: Generator, attenuation: Grid, spacing: tuple[float, float, float], count: int
) -> tuple[Site, ...]:
    """Add the shadows of uneven balls to the lungs', in place."""
    from scipy.ndimage import binary_erosion

    if not count:
        return ()
    rough = np.clip(attenuation * 1000, 0, 30_000).astype(np.int16)
    inside = binary_erosion(lung_fields(rough, spacing), iterations=round(10 / spacing[1]))
    places = spread(np.insert(rng.permutation(np.argwhere(inside))[:4000], 0, 0, axis=1), spacing, count)
    row, col = np.indices(attenuation.shape, dtype=np.float32)
    for place in places:
        y, x = (row - place.y) * np.float32(spacing[1]), (col - place.x) * np.float32(spacing[2])
        angle = np.arctan2(y, x)
        uneven = 1 + 0.1 * np.sin(3 * angle + rng.uniform(0, 6)) + 0.06 * np.sin(5 * angle + rng.uniform(0, 6))
        radius = np.float32(rng.uniform(*_NODULE_MM)) * uneven
        chord = 2 * np.sqrt(np.maximum(radius**2 - y**2 - x**2, 0))
        attenuation += (np.float32(WATER_PER_MM * _LESS_LUNG) * chord).astype(np.float32)
    return tuple(places)
