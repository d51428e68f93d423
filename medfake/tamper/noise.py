"""Noise of a piece of CT: how much there is, which spectrum it has, and more of the same."""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Grid = NDArray[np.float32]

_STRUCTURE_PX = 2.0  # what is smoother than that is anatomy, not noise
_NORMAL_MAD = 0.6745  # median absolute deviation of a unit normal variable
_OUTLIERS = 3.0  # deviations; further out are edges of vessels
_SPECTRUM_SMOOTH = 1.2  # bins: the spectrum is kept, its phases and its accidents are not


def local_noise(volume: Grid) -> float:
    """Robust standard deviation of pixel noise, HU: median absolute second difference along rows."""
    if volume.shape[-1] < 3:
        return 0.0
    second = np.diff(volume, n=2, axis=-1)
    return float(np.median(np.abs(second)) / (_NORMAL_MAD * np.sqrt(6.0)))


def residual(hu: Grid) -> Grid:
    """What is finer than about 2 px in plane, its outliers cut: noise, with few remains of edges.

    Args:
        hu: (slices, rows, cols) HU.
    """
    from scipy.ndimage import gaussian_filter

    fine: Grid = hu - gaussian_filter(hu, (0, _STRUCTURE_PX, _STRUCTURE_PX), mode="reflect")
    limit = _OUTLIERS * max(_deviation(fine), 1e-3)
    return np.clip(fine, -limit, limit)


def residual_noise(hu: Grid) -> float:
    """Robust standard deviation of `residual`, HU; other than `local_noise` it counts the noise of smooth kernels."""
    return _deviation(residual(hu))


def power(noise: Grid) -> Grid:
    """Smoothed power spectrum; its mean is the variance.

    Args:
        noise: (slices, rows, cols) HU, of mean 0.

    Returns:
        The same shape, in the order of `scipy.fft.fftn`.
    """
    from scipy import fft
    from scipy.ndimage import gaussian_filter

    raw = (np.abs(fft.fftn(noise)) ** 2 / noise.size).astype(np.float32)
    sigma = [_SPECTRUM_SMOOTH if n > 1 else 0.0 for n in noise.shape]
    smooth: Grid = gaussian_filter(raw, sigma, mode="wrap")
    return smooth


def of_power(spectrum: Grid, rng: Generator) -> Grid:
    """Noise with a power spectrum and phases of chance, HU."""
    from scipy import fft

    white = fft.fftn(rng.standard_normal(spectrum.shape, dtype=np.float32))
    noise: Grid = fft.ifftn(white * np.sqrt(np.maximum(spectrum, 0))).real.astype(np.float32)
    return noise


def alike(hu: Grid, rng: Generator) -> Grid:
    """Noise like that of a block, phases by chance."""
    return of_power(power(residual(hu)), rng)


def correlated(rng: Generator, shape: tuple[int, ...], sigma: float | Sequence[float]) -> Grid:
    """Gaussian noise of unit deviation with a correlation length of `sigma` voxels (one number, or one an axis)."""
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigma, mode="wrap")
    unit: Grid = field / field.std()
    return unit


def _deviation(values: Grid) -> float:
    return float(np.median(np.abs(values)) / _NORMAL_MAD)
