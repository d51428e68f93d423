"""Which slice stands beside a suspicious one: the least suspicious one that shows the same part of the same chest."""

from collections.abc import Sequence
from typing import Final

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
    clean = [one for one in slices if all(abs(one.z_mm - z) >= SAME_SITE_MM for z in places_z_mm)]
    return [_beside(one, slices, clean) for one in slices]


def _beside(of: SliceView, slices: Sequence[SliceView], clean: Sequence[SliceView]) -> int:
    def away(one: SliceView) -> float:
        return abs(one.z_mm - of.z_mm)

    others = [one for one in slices if one.index != of.index]
    apart = [one for one in clean if one.index != of.index and away(one) >= SAME_SITE_MM]
    shown = [one for one in apart if one.p is not None and one.lung is not False]
    near = [one for one in shown if away(one) <= NEARBY_MM]
    best = min(
        near or shown or apart or others, key=lambda one: (1.0 if one.p is None else one.p, away(one)), default=of
    )
    return best.index
