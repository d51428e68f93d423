"""What scanners and reconstructions do: noise, smoothing, another matrix."""

from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.robustness.registry import Slice, perturbation

NOISE_HU: Final = 10.0
BLUR_PX: Final = 0.6
ZOOM: Final = 0.9

_INT16 = np.iinfo(np.int16)


@perturbation("noise", says="white noise of 10 HU added")
def add_noise(hu: Slice, rng: Generator) -> Slice:
    """Add white Gaussian noise of 10 HU."""
    return _whole(hu + rng.normal(0.0, NOISE_HU, hu.shape))


@perturbation("blur", says="smoothed with a Gaussian of 0.6 px")
def blur(hu: Slice, rng: Generator) -> Slice:  # noqa: ARG001  # the signature of all perturbations
    """Smooth with a Gaussian of 0.6 px."""
    from scipy import ndimage

    return _whole(ndimage.gaussian_filter(hu.astype(np.float64), BLUR_PX, mode="nearest"))


@perturbation("zoom", says="resampled to 0.9 of its rows and columns, cubic")
def zoom(hu: Slice, rng: Generator) -> Slice:  # noqa: ARG001
    """Resample to 0.9 of the rows and columns with cubic splines; the field of view stays, pixels grow."""
    from scipy import ndimage

    shape = tuple(round(size * ZOOM) for size in hu.shape)
    factors = tuple(after / before for after, before in zip(shape, hu.shape, strict=True))
    resampled = ndimage.zoom(hu.astype(np.float64), factors, order=3, mode="nearest", grid_mode=True)
    return _whole(resampled)


def _whole(hu: NDArray[np.float64]) -> Slice:
    rounded: Slice = np.clip(np.rint(hu), _INT16.min, _INT16.max).astype(np.int16)
    return rounded
