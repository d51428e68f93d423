"""Perturbations by name; one decorated function adds one.

Some have one strength, others a scale of severities. What a perturbation may look at besides the slice, its neighbours
or the detector's own gradient, is handed to it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.by_name import Registry
from medfake.errors import ConfigError
from medfake.vocabulary import Modality, Units

Slice = NDArray[np.int16]
Places = NDArray[np.float64]
Apply = Callable[[Slice, Generator], Slice]
Move = Callable[[Places, tuple[int, int], tuple[int, int]], Places]
Gradient = Callable[[Slice], NDArray[np.float32]]
"""(rows, cols) int16 HU -> derivative of the detector's error on the slice's true label, same shape."""


def scaled(places: Places, before: tuple[int, int], after: tuple[int, int]) -> Places:
    """Where places lie once the whole image was resampled to another matrix.

    Args:
        places: (n, 2) rows and columns, px; whole numbers are centres of pixels.
        before: Rows and columns of the image that they belong to.
        after: Of the resampled one.
    """
    moved: Places = (places + 0.5) * (np.array(after) / np.array(before)) - 0.5
    return moved


class Needs(StrEnum):
    """What a perturbation looks at besides the slice."""

    NOTHING = "nothing"
    NEIGHBOURS = "neighbours"
    GRADIENT = "gradient"


@dataclass(frozen=True)
class Stack:
    """A slice among its neighbours.

    Attributes:
        volume: (slices, rows, cols) int16 HU.
        z_mm: (slices,) ascending positions.
        at_mm: Position of the slice itself.
    """

    volume: Slice
    z_mm: NDArray[np.float64]
    at_mm: float


@dataclass(frozen=True)
class Given:
    """All that a perturbation may look at.

    Attributes:
        hu: (rows, cols) int16 Hounsfield units.
        rng: All chance comes from here.
        stack: For those that need neighbours.
        gradient: For those that need one.
    """

    hu: Slice
    rng: Generator
    stack: Stack | None = None
    gradient: Gradient | None = None


Act = Callable[[Given, float], Slice]


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How strong a perturbation may be. Severity 0 is always the slice as it is.

    Attributes:
        unit: What a severity counts, for axes, e.g. "HU of noise".
        least: Lowest severity but 0; negative where it goes to both sides.
        most: Highest.
        usual: Severities where params.yaml names none.
        strength: The one severity that stage `forensics` measures; None where it measures none.
        whole: Whether severities are whole numbers.
    """

    unit: str
    least: float
    most: float
    usual: tuple[float, ...]
    strength: float | None = None
    whole: bool = False

    def unit_in(self, units: Units) -> str:
        """What a severity counts where pixels are measured in these units."""
        return self.unit if units is Units.HU else self.unit.replace("HU", "units")

    def __contains__(self, severity: float) -> bool:
        inside = severity == 0 or self.least <= severity <= self.most
        return inside and (not self.whole or float(severity).is_integer())


ONCE: Final = Scale(unit="done (1) or not (0)", least=1, most=1, usual=(1.0,), strength=1.0, whole=True)
"""Of perturbations without a scale."""


@dataclass(frozen=True)
class Perturbation:
    """What may happen to an image, by name.

    Attributes:
        name: In params.yaml and reports.
        says: What is done at its one strength, or where it has none at all, for readers.
        act: What is given and a severity -> int16 HU; may have another number of rows and columns.
        move: Where places of the image lie afterwards.
        scale: Its severities.
        needs: What `act` looks at besides the slice.
        modalities: Of the slices to which it can happen; a lung window means nothing elsewhere than in CT.
    """

    name: str
    says: str
    act: Act
    move: Move = scaled
    scale: Scale = ONCE
    needs: Needs = Needs.NOTHING
    modalities: tuple[Modality, ...] = tuple(Modality)

    @property
    def white_box(self) -> bool:
        """Whether it knows the detector from inside, as no scanner and no archive does."""
        return self.needs is Needs.GRADIENT

    def apply(self, hu: Slice, rng: Generator) -> Slice:
        """Do it at its one strength.

        Raises:
            ConfigError: It has none.
        """
        if self.scale.strength is None:
            raise ConfigError(f"perturbation {self.name} has no one strength", remedy="give a severity")
        return self.at(self.scale.strength, Given(hu, rng))

    def at(self, severity: float, given: Given) -> Slice:
        """Do it at a severity of its scale; 0 leaves the slice as it is."""
        return given.hu.copy() if severity == 0 else self.act(given, severity)

    def spacing_after(
        self, spacing_mm: tuple[float, float], before: tuple[int, int], after: tuple[int, int]
    ) -> tuple[float, float]:
        """Millimetres between rows and columns afterwards: the field of view stays."""
        return spacing_mm[0] * before[0] / after[0], spacing_mm[1] * before[1] / after[1]


PERTURBATIONS: Registry[Perturbation] = Registry(
    "perturbation", room="medfake.robustness", where="measure.<name>.perturbations in params.yaml"
)


def perturbation(
    name: str, *, says: str, move: Move = scaled, modalities: tuple[Modality, ...] = tuple(Modality)
) -> Callable[[Apply], Apply]:
    """Register a function as a perturbation of one strength.

    Args:
        name: Its word in params.yaml, unique.
        says: What is done, a few words for a table.
        move: Where places lie afterwards; left out, they stay, or follow the image to another matrix.
        modalities: Of the slices to which it can happen.

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
        act: Act = lambda given, _: function(given.hu, given.rng)  # noqa: E731  # a name for a long line
        PERTURBATIONS.add(name, Perturbation(name, says, act, move, modalities=modalities), function)
        return function

    return register


def graded(
    name: str,
    *,
    says: str,
    scale: Scale,
    needs: Needs = Needs.NOTHING,
    move: Move = scaled,
    modalities: tuple[Modality, ...] = tuple(Modality),
) -> Callable[[Act], Act]:
    """Register a function as a perturbation with a scale of severities.

    Args:
        name: Its word in params.yaml, unique.
        says: What is done at its one strength, or where it has none at all, a few words for a table.
        scale: Unit and range of the severities.
        needs: What the function looks at besides the slice.
        move: As for `perturbation`.
        modalities: Likewise.

    Example:
        >>> from medfake.robustness.registry import Scale, graded
        >>> @graded("coarse", says="every HU rounded", scale=Scale(unit="HU a step", least=1, most=64, usual=(4, 16)))
        ... def coarse(given, severity):
        ...     return (given.hu // int(severity) * int(severity)).astype(given.hu.dtype)
    """

    def register(act: Act) -> Act:
        PERTURBATIONS.add(name, Perturbation(name, says, act, move, scale, needs, modalities), act)
        return act

    return register
