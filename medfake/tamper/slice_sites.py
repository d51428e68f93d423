"""Sites inside the lungs of one slice, and the refusal of others."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.errors import SourceError
from medfake.lungs import lungs_in_slice
from medfake.tamper.site import Site, Spacing, Volume

APART_PX = 72
"""Between two sites of a slice, so that each has untouched surroundings."""
_APART_MM = 36.0  # two sites never share a voxel, however small pixels are
_INSIDE_MM = 6.0  # from what is no lung
_BRIGHT_SHARE = 0.4  # of sites on bright structures
_BRIGHT_ABOVE_HU = -550.0  # mean over some 3 mm
_STEP = 2


def sites_in_slice(volume: Volume, z: int, spacing_mm: Spacing, rng: Generator, count: int) -> list[Site]:
    """Draw sites inside the lungs of a slice, 40 % of them on bright structures.

    Args:
        volume: (slices, rows, cols) int16 HU.
        z: Index of the slice.
        spacing_mm: Of slices, rows, columns.
        rng: All chance comes from here.
        count: Sites wanted.

    Returns:
        At most `count`, at least 72 px and 36 mm apart; fewer when the lungs have no room.
    """
    inside, bright = places_in_lungs(volume[z], spacing_mm)
    apart = max(APART_PX, _APART_MM / spacing_mm[1])
    chosen: list[Site] = []
    for _ in range(count):
        pools = (bright, inside) if rng.random() < _BRIGHT_SHARE else (inside,)
        for pool in pools:
            free = pool[[all(np.hypot(y - one.y, x - one.x) >= apart for one in chosen) for y, x in pool]]
            if len(free):
                y, x = free[rng.integers(len(free))]
                chosen.append(Site(z, int(y), int(x)))
                break
    return chosen


def require_in_lung(volume: Volume, spacing_mm: Spacing, site: Site) -> None:
    """Refuse a site that lies outside the lungs.

    Raises:
        SourceError: Outside the lungs of its slice, or outside the volume.
    """
    if not in_lung(volume, spacing_mm, site):
        raise SourceError(
            "a site outside the lungs cannot be manipulated", where="site (slice, row, column)",
            received=f"({site.z}, {site.y}, {site.x}) of a volume of {volume.shape}",
            remedy="choose one that medfake.tamper.slice_sites.sites_in_slice finds",
        )  # fmt: skip


def in_lung(volume: Volume, spacing_mm: Spacing, site: Site) -> bool:
    """Whether a site lies in the volume, and there in the lungs of its slice."""
    bounds = zip((site.z, site.y, site.x), volume.shape, strict=True)
    if not all(0 <= index < length for index, length in bounds):
        return False
    return bool(lungs_in_slice(volume[site.z], spacing_mm[1])[site.y, site.x])


def places_in_lungs(hu: NDArray[np.int16], spacing_mm: Spacing) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where in a slice something may be manipulated.

    Args:
        hu: (rows, cols) int16 HU.
        spacing_mm: Of slices, rows, columns.

    Returns:
        (n, 2) rows and columns well inside the lungs, and those of them on bright structures.
    """
    from scipy import ndimage

    lungs = lungs_in_slice(hu, spacing_mm[1])
    depth = ndimage.distance_transform_edt(lungs[::_STEP, ::_STEP]) * spacing_mm[1] * _STEP
    inside = depth >= _INSIDE_MM
    mean = ndimage.gaussian_filter(hu.astype(np.float32), 1.5 / spacing_mm[1])[::_STEP, ::_STEP]
    peaks = inside & (mean > _BRIGHT_ABOVE_HU) & (mean == ndimage.maximum_filter(mean, 5))
    return np.argwhere(inside) * _STEP, np.argwhere(peaks) * _STEP
