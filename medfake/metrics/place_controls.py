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

from medfake.lungs import BRIGHTEST_HU, DARKEST_HU
from medfake.metrics.scans import Floats
from medfake.metrics.within_slice import HIT_MM, JudgedSlice, PlaceMap

PLACE_PX: Final = 24
"""Edge of the square whose brightness is that of a place."""
HOLE_PX: Final = 64
RING_PX: Final = 104
"""The ring around a place lies between squares of these edges."""


class Control(StrEnum):
    """A judge without knowledge, by name."""

    RANDOM = "random lung place"
    CENTRE = "lung centre"
    BRIGHTNESS = "mean HU of the place"
    CONTRAST = "|HU - ring|"


def control_map(control: Control, hu: NDArray[np.int16], like: PlaceMap, rng: Generator) -> PlaceMap:
    """The map of a control, on the places of a detector's map.

    Args:
        control: Which.
        hu: (rows, cols) int16 Hounsfield units.
        like: Says which places there are and which of them count.
        rng: For the random one.
    """
    if control is Control.RANDOM:
        return replace(like, scores=rng.random(like.counts.shape))
    if control is Control.CENTRE:
        return replace(like, scores=-_distance_to_centre(like))
    place = _means_of_places(hu, PLACE_PX, like)
    if control is Control.BRIGHTNESS:
        return replace(like, scores=place)
    whole, hole = (_means_of_places(hu, edge, like) * edge**2 for edge in (RING_PX, HOLE_PX))
    return replace(like, scores=np.abs(place - (whole - hole) / (RING_PX**2 - HOLE_PX**2)))


def judged_by(control: Control, hu: NDArray[np.int16], one: JudgedSlice, rng: Generator) -> JudgedSlice:
    """A slice as a control judges it, where a detector has given a map of it."""
    if one.map is None:
        return replace(one, strongest=None)
    said = control_map(control, hu, one.map, rng)
    return replace(one, map=said, strongest=said.strongest)


def chance_of_a_hit(slices: Sequence[JudgedSlice]) -> Floats:
    """(slices,) exact chance that a place drawn from the lung of a slice lies within `HIT_MM` of a site."""
    return np.array([_share_near(one) for one in slices], np.float64)


def _share_near(one: JudgedSlice) -> float:
    if one.map is None or not one.map.counts.any():
        return 0.0
    return float((one.distance_mm(one.map.centres) <= HIT_MM).mean())


def _distance_to_centre(like: PlaceMap) -> Floats:
    """Distance, in places, to the mean of those that count."""
    down, across = np.indices(like.counts.shape)
    if not like.counts.any():
        return np.zeros(like.counts.shape)
    y, x = np.argwhere(like.counts).mean(axis=0)
    distance: Floats = np.hypot(down - y, across - x)
    return distance


def _means_of_places(hu: NDArray[np.int16], edge: int, like: PlaceMap) -> Floats:
    """(down, across) mean clipped HU of a square around every place; the image is mirrored beyond its border."""
    from scipy import ndimage

    clipped = np.clip(hu, DARKEST_HU, BRIGHTEST_HU).astype(np.float64)
    means = ndimage.uniform_filter(clipped, edge)
    rows, cols = (
        np.clip(np.rint(np.arange(count) * like.step_px + like.first_px).astype(int), 0, size - 1)
        for count, size in zip(like.counts.shape, hu.shape, strict=True)
    )
    chosen: Floats = means[np.ix_(rows, cols)]
    return chosen
