"""Views by name; one decorated class adds one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.by_name import Registry
from medfake.config import ViewParams, with_options
from medfake.errors import ConfigError
from medfake.vocabulary import Modality


@dataclass(frozen=True)
class Place:
    """What a view must know of a row: where its cut is centred, and the scale of its pixels.

    Attributes:
        y: Row of the slice as taken, px; NaN for views that choose for themselves.
        x: Column.
        labelled: Whether the place is a labelled site; others may be moved into the lung.
        modality: Says what is looked at instead of the lung, see `medfake.regions`.
    """

    y: float
    x: float
    labelled: bool
    spacing_mm: float
    modality: Modality = Modality.CT


@dataclass(frozen=True)
class Cut:
    """The stored part of a slice; stored = (taken - origin) * scale.

    Attributes:
        pixels: (rows, cols) int16 Hounsfield units, of the view's shape.
        origin_y: Row of the slice as taken that became row 0.
        origin_x: Column likewise.
        scale: Stored pixels per taken pixel.
    """

    pixels: NDArray[np.int16]
    origin_y: float = 0.0
    origin_x: float = 0.0
    scale: float = 1.0


class View(Protocol):
    """A rule for what is stored of a slice."""

    def places(self, kept: pd.DataFrame, sites: pd.DataFrame, seed: int) -> pd.DataFrame:
        """Rows to store, with view_y, view_x (px on the slice as taken; NaN where the pixels decide)."""

    def shape(self, rows: int, cols: int) -> tuple[int, int]:
        """Rows and columns of what is stored of a slice of this size; of what is stored already, the same again."""

    def cut(self, hu: NDArray[np.int16], place: Place) -> Cut | None:
        """What is stored; None when the slice has nothing for this view."""


Build = TypeVar("Build", bound=Callable[..., View])


@dataclass(frozen=True)
class ViewKind:
    """A view by name.

    Attributes:
        build: Makes the view of its options.
        options: Model of its block in params.yaml.
        whole: Whether it shows the patient and the air around, not a cut of the lungs.
        modalities: Of the slices that it can cut.
    """

    name: str
    build: Callable[..., View]
    options: type[ViewParams]
    whole: bool
    modalities: tuple[Modality, ...] = tuple(Modality)


VIEWS: Registry[ViewKind] = Registry("view", room="medfake.datasets.views", where="datasets.<name>.view in params.yaml")


class NoOptions(ViewParams, extra="forbid"):
    """The block of a view that is only named."""


def view(
    name: str,
    options: type[ViewParams] = NoOptions,
    *,
    whole: bool = False,
    modalities: tuple[Modality, ...] = tuple(Modality),
) -> Callable[[Build], Build]:
    """Register a view.

    Args:
        name: Its word in params.yaml, unique.
        options: Model of its block: a `ViewParams` that forbids other keys.
        whole: Whether it shows the patient and the air around, not a cut of the lungs.
        modalities: Of the slices that it can cut; data sets of others refuse it.

    Example:
        >>> import medfake
        >>> import numpy as np
        >>> from medfake.datasets.views.registry import Cut, Place
        >>> @medfake.view("upper-half")
        ... class UpperHalf:
        ...     '''The upper half of every slice.'''
        ...     def __init__(self, params):
        ...         pass
        ...     def places(self, kept, sites, seed):
        ...         return kept.assign(view_y=np.nan, view_x=np.nan)
        ...     def shape(self, rows, cols):
        ...         return rows // 2, cols
        ...     def cut(self, hu, place):
        ...         return Cut(hu[: len(hu) // 2].copy())
        >>> UpperHalf(None).cut(np.zeros((512, 512), np.int16), Place(256, 256, False, 0.7)).pixels.shape
        (256, 512)
    """

    def register(build: Build) -> Build:
        VIEWS.add(name, ViewKind(name, build, options, whole, modalities), build)
        return build

    return register


def view_options(params: ViewParams, at: tuple[str, ...] = ("view",)) -> ViewParams:
    """A `view` block with the options of its view, checked and filled up.

    Args:
        params: As params.yaml has it, or checked before.
        at: Key path of the block in params.yaml.

    Raises:
        ConfigError: No view has this name, or an option is wrong; key, value and near match are told.
    """
    options = VIEWS.require(params.name, ".".join([*at, "name"])).options
    return with_options(params, options, at)


def require_view_for(modality: Modality, params: ViewParams, at: tuple[str, ...]) -> None:
    """Refuse a view that has nothing to cut in images of a modality.

    Raises:
        ConfigError: The views that fit are told.
    """
    if modality not in VIEWS[params.name].modalities:
        fitting = ", ".join(name for name, one in VIEWS.items() if modality in one.modalities)
        raise ConfigError(
            f"the view {params.name} is of {', '.join(VIEWS[params.name].modalities)} alone, where lungs are found; "
            f"the data set is of {modality}",
            where=".".join([*at, "name"]), received=params.name, remedy=f"choose one of {fitting}",
        )  # fmt: skip


def view_of(params: ViewParams) -> View:
    """The view that a `view` block of params.yaml asks for."""
    return VIEWS[params.name].build(view_options(params))
