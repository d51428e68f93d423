"""What somebody who holds a detector can do against it: small changes of whole HU along its own gradient.

The least change is one HU, as DICOM stores whole numbers, and values stay within what 16 bits hold.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Slices = NDArray[np.int16]
Gradient = Callable[[Slices], NDArray[Any]]
"""Hounsfield units -> derivative of what the detector gets wrong, same shape: along its sign an answer gets worse."""

STEP_HU: Final = 1
_INT16: Final = np.iinfo(np.int16)


def fgsm(hu: Slices, epsilon_hu: int, gradient: Gradient) -> Slices:
    """Go once along the sign of the gradient (Goodfellow et al. 2015, the fast gradient sign method).

    Args:
        hu: int16 Hounsfield units, any shape.
        epsilon_hu: By how much each pixel may change, >= 0.
        gradient: Of the detector, at `hu`.

    Returns:
        A copy, same shape; pixels without a gradient are as they were.
    """
    return _within(hu, np.sign(gradient(hu)).astype(np.int32) * epsilon_hu)


def pgd(hu: Slices, epsilon_hu: int, gradient: Gradient, rng: Generator, steps: int | None = None) -> Slices:
    """Go several times along the sign, from a start by chance, never further than `epsilon_hu` from where it began.

    Projected gradient descent (Madry et al. 2018) on whole HU.

    Args:
        hu: As for `fgsm`.
        epsilon_hu: By how much each pixel may change in all, >= 0.
        gradient: Of the detector, wherever it is asked.
        rng: Draws the start.
        steps: How many; two for each HU unless told otherwise, so that the other end is in reach from any start.

    Returns:
        A copy, same shape.
    """
    count = 2 * epsilon_hu if steps is None else steps
    step = max(STEP_HU, -(-2 * epsilon_hu // max(count, 1)))
    change = rng.integers(-epsilon_hu, epsilon_hu, hu.shape, endpoint=True, dtype=np.int32)
    for _ in range(count):
        sign = np.sign(gradient(_within(hu, change))).astype(np.int32)
        change = np.clip(change + sign * step, -epsilon_hu, epsilon_hu)
    return _within(hu, change)


def _within(hu: Slices, change: NDArray[np.int32]) -> Slices:
    changed: Slices = np.clip(hu + change, _INT16.min, _INT16.max).astype(np.int16)
    return changed
