"""What scanners and reconstructions do: noise, smoothing, another matrix."""

from typing import Final

import numpy as np
from numpy.random import Generator

from medfake.robustness.registry import Slice, perturbation
from medfake.tamper import degradations

NOISE_HU: Final = 10.0
BLUR_PX: Final = 0.6
ZOOM: Final = 0.9


@perturbation("noise", says="white noise of 10 HU added")
def add_noise(hu: Slice, rng: Generator) -> Slice:
    """Add white Gaussian noise of 10 HU."""
    return degradations.noisy(hu, NOISE_HU, rng)


@perturbation("blur", says="smoothed with a Gaussian of 0.6 px")
def blur(hu: Slice, rng: Generator) -> Slice:  # noqa: ARG001  # the signature of all perturbations
    """Smooth with a Gaussian of 0.6 px."""
    return degradations.smoothed(hu, BLUR_PX)


@perturbation("zoom", says="resampled to 0.9 of its rows and columns, cubic")
def zoom(hu: Slice, rng: Generator) -> Slice:  # noqa: ARG001
    """Resample to 0.9 of the rows and columns with cubic splines; the field of view stays, pixels grow."""
    from scipy import ndimage

    shape = tuple(round(size * ZOOM) for size in hu.shape)
    factors = tuple(after / before for after, before in zip(shape, hu.shape, strict=True))
    resampled = ndimage.zoom(hu.astype(np.float64), factors, order=3, mode="nearest", grid_mode=True)
    return degradations.whole(resampled)
