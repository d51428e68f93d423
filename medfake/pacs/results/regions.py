"""Which voxels a site is made of: the part of the detector's map around it, or a ball where there is no map."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.explain.heat_map import spread
from medfake.package.scan_scores import ScanScores, Site
from medfake.pacs.results.geometry import Geometry

RADIUS_MM: Final = 8.0
"""Of the ball: half of the least distance between two sites."""
REACH_MM: Final = 30.0
"""Beyond it nothing belongs to a site, however far the map goes on."""
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class RegionSlice:
    """A site's part of one slice.

    Attributes:
        index: Of the slice.
        mask: (rows, cols), at least one True.
    """

    index: int
    mask: Mask


def region_of(
    number: int, sites: Sequence[Site], scores: ScanScores, geometry: Geometry, threshold: float
) -> Iterator[RegionSlice]:
    """The slices of one site, ascending; voxels of the map are those of the nearest site.

    Args:
        number: Of the site, from 0.
        sites: All of the scan.
        scores: With the map, where there is one.
        geometry: Of the scored slices.
        threshold: Places of this probability and more belong to a site.
    """
    site = sites[number]
    places = _places(number, sites, scores, geometry, threshold)
    if places is None:
        for disc in geometry.discs(site, RADIUS_MM):
            yield RegionSlice(disc.index, geometry.within(disc))
        return
    first, members = places
    step = float(scores.place_step_px or 1)
    for offset in np.flatnonzero(members.any(axis=(1, 2))):
        mask = spread(members[offset].astype(np.float64), geometry.shape, (0.0, 0.0), (step, step)) >= 0.5
        index = first + int(offset)
        if index == site.slice_index:
            mask[geometry.pixel(site.y, site.x)] = True
        if mask.any():
            yield RegionSlice(index, mask)


def _places(
    number: int, sites: Sequence[Site], scores: ScanScores, geometry: Geometry, threshold: float
) -> tuple[int, Mask] | None:
    """Index of the first slice and (slices, gy, gx) places of a site; None where the map says nothing there."""
    from scipy import ndimage

    if scores.place_p is None or not scores.place_step_px:
        return None
    site, step = sites[number], scores.place_step_px
    near = [disc.index for disc in geometry.discs(site, REACH_MM)]
    first, last = min(near), max(near) + 1
    labels, _ = ndimage.label(np.asarray(scores.place_p[first:last]) >= threshold, np.ones((3, 3, 3)))
    here = labels[site.slice_index - first]
    y, x = (int(np.clip(round(at / step), 0, size - 1)) for at, size in zip((site.y, site.x), here.shape, strict=True))
    around = here[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
    label = int(here[y, x] or around.max(initial=0))
    if not label:
        return None
    members = labels == label
    for offset in np.flatnonzero(members.any(axis=(1, 2))).tolist():
        members[offset] &= _own(number, sites, geometry, first + offset, members[offset], step)
    members[site.slice_index - first, y, x] |= label == here[y, x]
    return first, members


def _own(number: int, sites: Sequence[Site], geometry: Geometry, index: int, members: Mask, step: int) -> Mask:
    """(gy, gx) which of the places of a slice are near to a site, and nearer than to any other."""
    rows, cols = np.nonzero(members)
    points = geometry.to_patient(index, rows.astype(np.float64) * step, cols.astype(np.float64) * step)
    apart = geometry.distances_mm(sites, points)
    own = np.zeros(members.shape, np.bool_)
    own[rows, cols] = (apart[:, number] <= REACH_MM) & (apart.argmin(axis=1) == number)
    return own
