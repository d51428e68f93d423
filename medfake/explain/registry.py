"""Explanations by name, and which of them fits a package; one decorated function adds one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medfake.by_name import Registry
from medfake.config import OcclusionParams
from medfake.errors import MedfakeError
from medfake.explain.heat_map import HeatMap
from medfake.metrics.within_slice import PlaceMap
from medfake.package.scan_scorer import ScanScorer, open_package

Slice = NDArray[np.int16]


@dataclass(frozen=True)
class ShownSlice:
    """A slice to explain.

    Attributes:
        hu: (rows, cols) int16 Hounsfield units.
        spacing_mm: Between rows, between columns.
        places: What the package said of it as part of its scan; None where it is looked at by itself.
    """

    hu: Slice
    spacing_mm: tuple[float, float]
    places: PlaceMap | None = None


Explain = Callable[[ShownSlice], HeatMap]


@dataclass(frozen=True)
class ExplainedPackage:
    """A package whose slices are explained.

    Attributes:
        folder: Of the package.
        scorer: Of its graphs.
        occlusion: Squares, for what covers some.
    """

    folder: Path
    scorer: ScanScorer
    occlusion: OcclusionParams = field(default_factory=OcclusionParams)

    @classmethod
    def open(cls, folder: Path, occlusion: OcclusionParams | None = None) -> "ExplainedPackage":
        """Load a package without TensorFlow.

        Raises:
            ManifestError: It is not whole, or none of ours.
        """
        return cls(folder, open_package(folder), occlusion or OcclusionParams())

    @cached_property
    def name(self) -> str:
        """Of its detector."""
        return self.scorer.card.detector


@dataclass(frozen=True)
class Explanation:
    """A way to find out what a detector looks at.

    Attributes:
        name: In params.yaml and on the command line.
        says: What its maps show, a clause.
        rank: Of those that fit a package the one with the lowest is taken where nobody asks for one.
        lacks: Why a package cannot be explained so, a clause; None where it can.
        open: Gets it ready; heavy imports happen here.
    """

    name: str
    says: str
    rank: int
    lacks: Callable[[ExplainedPackage], str | None]
    open: Callable[[ExplainedPackage], Explain]


EXPLANATIONS: Registry[Explanation] = Registry(
    "explanation", room="medfake.explain", where="explain.method in params.yaml, or --method"
)


def never(_: ExplainedPackage) -> None:
    """What works for every package lacks nothing."""


def explanation(
    name: str, *, says: str, rank: int, lacks: Callable[[ExplainedPackage], str | None] = never
) -> Callable[[Callable[[ExplainedPackage], Explain]], Callable[[ExplainedPackage], Explain]]:
    """Register a function that gets a way of explaining ready for a package.

    Args:
        name: Unique.
        says: What its maps show, a clause.
        rank: Lower ones are preferred.
        lacks: Says why a package cannot be explained so; None where it can.

    Example:
        >>> import medfake
        >>> import numpy as np
        >>> from medfake.explain.heat_map import HeatMap
        >>> from medfake.explain.registry import EXPLANATIONS, ShownSlice
        >>> @medfake.explanation("brightness", says="how bright a pixel is", rank=90)
        ... def brightness(package):
        ...     return lambda shown: HeatMap(shown.hu + 1024.0)
        >>> hu = np.full((96, 128), -850, np.int16)
        >>> hu[40, 70] = 40
        >>> EXPLANATIONS["brightness"].open(None)(ShownSlice(hu, (0.7, 0.7))).peak
        (40.0, 70.0)
    """

    def register(function: Callable[[ExplainedPackage], Explain]) -> Callable[[ExplainedPackage], Explain]:
        EXPLANATIONS.add(name, Explanation(name, says, rank, lacks, function), function)
        return function

    return register


def choose_explanation(package: ExplainedPackage, wanted: str | None = None) -> Explanation:
    """The explanation that was asked for, or the one that fits a package best.

    Raises:
        ConfigError: Nothing has the name that was asked for.
        MedfakeError: The package cannot be explained so; what can be done instead is told.
    """
    fitting = [one for one in sorted(EXPLANATIONS.values(), key=lambda one: one.rank) if one.lacks(package) is None]
    if wanted is None:
        return fitting[0]  # occlusion fits every package
    asked = EXPLANATIONS[wanted]
    if (missing := asked.lacks(package)) is not None:
        raise MedfakeError(
            f"{package.name} cannot be explained by {asked.name}: {missing}", where=package.folder,
            remedy=f"--method {fitting[0].name}, or explain.method: {fitting[0].name} in params.yaml",
        )  # fmt: skip
    return asked
