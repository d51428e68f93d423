"""What slices are compared by: energies of Gabor filters in parts of the image, and its brightness. Nothing is learnt.

Inception's features, which FID and KID usually stand on, are learnt from photographs, and would have to be downloaded.
Oriented band-pass energies tell edges, vessels and noise apart at four scales, and parts of the image keep anatomy.
"""

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medfake.generators.material import Pixels

NAME: Final = "Gabor energies"
"""Stands beside every distance."""
_FREQUENCIES: Final = (0.25, 0.125, 0.0625, 0.03125)
"""Cycles per pixel."""
_ORIENTATIONS: Final = 4
_CELLS: Final = 4
"""Parts of the image along an edge whose energies are told apart."""
_FINE_CELLS: Final = 8
"""Those whose brightness is."""
_LEAST_ENERGY = 1e-3  # of the scale -1..1; less than noise of 1 HU
_AT_ONCE = 64

Features = NDArray[np.float64]


def features_of(pixels: Pixels) -> Features:
    """Features of slices.

    Args:
        pixels: (slices, size, size, 1), -1..1; the size is a multiple of 8.

    Returns:
        (slices, 320): 4 frequencies x 4 orientations x 16 cells, logarithms, and the mean of 64 cells.
    """
    parts = [_of_some(pixels[at : at + _AT_ONCE, ..., 0]) for at in range(0, len(pixels), _AT_ONCE)]
    return np.concatenate(parts)


def _of_some(images: NDArray[np.float32]) -> Features:
    from scipy.fft import fft2, ifft2

    whole = fft2(images)
    energies = (_cells(np.abs(ifft2(whole * one)), _CELLS) for one in _filters(images.shape[1]))
    rows = [_cells(images, _FINE_CELLS), *(np.log(one + _LEAST_ENERGY) for one in energies)]
    return np.concatenate(rows, axis=1).astype(np.float64)


def _cells(images: NDArray[np.float32], cells: int) -> NDArray[np.float32]:
    """(n, cells * cells) means."""
    edge = images.shape[1] // cells
    mean: NDArray[np.float32] = images.reshape(len(images), cells, edge, cells, edge).mean(axis=(2, 4))
    return mean.reshape(len(images), -1)


@lru_cache(maxsize=4)
def _filters(size: int) -> tuple[Any, ...]:
    """What each filter lets through, in the Fourier domain: (size, size) complex64."""
    from scipy.fft import fft2
    from skimage.filters import gabor_kernel

    transfers = []
    for frequency in _FREQUENCIES:
        for number in range(_ORIENTATIONS):
            kernel = gabor_kernel(frequency, theta=np.pi * number / _ORIENTATIONS)
            kernel = kernel - np.abs(kernel) * (kernel.sum() / np.abs(kernel).sum())  # brightness alone is no energy
            field = np.zeros((size, size), np.complex64)
            for (y, x), value in np.ndenumerate(kernel):
                field[(y - kernel.shape[0] // 2) % size, (x - kernel.shape[1] // 2) % size] += value
            transfers.append(fft2(field).astype(np.complex64))
    return tuple(transfers)
