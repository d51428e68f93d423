"""Views by name; one decorated class adds one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.config import Section


@dataclass(frozen=True)
class Place:
    """What a view must know of a row: where its cut is centred, and the scale of its pixels.

    Attributes:
        y: Row of the slice as taken, px; NaN for views that choose for themselves.
        x: Column.
        labelled: Whether the place is a labelled site; others may be moved into the lung.
    """

    y: float
    x: float
    labelled: bool
    spacing_mm: float


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
        """Rows and columns of what is stored of a slice of this size."""

    def cut(self, hu: NDArray[np.int16], place: Place) -> Cut | None:
        """What is stored; None when the slice has nothing for this view."""


Kind = TypeVar("Kind", bound=Callable[..., View])
VIEWS: dict[str, Callable[..., View]] = {}  # name in params.yaml -> class, built from its block


def view(name: str) -> Callable[[Kind], Kind]:
    """Register a view."""

    def register(kind: Kind) -> Kind:
        VIEWS[name] = kind
        return kind

    return register


def view_of(params: Section) -> View:
    """The view that a `view` block of params.yaml asks for."""
    from medfake.datasets.views import delocalized, localized, whole  # noqa: F401  # each registers its view

    name: Any = params.name  # type: ignore[attr-defined]  # every view block has one
    return VIEWS[name](params)
