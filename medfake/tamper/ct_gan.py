"""The manipulations of CT-GAN: a nodule put in, a nodule taken out; and its resampling alone."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.tamper.cube import Cube
from medfake.tamper.nodule import NODULE_HU, nodule_profile
from medfake.tamper.noise import correlated, local_noise
from medfake.tamper.registry import Family, manipulation
from medfake.tamper.site import Site, Spacing, Volume
from medfake.vocabulary import LabelCode

Field = NDArray[np.float32]

_PARENCHYMA_BELOW_HU = -500.0  # lower than where lung ends: voxels that a wall shares are no texture to copy
_WALL_RADIUS_MM = 3


@manipulation("injection", code=LabelCode.FM, family=Family.CUBE)
def injection(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Put a solid nodule where there was none, in the manner of CT-GAN (Mirsky et al. 2019).

    A 32 mm cube is resampled to 1 mm and back, its inner 20 mm are refilled, and noise is touched up over the cube.
    Chest wall and mediastinum inside the inner part stay.

    Args:
        volume: (slices, rows, cols) int16 Hounsfield units.
        spacing_mm: Of slices, rows, columns.
        place: Centre of the nodule.
        rng: All chance comes from here.

    Returns:
        A copy; voxels outside the cube are unchanged.
    """
    cube = Cube.cut(volume, spacing_mm, (place.z, place.y, place.x))
    tissue = cube.refilled(_lung_for_inside(cube, rng))
    nodule = nodule_profile(cube.offsets_mm, rng) * (cube.inner > 0)
    solid = rng.uniform(*NODULE_HU) + correlated(rng, cube.grid.shape, 1.2) * 18.0
    return _paste(volume, cube, tissue * (1 - nodule) + solid * nodule, rng)


@manipulation("removal", code=LabelCode.FB, family=Family.CUBE)
def removal(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Take a nodule away and leave lung, in the manner of CT-GAN (Mirsky et al. 2019).

    Arguments and result are those of `injection`.
    """
    cube = Cube.cut(volume, spacing_mm, (place.z, place.y, place.x))
    return _paste(volume, cube, cube.refilled(_lung_for_inside(cube, rng)), rng)


@manipulation("resampled", code=LabelCode.FB, family=Family.CUBE)
def resampled(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Resample a cube to 1 mm and back, and touch up its noise; its content stays.

    It is the trace of CT-GAN without its nodule. Nothing is put in, so that it counts as FB, as all do that change no
    content: a detector that knows nodules alone must not find it. Arguments and result are those of `injection`.
    """
    cube = Cube.cut(volume, spacing_mm, (place.z, place.y, place.x))
    return _paste(volume, cube, cube.grid, rng)


def _lung_for_inside(cube: Cube, rng: Generator) -> Field:
    """What the inner part is refilled with: lung made from its surroundings; chest wall and mediastinum stay."""
    wall = _wall(cube)
    lung = _smooth_background(cube) + _lung_texture(cube, rng)
    content: Field = lung * (1 - wall) + cube.grid * wall
    return content


def _wall(cube: Cube) -> Field:
    """Share of each voxel that belongs to thick tissue reaching the cube's faces; vessels and nodules do not."""
    from scipy import ndimage

    solid = cube.grid > _PARENCHYMA_BELOW_HU
    core = ndimage.binary_erosion(solid, iterations=_WALL_RADIUS_MM, border_value=1)
    regions, _ = ndimage.label(core)
    faces = np.zeros(solid.shape, bool)
    for axis in range(3):
        np.moveaxis(faces, axis, 0)[[0, -1]] = cube.grid.shape[axis] > 1
    kept = np.isin(regions, np.setdiff1d(regions[faces], 0))
    kept = ndimage.binary_dilation(kept, iterations=_WALL_RADIUS_MM + 1) & solid
    smooth: Field = ndimage.gaussian_filter(kept.astype(np.float32), 0.6)
    return smooth


def _smooth_background(cube: Cube) -> Field:
    """Lung around the inner cube, spread smoothly into it; solid voxels do not spread."""
    from scipy.ndimage import gaussian_filter

    outside = (cube.inner < 0.5) & (cube.grid < _PARENCHYMA_BELOW_HU)
    if not outside.any():
        outside = cube.inner < 0.5
    weight = gaussian_filter(outside.astype(np.float32), 5.0, mode="nearest")
    spread = gaussian_filter(np.where(outside, cube.grid, 0).astype(np.float32), 5.0, mode="nearest")
    mean = float(cube.grid[outside].mean())
    smooth: Field = np.where(weight > 1e-3, spread / np.maximum(weight, 1e-3), mean)
    return smooth


def _lung_texture(cube: Cube, rng: Generator) -> Field:
    """Faint correlated structure, HU, as lung parenchyma has at 1 mm."""
    return correlated(rng, cube.grid.shape, 1.6) * 30.0


def _paste(volume: Volume, cube: Cube, grid: Field, rng: Generator) -> Volume:
    """Resample back, clip as the CT-GAN tool does (-1000..2000 HU), touch up the noise that resampling took away."""
    original = volume[cube.box].astype(np.float32)
    back = cube.back(grid)
    missing = np.sqrt(max(local_noise(original) ** 2 - local_noise(back) ** 2, 0.0))
    touched = back + rng.standard_normal(back.shape, dtype=np.float32) * missing
    result = volume.copy()
    result[cube.box] = np.rint(np.clip(touched, -1000, 2000)).astype(np.int16)
    return result
