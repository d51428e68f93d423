"""Perturbations by name; one decorated function adds one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.by_name import Registry

Slice = NDArray[np.int16]
Places = NDArray[np.float64]
Apply = Callable[[Slice, Generator], Slice]
Move = Callable[[Places, tuple[int, int], tuple[int, int]], Places]


def scaled(places: Places, before: tuple[int, int], after: tuple[int, int]) -> Places:
    """Where places lie once the whole image was resampled to another matrix.

    Args:
        places: (n, 2) rows and columns, px; whole numbers are centres of pixels.
        before: Rows and columns of the image that they belong to.
        after: Of the resampled one.
    """
    moved: Places = (places + 0.5) * (np.array(after) / np.array(before)) - 0.5
    return moved


@dataclass(frozen=True)
class Perturbation:
    """What may happen to an image, by name.

    Attributes:
        name: In params.yaml and reports.
        says: What is done, for readers.
        apply: (rows, cols) int16 HU and a generator -> int16 HU; may have another number of rows and columns.
        move: Where places of the image lie afterwards.
    """

    name: str
    says: str
    apply: Apply
    move: Move = scaled

    def spacing_after(
        self, spacing_mm: tuple[float, float], before: tuple[int, int], after: tuple[int, int]
    ) -> tuple[float, float]:
        """Millimetres between rows and columns afterwards: the field of view stays."""
        return spacing_mm[0] * before[0] / after[0], spacing_mm[1] * before[1] / after[1]


PERTURBATIONS: Registry[Perturbation] = Registry(
    "perturbation", room="medfake.robustness", where="measure.<name>.perturbations in params.yaml"
)


def perturbation(name: str, *, says: str, move: Move = scaled) -> Callable[[Apply], Apply]:
    """Register a function as a perturbation.

    Args:
        name: Its word in params.yaml, unique.
        says: What is done, a few words for a table.
        move: Where places lie afterwards; left out, they stay, or follow the image to another matrix.

    Example:
        >>> import medfake
        >>> import numpy as np
        >>> @medfake.perturbation("quarter", says="every HU rounded to a multiple of 4")
        ... def quarter(hu, rng):
        ...     return (hu // 4 * 4).astype(np.int16)
        >>> int(quarter(np.full((8, 8), -849, np.int16), None)[0, 0])
        -852
    """

    def register(function: Apply) -> Apply:
        PERTURBATIONS.add(name, Perturbation(name, says, function, move), function)
        return function

    return register
