"""What one gets without a detector: maps that know nothing of manipulations, measured on the same slices.

Injected nodules are brighter than lung, so that brightness alone finds most of them, and few of the removed ones: what
a detector is worth shows on removals, and beside these controls.
"""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.lungs import BRIGHTEST_HU, DARKEST_HU, lungs_in_slice
from medfake.metrics.scans import Floats
from medfake.metrics.within_slice import HIT_MM, JudgedSlice, PlaceMap

PLACE_PX: Final = 24
"""Edge of the square whose lung is as bright as the place."""
HOLE_PX: Final = 64
RING_PX: Final = 104
"""The ring around a place lies between squares of these edges."""
_LEAST_PX: Final = 0.5
"""Lung in a square below which there is none: what is left of sums that cancel is no area."""


class Control(StrEnum):
    """A judge without knowledge, by name."""

    RANDOM = "random lung place"
    CENTRE = "lung centre"
    BRIGHTNESS = "mean HU of the place"
    CONTRAST = "|HU - ring|"


def control_map(control: Control, hu: NDArray[np.int16], spacing_mm: float, like: PlaceMap, rng: Generator) -> PlaceMap:
    """The map of a control, on the places of a detector's map.

    Args:
        control: Which.
        hu: (rows, cols) int16 Hounsfield units.
        spacing_mm: Between rows and columns.
        like: Says which places there are and which of them count.
        rng: For the random one.
    """
    if control is Control.RANDOM:
        return replace(like, scores=rng.random(like.counts.shape))
    if control is Control.CENTRE:
        return replace(like, scores=-_distance_to_centre(like))
    of_lung = _LungMeans(hu, spacing_mm, like)
    place, _ = of_lung.within(PLACE_PX)
    if control is Control.BRIGHTNESS:
        return replace(like, scores=place)
    (whole, area), (hole, hole_area) = (of_lung.within(edge) for edge in (RING_PX, HOLE_PX))
    ring_area = area - hole_area
    ring = np.divide(whole * area - hole * hole_area, ring_area, out=place.copy(), where=ring_area > _LEAST_PX)
    return replace(like, scores=np.abs(place - ring))


def judged_by(control: Control, hu: NDArray[np.int16], one: JudgedSlice, rng: Generator) -> JudgedSlice:
    """A slice as a control judges it, where a detector has given a map of it."""
    if one.map is None:
        return replace(one, strongest=None)
    said = control_map(control, hu, one.spacing_mm[0], one.map, rng)
    return replace(one, map=said, strongest=said.strongest)


def chance_of_a_hit(slices: Sequence[JudgedSlice], hit_mm: float = HIT_MM) -> Floats:
    """(slices,) exact chance that a place drawn from the lung of a slice lies within `hit_mm` of a site."""
    return np.array([_share_near(one, hit_mm) for one in slices], np.float64)


def _share_near(one: JudgedSlice, hit_mm: float) -> float:
    if one.map is None or not one.map.counts.any():
        return 0.0
    return float((one.distance_mm(one.map.centres) <= hit_mm).mean())


def _distance_to_centre(like: PlaceMap) -> Floats:
    """Distance, in places, to the mean of those that count."""
    down, across = np.indices(like.counts.shape)
    if not like.counts.any():
        return np.zeros(like.counts.shape)
    y, x = np.argwhere(like.counts).mean(axis=0)
    distance: Floats = np.hypot(down - y, across - x)
    return distance


class _LungMeans:
    """Mean clipped HU of the lung in a square around every place, vessels and nodules inside it counted as lung.

    The wall of the chest is left out: it is bright as well, and would hide what brightness knows of nodules. A square
    without lung has the mean of all its pixels.
    """

    def __init__(self, hu: NDArray[np.int16], spacing_mm: float, like: PlaceMap) -> None:
        self._hu = np.clip(hu, DARKEST_HU, BRIGHTEST_HU).astype(np.float64)
        lung = lungs_in_slice(hu, spacing_mm)
        self._lung = (lung if lung.any() else np.ones(hu.shape)).astype(np.float64)  # no body, no lung: all counts
        centres = (np.arange(count) * like.step_px + like.first_px for count in like.counts.shape)
        self._at = np.ix_(
            *(np.clip(np.rint(px).astype(int), 0, size - 1) for px, size in zip(centres, hu.shape, strict=True))
        )

    def within(self, edge: int) -> tuple[Floats, Floats]:
        """Mean, HU, and area of lung, px, of squares of this edge; both (down, across)."""
        area = self._mean(self._lung, edge) * edge**2
        of_lung = self._mean(self._lung * self._hu, edge) * edge**2
        means = np.divide(of_lung, area, out=self._mean(self._hu, edge), where=area > _LEAST_PX)
        return means, area

    def _mean(self, values: Floats, edge: int) -> Floats:
        from scipy import ndimage

        chosen: Floats = ndimage.uniform_filter(values, edge)[self._at]  # mirrored beyond the border
        return chosen
