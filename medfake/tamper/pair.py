"""A stack and the same stack manipulated; what became of each voxel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.tamper.bank import Change
from medfake.tamper.block import box_around
from medfake.tamper.noise import local_noise, residual_noise
from medfake.tamper.registry import MANIPULATIONS, Tampering
from medfake.tamper.site import Site, Spacing, Volume
from medfake.tamper.slice_sites import require_in_lung

_SMOOTHED_PX = 2.5
_REACH_PX = 10  # of the smoothing
_STRONG = 0.35  # of the local noise
_LEAST_NOISE_HU = 2.0  # a stack without noise has none to hide a change


@dataclass(frozen=True)
class PlannedSite:
    """A site and the name of what is done there."""

    site: Site
    manipulation: str


def forged(
    volume: Volume,
    spacing_mm: Spacing,
    planned: Sequence[PlannedSite],
    rng: Generator,
    known: Mapping[str, Tampering] = MANIPULATIONS,
) -> Volume:
    """Manipulate a stack at several sites, one after the other.

    Args:
        volume: (slices, rows, cols) int16 HU; one slice is manipulated in plane.
        spacing_mm: Of slices, rows, columns.
        planned: In the order of doing.
        rng: All chance comes from here.
        known: Manipulations by name, those of learned inpainters included.

    Returns:
        A copy.

    Raises:
        SourceError: A site lies outside the lungs; nothing is done.
    """
    for one in planned:
        require_in_lung(volume, spacing_mm, one.site)
    for one in planned:
        volume = known[one.manipulation].apply(volume, spacing_mm, one.site, rng)
    return volume


def change_of(
    before: NDArray[np.int16], after: NDArray[np.int16], spacing_mm: Spacing, sites: Sequence[Site]
) -> NDArray[np.uint8]:
    """What became of each pixel of a slice.

    Args:
        before: (rows, cols) int16 HU.
        after: The same slice, manipulated.
        spacing_mm: Of slices, rows, columns.
        sites: What was manipulated, of any slice; noise is measured around each.

    Returns:
        (rows, cols) of `Change`: STRONG where the difference, its size smoothed over 2.5 px, is more than .35 of the
        noise around the nearest site, WEAK where it is less but anything, NONE where nothing changed nearby.
    """
    from scipy.ndimage import gaussian_filter

    change = np.zeros(before.shape, np.uint8)
    for site in sites:
        _, y, x = box_around((1, *before.shape), spacing_mm, Site(0, site.y, site.x))
        wide = tuple(
            slice(max(0, part.start - _REACH_PX), min(n, part.stop + _REACH_PX))
            for part, n in zip((y, x), before.shape, strict=True)
        )
        delta = np.abs(after[wide].astype(np.float32) - before[wide])
        if not delta.any():
            continue
        smooth = gaussian_filter(delta, _SMOOTHED_PX, truncate=_REACH_PX / _SMOOTHED_PX, mode="constant")
        around = before[wide][None].astype(np.float32)
        noise = max(min(residual_noise(around), local_noise(around)), _LEAST_NOISE_HU)
        found = np.where(smooth > _STRONG * noise, Change.STRONG, np.where(smooth > 0, Change.WEAK, Change.NONE))
        change[wide] = np.maximum(change[wide], found.astype(np.uint8))
    return change
