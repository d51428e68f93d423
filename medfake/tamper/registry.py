"""Manipulations by name; one decorated function adds one."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from numpy.random import Generator

from medfake.by_name import Registry
from medfake.errors import ConfigError
from medfake.tamper.places import injection_places, removal_places
from medfake.tamper.site import Site, Spacing, Volume
from medfake.tamper.tissue_places import brain_places, lesion_places, lung_field_places, shadow_places
from medfake.vocabulary import LabelCode, Modality


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
        places: Finds where a volume of its first modality may be manipulated.
        modalities: Of the volumes that it is made for.
    """

    name: str
    code: LabelCode
    family: str
    apply: Apply
    places: Places
    modalities: tuple[Modality, ...] = (Modality.CT,)

    def places_in(self, modality: Modality) -> Places:
        """Finds where a volume of one of its modalities may be manipulated."""
        return self.places if modality is self.modalities[0] else PLACES[modality][self.code]


MANIPULATIONS: Registry[Tampering] = Registry("manipulation", room="medfake.tamper", where="forged in params.yaml")
PLACES: dict[Modality, dict[LabelCode, Places]] = {
    Modality.CT: {LabelCode.FM: injection_places, LabelCode.FB: removal_places},
    Modality.MR: {LabelCode.FM: brain_places, LabelCode.FB: lesion_places},
    Modality.XRAY: {LabelCode.FM: lung_field_places, LabelCode.FB: shadow_places},
}
"""Where a volume of a modality may be manipulated, unless a manipulation knows better."""


def manipulation(
    name: str,
    *,
    code: LabelCode,
    family: str | None = None,
    places: Places | None = None,
    modalities: tuple[Modality, ...] = (Modality.CT,),
) -> Callable[[Apply], Apply]:
    """Register a function as a manipulation.

    Args:
        name: Its word in params.yaml, unique.
        code: Type in label files: LabelCode.FM where something is put in, LabelCode.FB where something is taken out.
        family: Word of those that leave like traces, see `Family`; None: a family of its own, called as the
            manipulation.
        places: Where a volume may be manipulated; None: those of `PLACES`, in CT inside the lungs for FM, at
            nodule-like spots for FB.
        modalities: What it is made for. Volumes of CT are Hounsfield units; those of MR and X-ray are what the scanner
            stores, whole numbers from 0 on in a scale of its own, as DICOM is written of them again.

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
        found = places or PLACES[modalities[0]][code]
        MANIPULATIONS.add(name, Tampering(name, code, family or name, function, found, modalities), function)
        return function

    return register


def manipulations_of(modality: Modality) -> dict[str, Tampering]:
    """Those made for a modality, by name."""
    return {name: one for name, one in sorted(MANIPULATIONS.items()) if modality in one.modalities}


def require_made_for(modality: Modality, name: str, key: str = "") -> Tampering:
    """The manipulation of a name.

    Args:
        modality: Of the volume that it is to change.
        name: As the user wrote it.
        key: Where, e.g. "forged.own.manipulations.0"; "" elsewhere than in params.yaml.

    Raises:
        ConfigError: There is none, or it is made for other modalities.
    """
    one = MANIPULATIONS.require(name, key) if key else MANIPULATIONS[name]
    if modality not in one.modalities:
        raise ConfigError(
            f"{name!r} is no manipulation of {modality}", where=key or None, received=", ".join(one.modalities),
            remedy=f"choose one of {', '.join(manipulations_of(modality))}",
        )  # fmt: skip
    return one


def family_of(generator: str) -> str:
    """Word of the family of what made a fake; what is no manipulation of this house is a family of its own.

    Args:
        generator: As label files name it, several joined by " + ".
    """
    families = {MANIPULATIONS[one].family if one in MANIPULATIONS else one for one in generator.split(" + ")}
    return " + ".join(sorted(families))
