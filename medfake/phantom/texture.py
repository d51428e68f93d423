"""Noise with the correlation of a reconstruction kernel, and slow variation of tissue."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import zoom

from medfake.phantom.scanners import Scanner

Image = NDArray[np.float32]


def kernel_spectrum(scanner: Scanner, size: int) -> Image:
    """(size, size/2+1) amplitude of the noise at each frequency, scaled to unit pixel variance."""
    frequency = np.hypot(fft.fftfreq(size)[:, None], fft.rfftfreq(size)[None, :]).astype(np.float32)
    amplitude = (frequency + 0.01) ** scanner.ramp * np.exp(-((frequency / scanner.cutoff) ** 2))
    weights = np.full(size // 2 + 1, 2.0)
    weights[[0, -1]] = 1.0
    power = float((amplitude**2 * weights).sum()) / size**2
    unit: Image = (amplitude / np.sqrt(power)).astype(np.float32)
    return unit


def correlated_noise(rng: Generator, spectrum: Image) -> Image:
    """One (size, size) field of unit variance with the given spectrum."""
    size = spectrum.shape[0]
    white = fft.rfft2(rng.standard_normal((size, size), dtype=np.float32), workers=1)
    field: Image = fft.irfft2(white * spectrum, s=(size, size), workers=1)
    return field


def slow_variation(rng: Generator, size: int, cells: int) -> Image:
    """(size, size) smooth field of about unit deviation, `cells` bumps across."""
    knots = rng.standard_normal((cells + 3, cells + 3), dtype=np.float32)
    grown: Image = zoom(knots, size / cells, order=1)[:size, :size]
    return grown
