"""What happens to an image between scanner and detector: noise, smoothing, windows, compression of a given strength."""

import io
from collections.abc import Callable
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.dicom.window import to_grey

Slice = NDArray[np.int16]
Window = tuple[float, float]

_OFFSET_HU = 1024
_HIGHEST = 4095  # 12 bits stored, as scanners do
_ALLOCATED_TO_STORED = 12 / 16
_INT16 = np.iinfo(np.int16)
_DENOISED_OVER_PX = 5
_LEAST_VARIANCE = 1e-9  # of a flat image, which stays as it is
_SAME_MM = 1e-6

NOISE_HU: Final = (4.0, 15.0)
CORRELATED_PX: Final = (0.3, 0.9)
BLUR_PX: Final = (0.4, 0.8)
WINDOW_FROM_HU: Final = (-1400.0, -1000.0)
WINDOW_TO_HU: Final = (0.0, 400.0)
JPEG_QUALITY: Final = (80, 97)
JPEG_2000_RATIO: Final = (8.0, 18.0)


def noisy(hu: Slice, level_hu: float, rng: Generator, correlated_px: float = 0.0) -> Slice:
    """Add Gaussian noise.

    Args:
        hu: (rows, cols) int16 Hounsfield units, as for all of these.
        level_hu: Its standard deviation.
        rng: Draws it.
        correlated_px: Standard deviation of the Gaussian that made it smooth; 0 for white noise.
    """
    from scipy.ndimage import gaussian_filter

    noise = rng.standard_normal(hu.shape)
    if correlated_px > 0:
        noise = gaussian_filter(noise, correlated_px)
        noise /= noise.std()
    return whole(hu + level_hu * noise)


def smoothed(hu: Slice, sigma_px: float) -> Slice:
    """Smooth with a Gaussian."""
    from scipy.ndimage import gaussian_filter

    return whole(gaussian_filter(hu.astype(np.float64), sigma_px, mode="nearest"))


def resampled(hu: Slice, factor: float) -> Slice:
    """Resample to another number of rows and columns with cubic splines; the field of view stays."""
    from scipy.ndimage import zoom

    shape = tuple(max(1, round(size * factor)) for size in hu.shape)
    factors = tuple(after / before for after, before in zip(shape, hu.shape, strict=True))
    return whole(zoom(hu.astype(np.float64), factors, order=3, mode="nearest", grid_mode=True))


def offset(hu: Slice, by_hu: float) -> Slice:
    """Shift everything, as a scanner does that is calibrated otherwise."""
    return whole(hu.astype(np.float64) + by_hu)


def denoised(hu: Slice, noise_hu: float) -> Slice:
    """Draw every pixel towards the mean around it, the more the less its surroundings vary (Wiener's adaptive filter).

    Args:
        hu: As above.
        noise_hu: Standard deviation of what is taken for noise; surroundings that vary no more become flat.
    """
    from scipy.ndimage import uniform_filter

    image = hu.astype(np.float64)
    mean = uniform_filter(image, _DENOISED_OVER_PX, mode="nearest")
    variance = np.maximum(uniform_filter(image**2, _DENOISED_OVER_PX, mode="nearest") - mean**2, 0.0)
    kept = np.maximum(variance - noise_hu**2, 0.0) / np.maximum(variance, max(noise_hu**2, _LEAST_VARIANCE))
    return whole(mean + kept * (image - mean))


def slab(volume: NDArray[np.int16], z_mm: NDArray[np.float64], at_mm: float, thickness_mm: float) -> Slice:
    """Average a stack over a thickness; between two slices it runs straight from one to the other.

    Args:
        volume: (slices, rows, cols) int16 HU.
        z_mm: (slices,) their positions, ascending; they reach as far as the slab, see `covers`.
        at_mm: Middle of the slab.
        thickness_mm: Of the slab, > 0.
    """
    return whole(np.tensordot(_shares(z_mm, at_mm, thickness_mm), volume.astype(np.float64), axes=1))


def covers(z_mm: NDArray[np.float64], at_mm: float, thickness_mm: float) -> bool:
    """Whether slices reach as far as a slab to both sides."""
    reach = thickness_mm / 2 - _SAME_MM
    return len(z_mm) > 1 and bool(z_mm[0] <= at_mm - reach and z_mm[-1] >= at_mm + reach)


def windowed(hu: Slice, window_hu: Window) -> Slice:
    """Keep 256 grey values of a window; what is darker or brighter is lost."""
    return _from_grey(to_grey(hu, *window_hu), window_hu)


def jpeg(hu: Slice, window_hu: Window, quality: int) -> Slice:
    """Compress an 8-bit window as JPEG."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(to_grey(hu, *window_hu)).save(file, "JPEG", quality=quality)
    with Image.open(file) as image:
        return _from_grey(np.asarray(image), window_hu)


def jpeg_2000(hu: Slice, ratio: float) -> Slice:
    """Compress 12 bits a pixel (-1024..3071 HU) with irreversible JPEG 2000.

    Args:
        hu: As above.
        ratio: Of the 16 bits that DICOM allocates a pixel to what is left.
    """
    from openjpeg.utils import decode, encode_array

    stored = np.clip(hu.astype(np.int32) + _OFFSET_HU, 0, _HIGHEST).astype(np.uint16)
    code = encode_array(stored, bits_stored=12, compression_ratios=[ratio * _ALLOCATED_TO_STORED])
    restored: Slice = (decode(bytes(code)).astype(np.int32) - _OFFSET_HU).astype(np.int16)
    return restored


def degraded(hu: Slice, rng: Generator) -> Slice:
    """Do one of them, of a strength by chance; the matrix stays."""
    return _BY_CHANCE[rng.integers(len(_BY_CHANCE))](hu, rng)


def whole(hu: NDArray[np.float64]) -> Slice:
    """Rounded to what 16 bits hold."""
    rounded: Slice = np.clip(np.rint(hu), _INT16.min, _INT16.max).astype(np.int16)
    return rounded


def _shares(z_mm: NDArray[np.float64], at_mm: float, thickness_mm: float) -> NDArray[np.float64]:
    """How much of a slab each slice is, in all 1: the integral of its tent over the slab."""
    low, high = np.clip((at_mm - thickness_mm / 2, at_mm + thickness_mm / 2), z_mm[0], z_mm[-1])
    shares = np.zeros(len(z_mm))
    for number, (below, above) in enumerate(pairwise(z_mm)):
        start, end = max(low, below), min(high, above)
        if end > start:
            along = ((start + end) / 2 - below) / (above - below)  # a straight line counts as its middle
            shares[number : number + 2] += (end - start) * np.array([1 - along, along])
    normed: NDArray[np.float64] = shares / shares.sum()
    return normed


def _from_grey(grey: NDArray[np.uint8], window_hu: Window) -> Slice:
    low, high = window_hu
    hu: Slice = np.rint(grey * ((high - low) / 255.0) + low).astype(np.int16)
    return hu


def _window(rng: Generator) -> Window:
    return float(rng.uniform(*WINDOW_FROM_HU)), float(rng.uniform(*WINDOW_TO_HU))


_BY_CHANCE: tuple[Callable[[Slice, Generator], Slice], ...] = (
    lambda hu, rng: noisy(hu, rng.uniform(*NOISE_HU), rng),
    lambda hu, rng: noisy(hu, rng.uniform(*NOISE_HU), rng, rng.uniform(*CORRELATED_PX)),
    lambda hu, rng: smoothed(hu, rng.uniform(*BLUR_PX)),
    lambda hu, rng: windowed(hu, _window(rng)),
    lambda hu, rng: jpeg(hu, _window(rng), int(rng.integers(*JPEG_QUALITY))),
    lambda hu, rng: jpeg(hu, _window(rng), int(rng.integers(*JPEG_QUALITY))),
    lambda hu, rng: jpeg_2000(hu, rng.uniform(*JPEG_2000_RATIO)),
)
