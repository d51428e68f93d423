"""Which slice stands beside a suspicious one: the least suspicious one that shows the same part of the same chest."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from medfake.package.scan_scores import SAME_SITE_MM
from medfake.serving.page.scan_view import SliceView

NEARBY_MM: Final = 2 * SAME_SITE_MM
"""Slices further apart than this show other anatomy, and less or more lung."""


def least_suspicious(slices: Sequence[SliceView], places_z_mm: Sequence[float]) -> list[int]:
    """Index of the slice to compare each slice with.

    Of slices that have a score, show lung, and are at least 16 mm from the slice and from every suspicious place, it is
    the one with the lowest P within 32 mm, the nearer one where two are equal; further away where there is none, and
    nearer where there is none at all.

    Args:
        slices: At least one, in order.
        places_z_mm: Of the scan's suspicious places, from its first slice.

    Returns:
        An index each; of a scan of one slice its own.
    """
    z_mm = np.array([one.z_mm for one in slices])
    p = np.array([1.0 if one.p is None else one.p for one in slices])
    shows = np.array([one.p is not None and one.lung is not False for one in slices])
    clean = (np.abs(z_mm[:, None] - np.array(places_z_mm)) >= SAME_SITE_MM).all(axis=1)
    everything = np.arange(len(slices))

    def beside(index: int) -> int:
        away = np.abs(z_mm - z_mm[index])
        apart = clean & (away >= SAME_SITE_MM)
        shown = apart & shows
        for some in (shown & (away <= NEARBY_MM), shown, apart, everything != index):
            found = np.flatnonzero(some)
            if found.size:
                return int(found[np.lexsort((away[found], p[found]))[0]])
        return index

    return [beside(index) for index in range(len(slices))]
