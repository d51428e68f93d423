"""A cube of a volume on a 1 mm grid: cut out, refilled inside, brought back."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.tamper.block import box_around
from medfake.tamper.noise import local_noise
from medfake.tamper.site import Site, Volume

EDGE_MM = 32.0  # of the cube that is resampled (CT-GAN)
INNER_MM = 20.0  # of the part inside that is generated anew
PARENCHYMA_BELOW_HU = -500.0  # lower than where lung ends: voxels that a wall shares are no texture to copy
_BLEND_MM = 2.0
_WALL_RADIUS_MM = 3
_DARKEST_HU, _BRIGHTEST_HU = -1000, 2000  # to which the CT-GAN tool clips

Grid = NDArray[np.float32]


@dataclass(frozen=True)
class Cube:
    """A cube around a place.

    Attributes:
        box: Slices of the volume that the cube covers, clipped at the volume's ends.
        grid: The same content at 1 mm, float32 HU.
        centre_mm: Of the place, from the first voxel of the grid.
    """

    box: tuple[slice, slice, slice]
    grid: Grid
    centre_mm: tuple[float, float, float]
    native_shape: tuple[int, int, int]

    @classmethod
    def cut(
        cls, volume: NDArray[np.int16], spacing_mm: tuple[float, float, float], place: tuple[int, int, int]
    ) -> "Cube":
        """Cut a cube of 32 mm, clipped at the volume's ends, and resample it linearly to about 1 mm.

        No voxel whose centre lies further than 16 mm from the place along any axis is covered; at slice distances
        beyond 16 mm the cube is one slice.

        Args:
            volume: (slices, rows, cols) int16 HU.
            spacing_mm: Of slices, rows, columns, > 0.
            place: Voxel indices of the centre, inside the volume.
        """
        z, y, x = box_around(volume.shape, spacing_mm, Site(*place), EDGE_MM / 2)
        native = volume[z, y, x].astype(np.float32)
        shape = [round((n - 1) * step) + 1 for n, step in zip(native.shape, spacing_mm, strict=True)]
        grid = _resampled(
            native, [max(length, 2) if n > 1 else 1 for length, n in zip(shape, native.shape, strict=True)]
        )
        centre = [
            (c - low) * (g - 1) / max(n - 1, 1)
            for c, low, g, n in zip(place, (z.start, y.start, x.start), grid.shape, native.shape, strict=True)
        ]
        return cls((z, y, x), grid, (centre[0], centre[1], centre[2]), native.shape)

    @cached_property
    def offsets_mm(self) -> tuple[Grid, Grid, Grid]:
        """Open grids of z, y, x distance to the place, mm."""
        axes = [(np.arange(n) - c).astype(np.float32) for n, c in zip(self.grid.shape, self.centre_mm, strict=True)]
        z, y, x = axes
        return z[:, None, None], y[None, :, None], x[None, None, :]

    @cached_property
    def inner(self) -> Grid:
        """1 inside the inner 20 mm, falling to 0 over 2 mm."""
        reach = np.max(np.stack(np.broadcast_arrays(*(np.abs(axis) for axis in self.offsets_mm))), axis=0)
        ramp: Grid = np.clip((INNER_MM / 2 - reach) / _BLEND_MM + 0.5, 0, 1).astype(np.float32)
        return ramp

    @cached_property
    def wall(self) -> Grid:
        """Share of each voxel that belongs to thick tissue reaching the cube's faces; vessels and nodules do not."""
        from scipy import ndimage

        solid = self.grid > PARENCHYMA_BELOW_HU
        core = ndimage.binary_erosion(solid, iterations=_WALL_RADIUS_MM, border_value=1)
        regions, _ = ndimage.label(core)
        faces = np.zeros(solid.shape, bool)
        for axis in range(3):
            np.moveaxis(faces, axis, 0)[[0, -1]] = self.grid.shape[axis] > 1
        kept = np.isin(regions, np.setdiff1d(regions[faces], 0))
        kept = ndimage.binary_dilation(kept, iterations=_WALL_RADIUS_MM + 1) & solid
        smooth: Grid = ndimage.gaussian_filter(kept.astype(np.float32), 0.6)
        return smooth

    def refilled(self, content: Grid) -> Grid:
        """The grid with its inner part replaced by `content`, blended at the border."""
        mixed: Grid = self.grid * (1 - self.inner) + content * self.inner
        return mixed

    def back(self, grid: Grid) -> Grid:
        """Resample a 1 mm grid to the voxels that the cube covers in the volume."""
        return _resampled(grid, self.native_shape)

    def paste(self, volume: Volume, grid: Grid, rng: Generator) -> Volume:
        """A copy of the volume with this 1 mm grid in the cube's place.

        It is resampled back, clipped as the CT-GAN tool does (-1000..2000 HU), and the noise that resampling took away
        is touched up.

        Args:
            volume: That the cube was cut from.
            grid: HU at 1 mm, shape of the cube's own.
            rng: Draws the noise.
        """
        original = volume[self.box].astype(np.float32)
        back = self.back(grid)
        missing = np.sqrt(max(local_noise(original) ** 2 - local_noise(back) ** 2, 0.0))
        touched = back + rng.standard_normal(back.shape, dtype=np.float32) * missing
        result = volume.copy()
        result[self.box] = np.rint(np.clip(touched, _DARKEST_HU, _BRIGHTEST_HU)).astype(np.int16)
        return result


def _resampled(grid: Grid, shape: Sequence[int]) -> Grid:
    """Linear interpolation to another shape; the first and last voxels of each axis keep their places."""
    from scipy.ndimage import zoom

    factors = [wanted / length for wanted, length in zip(shape, grid.shape, strict=True)]
    resampled: Grid = zoom(grid, factors, order=1, mode="nearest", grid_mode=False)
    return resampled
