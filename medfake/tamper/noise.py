"""Noise of a piece of CT: how much there is, which spectrum it has, and more of the same."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Grid = NDArray[np.float32]
Mask = NDArray[np.bool_]

_STRUCTURE_PX = 2.0  # what is smoother than that is anatomy, not noise
_NORMAL_MAD = 0.6745  # median absolute deviation of a unit normal variable
_OUTLIERS = 3.0  # deviations; further out are edges of vessels
_CELL_PX = 6
_QUIET = 0.3  # quantile of the cells' deviations that is noise alone; other cells hold vessels
_QUIET_BIAS = 1.06  # of cells of noise alone, the true deviation is that much larger
_SPECTRUM_SMOOTH = 1.2  # bins: the spectrum is kept, its phases and its accidents are not
_LEAST_KEPT = 0.05  # share of voxels without edges, below which the spectrum is taken of all
# local_noise / residual_noise of white noise after a Gaussian of so many px
_BLURS_PX: Final = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2, 1.5)
_RATIOS: Final = (1.03, 0.99, 0.87, 0.73, 0.61, 0.52, 0.40, 0.33, 0.26)


def local_noise(volume: Grid) -> float:
    """Robust standard deviation of pixel noise, HU: median absolute second difference along rows."""
    if volume.shape[-1] < 3:
        return 0.0
    second = np.diff(volume, n=2, axis=-1)
    return float(np.median(np.abs(second)) / (_NORMAL_MAD * np.sqrt(6.0)))


def fine(hu: Grid) -> Grid:
    """What is finer than about 2 px in plane: noise, and edges.

    Args:
        hu: (slices, rows, cols) HU.
    """
    from scipy.ndimage import gaussian_filter

    rest: Grid = hu - gaussian_filter(hu, (0, _STRUCTURE_PX, _STRUCTURE_PX), mode="reflect")
    return rest


def residual_noise(hu: Grid) -> float:
    """Standard deviation of noise in the quiet parts of a block, HU.

    Other than `local_noise` it counts the noise of smooth kernels, and other than a median it is not raised by vessels.
    """
    return _quiet_deviation(fine(hu))


def blur_px(hu: Grid) -> float:
    """How smooth the kernel is: the Gaussian, px, that would make noise as smooth out of white noise."""
    whole = residual_noise(hu)
    ratio = local_noise(hu) / whole if whole > 0 else _RATIOS[0]
    return float(np.interp(-ratio, [-one for one in _RATIOS], _BLURS_PX))


def edges(rest: Grid) -> Mask:
    """Voxels of `fine` that are no noise, and their neighbours in plane."""
    from scipy.ndimage import binary_dilation

    far = np.abs(rest) > _OUTLIERS * max(_quiet_deviation(rest), 1e-3)
    grown: Mask = binary_dilation(far, np.ones((1, 3, 3), bool))
    return grown if grown.mean() < 1 - _LEAST_KEPT else np.zeros_like(grown)


def power(rest: Grid, left_out: Mask) -> Grid:
    """Smoothed power spectrum of noise; its mean is the variance.

    Args:
        rest: (slices, rows, cols) HU, from `fine`.
        left_out: Voxels that are no noise, from `edges`.

    Returns:
        The same shape, in the order of `scipy.fft.fftn`.
    """
    from scipy import fft
    from scipy.ndimage import gaussian_filter

    kept = np.where(left_out, 0, rest)
    raw = (np.abs(fft.fftn(kept)) ** 2 / max(int((~left_out).sum()), 1)).astype(np.float32)
    sigma = [_SPECTRUM_SMOOTH if n > 1 else 0.0 for n in rest.shape]
    smooth: Grid = gaussian_filter(raw, sigma, mode="wrap")
    return smooth


def of_power(spectrum: Grid, rng: Generator) -> Grid:
    """Noise with a power spectrum and phases of chance, HU."""
    from scipy import fft

    white = fft.fftn(rng.standard_normal(spectrum.shape, dtype=np.float32))
    noise: Grid = fft.ifftn(white * np.sqrt(np.maximum(spectrum, 0))).real.astype(np.float32)
    return noise


def alike(hu: Grid, rng: Generator) -> Grid:
    """Noise of a block's level and spectrum, phases by chance."""
    rest = fine(hu)
    noise = of_power(power(rest, edges(rest)), rng)
    levelled: Grid = noise * np.float32(_quiet_deviation(rest) / max(_quiet_deviation(noise), 1e-3))
    return levelled


def correlated(rng: Generator, shape: tuple[int, ...], sigma: float | Sequence[float]) -> Grid:
    """Gaussian noise of unit deviation with a correlation length of `sigma` voxels (one number, or one an axis)."""
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigma, mode="wrap")
    unit: Grid = field / field.std()
    return unit


def _quiet_deviation(rest: Grid) -> float:
    """Standard deviation in the quiet ones of cells of 6 x 6 px."""
    rows, cols = (n // _CELL_PX * _CELL_PX for n in rest.shape[1:])
    if not rows or not cols:
        return float(rest.std())
    cells = rest[:, :rows, :cols].reshape(len(rest), rows // _CELL_PX, _CELL_PX, cols // _CELL_PX, _CELL_PX)
    return float(np.quantile(cells.std(axis=(2, 4)), _QUIET)) * _QUIET_BIAS
