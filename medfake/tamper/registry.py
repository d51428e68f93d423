"""Manipulations by name; one decorated function adds one."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from numpy.random import Generator

from medfake.by_name import Registry
from medfake.tamper.places import injection_places, removal_places
from medfake.tamper.site import Site, Spacing, Volume
from medfake.vocabulary import LabelCode


class Apply(Protocol):
    """Signature of a manipulation."""

    def __call__(self, volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator, /) -> Volume:
        """Return a manipulated copy."""


class Family(StrEnum):
    """Manipulations that leave like traces; a detector is measured on a family that it never saw."""

    CUBE = "cube"
    """A cube resampled to 1 mm and back."""
    PASTE = "paste"
    """Real tissue of another place."""
    SYNTHESIS = "synthesis"
    """Content and noise made anew."""
    BLEND = "blend"
    """A place blended with a filtered copy of itself."""


Places = Callable[[Volume, Spacing, Generator, int], list[Site]]  # at most so many, the best first


@dataclass(frozen=True)
class Tampering:
    """A manipulation by name, and what it needs.

    Attributes:
        code: Type in label files.
        family: Word of those that leave like traces, see `Family`.
        places: Finds where a volume may be manipulated.
    """

    name: str
    code: LabelCode
    family: str
    apply: Apply
    places: Places


MANIPULATIONS: Registry[Tampering] = Registry("manipulation", room="medfake.tamper", where="forged in params.yaml")
PLACES: dict[LabelCode, Places] = {LabelCode.FM: injection_places, LabelCode.FB: removal_places}


def manipulation(
    name: str, *, code: LabelCode, family: str | None = None, places: Places | None = None
) -> Callable[[Apply], Apply]:
    """Register a function as a manipulation.

    Args:
        name: Its word in params.yaml, unique.
        code: Type in label files: LabelCode.FM where something is put in, LabelCode.FB where something is taken out.
        family: Word of those that leave like traces, see `Family`; None: a family of its own, called as the
            manipulation.
        places: Where a volume may be manipulated; None: inside the lungs for FM, at nodule-like spots for FB.

    Example:
        >>> import medfake
        >>> import numpy as np
        >>> from medfake.tamper.site import Site
        >>> from medfake.vocabulary import LabelCode
        >>> @medfake.manipulation("blot", code=LabelCode.FB)
        ... def blot(volume, spacing_mm, place, rng):
        ...     '''Water, 5 x 5 px on one slice.'''
        ...     result = volume.copy()
        ...     result[place.z, place.y - 2 : place.y + 3, place.x - 2 : place.x + 3] = 0
        ...     return result
        >>> lung = np.full((3, 64, 64), -850, np.int16)
        >>> int((blot(lung, (1, 1, 1), Site(1, 32, 32), None) != lung).sum())
        25
    """

    def register(function: Apply) -> Apply:
        MANIPULATIONS.add(name, Tampering(name, code, family or name, function, places or PLACES[code]), function)
        return function

    return register


def family_of(generator: str) -> str:
    """Word of the family of what made a fake; what is no manipulation of this house is a family of its own.

    Args:
        generator: As label files name it, several joined by " + ".
    """
    families = {MANIPULATIONS[one].family if one in MANIPULATIONS else one for one in generator.split(" + ")}
    return " + ".join(sorted(families))
