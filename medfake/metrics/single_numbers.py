"""How well one number of a slice's pixels tells generated slices from originals: what a detector may go by alone."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter
from scipy.stats import rankdata

from medfake.metrics.scans import Floats

WITHIN_HU: Final = (-1000, 400)
"""Of fine structure: from air to soft tissue, so that bone, which generators may not see, does not count."""
BRIGHT_TISSUE_HU: Final = 100
"""Soft tissue seldom is as bright, unless with contrast medium: networks see it in the window of lungs, too."""
BONE_HU: Final = 300
_SQUARE_PX = 3


def highest_hu(hu: NDArray[np.int16]) -> Floats:
    """Brightest pixel of each slice; (slices, rows, cols) HU -> (slices,)."""
    return np.asarray(hu.max(axis=(1, 2)), np.float64)


def lowest_hu(hu: NDArray[np.int16]) -> Floats:
    """Darkest pixel of each slice; (slices, rows, cols) HU -> (slices,)."""
    return np.asarray(hu.min(axis=(1, 2)), np.float64)


def fine_structure(hu: NDArray[np.int16]) -> Floats:
    """Mean distance of pixels from the mean of the nine around them, HU; (slices, rows, cols) HU -> (slices,)."""
    seen = np.clip(hu, *WITHIN_HU).astype(np.float32)
    rest = np.abs(seen - uniform_filter(seen, (0, _SQUARE_PX, _SQUARE_PX), mode="nearest"))
    return np.asarray(rest.mean(axis=(1, 2)), np.float64)


def share_from(least_hu: int) -> Callable[[NDArray[np.int16]], Floats]:
    """Share of a slice's pixels that are at least so bright; (slices, rows, cols) HU -> (slices,) 0..1."""
    return lambda hu: np.asarray((hu >= least_hu).mean(axis=(1, 2)), np.float64)


SINGLE_NUMBERS: Final[Mapping[str, Callable[[NDArray[np.int16]], Floats]]] = {
    "highest HU": highest_hu,
    "lowest HU": lowest_hu,
    f"share of pixels from {BRIGHT_TISSUE_HU} HU on": share_from(BRIGHT_TISSUE_HU),
    f"share of pixels from {BONE_HU} HU on": share_from(BONE_HU),
    "fine structure": fine_structure,
}
"""By the words that the report has for them."""


def ranked(originals: NDArray[Any], deepfakes: NDArray[Any]) -> Floats:
    """Both as one list of ranks, 0..1, which are told apart exactly as the numbers are; equal numbers share a rank."""
    both = np.concatenate([originals, deepfakes])
    return np.asarray((rankdata(both) - 0.5) / len(both), np.float64)
