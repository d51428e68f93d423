"""Manipulations by learned inpainters: which there are, and what a bank's inpainters make of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from numpy.random import Generator

from medfake.by_name import Registry
from medfake.errors import ConfigError
from medfake.tamper.inpainter import Inpainter, InpainterKind
from medfake.tamper.registry import MANIPULATIONS, PLACES, Tampering, manipulations_of, require_made_for
from medfake.tamper.site import Site, Spacing, Volume
from medfake.vocabulary import LabelCode, Modality


class ApplyLearned(Protocol):
    """Signature of a manipulation by a learned inpainter."""

    def __call__(
        self, inpainter: Inpainter, volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator, /
    ) -> Volume:
        """Return a manipulated copy."""


@dataclass(frozen=True)
class Learned:
    """A manipulation that only works with an inpainter.

    Attributes:
        kind: Of the inpainter.
        code: Type in label files.
        family: Word of those that leave like traces.
    """

    name: str
    kind: InpainterKind
    code: LabelCode
    family: str
    apply: ApplyLearned


LEARNED: Registry[Learned] = Registry("learned manipulation", room="medfake.tamper", where="banks in params.yaml")


def learned_manipulation(
    name: str, *, kind: InpainterKind, code: LabelCode, family: str
) -> Callable[[ApplyLearned], ApplyLearned]:
    """Register a function as a manipulation by a learned inpainter.

    Args:
        name: Its word in params.yaml, unique among all manipulations.
        kind: Of the inpainter that it is handed.
        code: Type in label files.
        family: Word of those that leave like traces, see `medfake.tamper.registry.Family`.
    """

    def register(function: ApplyLearned) -> ApplyLearned:
        LEARNED.add(name, Learned(name, kind, code, family, function), function)
        return function

    return register


@dataclass(frozen=True)
class _Handed:
    """A learned manipulation with the inpainters that it may use; of several, chance takes one."""

    learned: Learned
    inpainters: tuple[Inpainter, ...]

    def __call__(self, volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator, /) -> Volume:
        one = self.inpainters[int(rng.integers(len(self.inpainters)))]
        return self.learned.apply(one, volume, spacing_mm, place, rng)


def manipulations_with(folders: Sequence[Path]) -> Mapping[str, Tampering]:
    """All manipulations that can be done: those that need no inpainter, and those of these inpainters.

    Args:
        folders: Of inpainters, as the stage `inpainters` wrote them.

    Raises:
        ManifestError: An inpainter is not whole.
    """
    if not folders:
        return manipulations_of(Modality.CT)
    inpainters = [Inpainter.open(folder) for folder in folders]
    handed = manipulations_of(Modality.CT)
    for learned in LEARNED.values():
        own = tuple(one for one in inpainters if one.kind == learned.kind)
        if own:
            apply = _Handed(learned, own)
            handed[learned.name] = Tampering(
                learned.name, learned.code, learned.family, apply, PLACES[Modality.CT][learned.code]
            )  # fmt: skip
    return handed


def require_manipulation(name: str, key: str, kinds: Sequence[str], list_key: str) -> None:
    """Refuse a manipulation that there is not, or that lacks its inpainter.

    Args:
        name: As written in params.yaml.
        key: Where, e.g. "banks.real.manipulations".
        kinds: Of the inpainters that are listed there.
        list_key: Where they are listed, e.g. "banks.real.inpainters".

    Raises:
        ConfigError: What to add is told.
    """
    if name in LEARNED:
        kind = LEARNED[name].kind
        if kind not in kinds:
            raise ConfigError(
                f"{key} names {name!r}, which fills holes with a learned inpainter of kind {kind}, and {list_key} has "
                "none", where="params.yaml", received=f"inpainters of kinds {', '.join(kinds) or 'none'}",
                remedy=f"add a block of `kind: {kind}` to inpainters, and its name to {list_key}",
            )  # fmt: skip
        return
    MANIPULATIONS.require(name, key, also=LEARNED)
    require_made_for(Modality.CT, name, key)
