"""From slices to a scan where a detector has no rule of its own: the strongest run of slices. Pure NumPy."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medfake.errors import ScanError
from medfake.log_odds import logit, sigmoid
from medfake.package.scan_scores import MOST_SITES, SAME_SITE_MM, ScanScores, ScoredScan, Site

WINDOW_MM: Final = 10.0
"""Least extent of a window: a manipulation reaches over more slices than noise does (a CT-GAN cube is 32 mm)."""
P_MIN: Final = 1e-4
"""Probabilities are clipped to [P_MIN, 1 - P_MIN] before the logit: no saturated slice outweighs its window."""
_TOLERANCE_MM: Final = 1e-3


@dataclass(frozen=True)
class ScanScore:
    """A scan's score and the window that it comes from.

    Attributes:
        p_tampered: Highest window score, 0..1.
        z_from_mm: Position of the window's first slice.
        z_to_mm: Position of the window's last slice.
        n_slices: Slices in the window.
    """

    p_tampered: float
    z_from_mm: float
    z_to_mm: float
    n_slices: int


def score_scan(p_tampered: NDArray[Any], z_mm: NDArray[Any], window_mm: float = WINDOW_MM) -> ScanScore:
    """Score a scan by its most suspicious run of adjacent slices.

    A window starts at a slice and ends at the first one at least `window_mm` further along the normal; its score is the
    mean logit of its slices, and the scan's score is the highest of them. Slices more than `window_mm` apart are not
    adjacent: windows do not reach over such a gap, and a run that is shorter than a window is one window.

    Args:
        p_tampered: (n,) scores of the slices, 0..1, in any order.
        z_mm: (n,) positions along the normal, mm.
        window_mm: Least extent of a window, > 0.

    Returns:
        The score of the strongest window, and where it lies; of equal windows the lowest along the normal.

    Raises:
        ScanError: There is no slice.
    """
    if len(p_tampered) == 0:
        raise ScanError("a scan without slices has no score", remedy="check that the folder holds axial CT slices")
    order = np.argsort(z_mm, kind="stable")
    z = np.asarray(z_mm, dtype=np.float64)[order]
    starts, stops = _windows(z, window_mm)
    sums = np.concatenate([[0.0], np.cumsum(logit(np.asarray(p_tampered)[order], P_MIN))])
    means = (sums[stops] - sums[starts]) / (stops - starts)
    best = int(np.argmax(means))
    start, stop = int(starts[best]), int(stops[best])
    return ScanScore(float(sigmoid(means[best])), float(z[start]), float(z[stop - 1]), stop - start)


def strongest_run(scan: ScoredScan) -> ScanScores:
    """Let the strongest run of slices speak for the scan, and the strongest place of each slice for its site.

    Sites are told apart along the normal alone: a manipulation reaches over neighbouring slices, and each of them names
    one place.

    Args:
        scan: At least one slice is usable.
    """
    counted, slice_p = scan.counted, np.where(scan.usable, scan.scores.p_tampered, np.nan).astype(np.float64)
    score = score_scan(slice_p[counted], scan.z_mm[counted])
    return ScanScores(score.p_tampered, slice_p, scan.shows_lung, sites_of_slices(scan, slice_p))


def sites_of_slices(scan: ScoredScan, slice_p: NDArray[np.float64]) -> tuple[Site, ...]:
    """Strongest place of the strongest slices with lung, more than 16 mm apart along z; none where none is named.

    Args:
        scan: With what the detector says of each slice.
        slice_p: (n,) by which slices are ranked.
    """
    rows, cols = scan.scores.site_y, scan.scores.site_x
    if rows is None or cols is None:
        return ()
    sites: list[Site] = []
    with_lung = np.flatnonzero(scan.usable & scan.shows_lung)
    for index in with_lung[np.argsort(-slice_p[with_lung], kind="stable")]:
        z_mm = float(scan.z_mm[index])
        if all(abs(site.z_mm - z_mm) > SAME_SITE_MM for site in sites):
            sites.append(Site(int(index), z_mm, float(rows[index]), float(cols[index]), float(slice_p[index])))
        if len(sites) == MOST_SITES:
            break
    return tuple(sites)


def _windows(z: NDArray[np.float64], window_mm: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and past-the-last indices of all windows over ascending positions."""
    gaps = np.flatnonzero(np.diff(z) > window_mm + _TOLERANCE_MM) + 1
    run_starts = np.concatenate([[0], gaps])
    run_stops = np.concatenate([gaps, [len(z)]])
    run = np.repeat(np.arange(len(run_starts)), run_stops - run_starts)
    starts = np.arange(len(z))
    stops = np.searchsorted(z, z + window_mm - _TOLERANCE_MM, side="left") + 1
    whole = stops <= run_stops[run]
    short = starts == run_starts[run]  # a run too short for any window is one itself
    kept = whole | (short & ~whole)
    return starts[kept], np.minimum(stops, run_stops[run])[kept]
