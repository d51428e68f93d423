"""The fixed filters of the front: what is left of a slice in twelve bands."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

EDGE_PX: Final = 11
GAUSSIANS_PX: Final = ((0.55, 0.9), (0.9, 1.4), (1.4, 2.1), (2.1, 3.2))
"""Standard deviations whose differences are band-pass filters, from fine to coarse."""
NAMES: Final = (
    "first x", "first y", "second x", "second y", "diagonal", "square 5", "cross", "square 3",
    *(f"band {low}-{high} px" for low, high in GAUSSIANS_PX),
)  # fmt: skip
FINEST: Final = slice(7, 10)
"""Filters whose autocorrelation is measured: the square and the two finest bands."""
SKEWED: Final = slice(9, 11)
"""Filters whose mean is measured: the sign of what sticks out."""

_SQUARE_3 = np.array([[-1, 2, -1], [2, -4, 2], [-1, 2, -1]], float)  # Fridrich and Kodovsky 2012
_SQUARE_5 = np.array(
    [[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2], [-1, 2, -2, 2, -1]], float
)


def filter_bank() -> NDArray[np.float32]:
    """(11, 11, 1, 12) filters of mean 0 and unit norm, in the order of NAMES."""
    cross = np.zeros((5, 5))
    cross[2] += [1, 0, -2, 0, 1]
    cross[:, 2] += [1, 0, -2, 0, 1]
    small = [
        np.array([[-1, 1, 0]]), np.array([[-1], [1], [0]]), np.array([[1, -2, 1]]), np.array([[1], [-2], [1]]),
        np.diag([1, -2, 1]), _SQUARE_5, cross, _SQUARE_3,
    ]  # fmt: skip
    bands = [_gaussian(low) - _gaussian(high) for low, high in GAUSSIANS_PX]
    bank = [_unit(one) for one in (*small, *bands)]
    return np.stack(bank, axis=-1)[:, :, None, :].astype(np.float32)


def _gaussian(sigma: float) -> NDArray[np.float64]:
    axis = np.arange(EDGE_PX) - EDGE_PX // 2
    profile = np.exp(-(axis**2) / (2 * sigma**2))
    both: NDArray[np.float64] = np.outer(profile, profile) / profile.sum() ** 2
    return both


def _unit(kernel: NDArray[Any]) -> NDArray[np.float64]:
    """In the middle of 11 x 11, mean 0, norm 1."""
    centred = kernel - kernel.mean() if kernel.shape == (EDGE_PX, EDGE_PX) else kernel.astype(float)
    pad = [((EDGE_PX - n) // 2, EDGE_PX - n - (EDGE_PX - n) // 2) for n in kernel.shape]
    placed = np.pad(centred, pad)
    unit: NDArray[np.float64] = placed / np.linalg.norm(placed)
    return unit
