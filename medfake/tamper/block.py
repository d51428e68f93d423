"""A block of a volume around a place: what a manipulation looks at and what it may change."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from medfake.tamper.site import Site, Spacing, Volume

REACH_MM = 16.0
"""No manipulation changes a voxel whose centre lies further than that from the place along any axis."""
DARKEST_HU = -1024
BRIGHTEST_HU = 3071

_SOLID_ABOVE_HU = -500.0
_WALL_RADIUS_MM = 3.0
_AROUND_MM = 5.0  # over which lung beside a hole is averaged into it

Grid = NDArray[np.float32]
Box = tuple[slice, slice, slice]


def box_around(shape: tuple[int, ...], spacing_mm: Spacing, place: Site, reach_mm: float = REACH_MM) -> Box:
    """Voxels whose centres lie within a distance of a place along each axis, clipped at the volume's ends."""
    half = [int(reach_mm / step + 1e-6) for step in spacing_mm]
    centre = (place.z, place.y, place.x)
    z, y, x = (slice(max(0, c - h), min(n, c + h + 1)) for n, c, h in zip(shape, centre, half, strict=True))
    return z, y, x


@dataclass(frozen=True)
class Block:
    """A block around a place.

    Attributes:
        box: Where in the volume.
        hu: Its content, float32 HU; of other modalities than CT, as stored.
        spacing_mm: Of slices, rows, columns.
        place: Its middle, in the volume.
    """

    box: Box
    hu: Grid
    spacing_mm: Spacing
    place: Site

    @classmethod
    def cut(cls, volume: Volume, spacing_mm: Spacing, place: Site) -> "Block":
        """Cut what lies within 16 mm of a place along each axis; of a single slice, in plane."""
        box = box_around(volume.shape, spacing_mm, place)
        return cls(box, volume[box].astype(np.float32), spacing_mm, place)

    @cached_property
    def offsets_mm(self) -> tuple[Grid, Grid, Grid]:
        """Open grids of z, y, x distance to the place, mm."""
        centre = (self.place.z, self.place.y, self.place.x)
        z, y, x = (
            ((np.arange(part.start, part.stop) - c) * step).astype(np.float32)
            for part, c, step in zip(self.box, centre, self.spacing_mm, strict=True)
        )
        return z[:, None, None], y[None, :, None], x[None, None, :]

    def px(self, length_mm: float) -> tuple[float, float, float]:
        """A length in voxels of each axis; 0 along z where there is one slice."""
        z, y, x = (length_mm / step for step in self.spacing_mm)
        return (z if self.hu.shape[0] > 1 else 0.0), y, x

    @cached_property
    def wall(self) -> Grid:
        """Share of each voxel that belongs to thick tissue reaching the block's sides; vessels and nodules do not."""
        from scipy import ndimage

        solid = self.hu > _SOLID_ABOVE_HU
        steps = max(1, round(_WALL_RADIUS_MM / self.spacing_mm[1]))
        cross = ndimage.generate_binary_structure(2, 1)[None]
        core = ndimage.binary_erosion(solid, cross, iterations=steps, border_value=1)
        regions, _ = ndimage.label(core)
        sides = np.concatenate([regions[:, [0, -1], :].ravel(), regions[:, :, [0, -1]].ravel()])
        kept = np.isin(regions, np.setdiff1d(sides, 0))
        kept = ndimage.binary_dilation(kept, cross, iterations=steps + 1) & solid
        grown = ndimage.binary_dilation(kept, cross)
        smooth: Grid = ndimage.gaussian_filter(grown.astype(np.float32), (0, 0.7, 0.7))
        return smooth

    def lung_around(self, hole: Grid) -> Grid:
        """Lung beside a hole, spread smoothly into it; solid voxels do not spread.

        Args:
            hole: Share of each voxel that is to be filled, 0..1.

        Returns:
            float32 HU, smooth over the whole block.
        """
        from scipy.ndimage import gaussian_filter

        usable = (hole < 0.05) & (self.hu < _SOLID_ABOVE_HU)
        if not usable.any():
            usable = self.hu <= np.median(self.hu)
        sigma = self.px(_AROUND_MM)
        weight = gaussian_filter(usable.astype(np.float32), sigma, mode="nearest")
        spread = gaussian_filter(np.where(usable, self.hu, 0).astype(np.float32), sigma, mode="nearest")
        mean = float(self.hu[usable].mean())
        smooth: Grid = np.where(weight > 1e-3, spread / np.maximum(weight, 1e-3), mean).astype(np.float32)
        return smooth

    def put(
        self, volume: Volume, content: Grid, share: Grid, limits: tuple[int, int] = (DARKEST_HU, BRIGHTEST_HU)
    ) -> Volume:
        """A copy of the volume with this content in the block.

        Args:
            volume: That the block was cut from.
            content: HU, shape of the block.
            share: Of the content in each voxel, 0..1; voxels of share 0 stay as they are.
            limits: Lowest and highest value that it may have.
        """
        mixed = np.clip(np.rint(self.hu + share * (content - self.hu)), *limits).astype(np.int16)
        result = volume.copy()
        result[self.box] = np.where(share > 0, mixed, volume[self.box])
        return result
