"""What it means for a scan that lung tissue stands twice in it: both places are sites, whatever the texture says."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.copies.search import Copy, Place
from medfake.package.scan_scores import MOST_SITES, SAME_SITE_MM, ScanScores, ScoredScan, Site

COPIED_P: Final = 0.98
"""P(tampered) of a scan with a copy in it, at least. None of 113 untouched scans had one: four patients plain and by 18
virtual scanners each, on whom what counts as a copy was chosen, and 37 more series, which had none after noise,
smoothing, JPEG or JPEG 2000 either. By the rule of succession that is one false one in 115, against about half of the
scans with copied tissue that are found."""


def with_copies(scores: ScanScores, scan: ScoredScan, copies: Sequence[Copy]) -> ScanScores:
    """Raise what is said of a scan by the copies found in it.

    A copy is surer than any texture. Of its two places that comes first which looks more manipulated by its texture:
    the other is likelier to be where the tissue is from.

    Args:
        scores: By texture.
        scan: That they are of.
        copies: Of its slices.

    Returns:
        `scores` itself where there is no copy.
    """
    if not copies:
        return scores
    shown = np.zeros(len(scan.z_mm), bool)
    for copy in copies:
        shown[list(copy.slices)] = True
    found = list(_apart([*_copied_sites(scores, copies), *scores.sites], scan.spacing_mm))
    return replace(
        scores,
        p_tampered=max(scores.p_tampered, COPIED_P),
        slice_p=np.where(shown & np.isfinite(scores.slice_p), np.fmax(scores.slice_p, COPIED_P), scores.slice_p),
        sites=tuple(found[:MOST_SITES]),
        place_p=_marked(scores, copies),
        copies=tuple(copies),
    )


def _copied_sites(scores: ScanScores, copies: Sequence[Copy]) -> Iterator[Site]:
    for copy in copies:
        for place in sorted((copy.one, copy.other), key=lambda one: -_texture_p(scores, one)):
            yield Site(place.slice_index, place.z_mm, place.y, place.x, max(COPIED_P, scores.p_tampered))


def _texture_p(scores: ScanScores, place: Place) -> float:
    if scores.place_p is None:
        return 0.0
    return float(scores.place_p[_cell(scores, place)])


def _marked(scores: ScanScores, copies: Sequence[Copy]) -> NDArray[np.float32] | None:
    if scores.place_p is None:
        return None
    marked = scores.place_p.copy()
    for copy in copies:
        for place in (copy.one, copy.other):
            cell = _cell(scores, place)
            marked[cell] = max(marked[cell], np.float32(COPIED_P))
    return marked


def _cell(scores: ScanScores, place: Place) -> tuple[int, int, int]:
    """Of the map, next to a place."""
    if scores.place_p is None or scores.place_step_px is None:
        raise ValueError("these scores have no map")
    _, down, across = scores.place_p.shape
    row, col = (round(px / scores.place_step_px) for px in (place.y, place.x))
    return place.slice_index, min(row, down - 1), min(col, across - 1)


def _apart(sites: Sequence[Site], spacing_mm: tuple[float, float]) -> Iterator[Site]:
    """Sites in their order, without those nearer than 16 mm to one before."""
    kept: list[NDArray[np.float64]] = []
    for site in sites:
        at = np.array([site.z_mm, site.y * spacing_mm[0], site.x * spacing_mm[1]])
        if all(np.linalg.norm(at - other) >= SAME_SITE_MM for other in kept):
            kept.append(at)
            yield site
