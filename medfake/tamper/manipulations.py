"""The manipulations of CT-GAN: a nodule put in, a nodule taken out."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.tamper.cube import Cube, local_noise
from medfake.tamper.registry import manipulation
from medfake.tamper.site import Site, Spacing, Volume
from medfake.vocabulary import LabelCode

Field = NDArray[np.float32]

_PARENCHYMA_BELOW_HU = -500.0  # lower than where lung ends: voxels that a wall shares are no texture to copy
NODULE_HU = (-60.0, 60.0)
NODULE_RADIUS_MM = (3.5, 7.5)
_WALL_RADIUS_MM = 3


@manipulation("injection", code=LabelCode.FM)
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
    solid = rng.uniform(*NODULE_HU) + _correlated(rng, cube.grid.shape, 1.2) * 18.0
    return _paste(volume, cube, tissue * (1 - nodule) + solid * nodule, rng)


@manipulation("removal", code=LabelCode.FB)
def removal(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Take a nodule away and leave lung, in the manner of CT-GAN (Mirsky et al. 2019).

    Arguments and result are those of `injection`.
    """
    cube = Cube.cut(volume, spacing_mm, (place.z, place.y, place.x))
    return _paste(volume, cube, cube.refilled(_lung_for_inside(cube, rng)), rng)


def nodule_profile(offsets_mm: tuple[Field, Field, Field], rng: Generator) -> Field:
    """Share of nodule in each voxel: a lobed ball with a soft, rough edge and tapering spicules.

    Args:
        offsets_mm: Open grids of z, y, x distance to the nodule's centre.
        rng: Draws radius, shape and spicules.

    Returns:
        float32 in 0..1, the shape that the open grids span; nothing lies further than 14 mm from the centre.
    """
    z, y, x = offsets_mm
    steps = [float(np.ptp(axis)) / max(axis.size - 1, 1) or 1.0 for axis in offsets_mm]
    radius = rng.uniform(*NODULE_RADIUS_MM)
    stretch = rng.uniform(0.8, 1.15, size=3)
    distance = np.sqrt((z / stretch[0]) ** 2 + (y / stretch[1]) ** 2 + (x / stretch[2]) ** 2)
    rough = sum(size * _correlated(rng, distance.shape, [length / step for step in steps])
                for size, length in ((0.16 * radius, 0.6 * radius), (0.45, 1.2)))  # fmt: skip
    depth = np.minimum(radius - distance + rough, 9.5 - distance)
    for direction in _directions(rng, int(rng.integers(5, 12))):
        along = z * direction[0] + y * direction[1] + x * direction[2]
        aside = np.sqrt(np.maximum(z**2 + y**2 + x**2 - along**2, 0))
        reach = min(radius + rng.uniform(1.5, 5.0), 9.5)
        width = rng.uniform(0.6, 1.3) * np.clip((reach - along) / (reach - 0.7 * radius), 0, 1)
        depth = np.maximum(depth, np.where((along > 0) & (along < reach), width - aside, -9.0))
    profile: Field = (1 / (1 + np.exp(np.clip(-depth / 0.45, -30, 30)))).astype(np.float32)
    return np.where(profile > 0.02, profile, np.float32(0))


def _directions(rng: Generator, count: int) -> NDArray[np.float64]:
    drawn = rng.normal(size=(count, 3))
    unit: NDArray[np.float64] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


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
    return _correlated(rng, cube.grid.shape, 1.6) * 30.0


def _correlated(rng: Generator, shape: tuple[int, ...], sigma: float | list[float]) -> Field:
    """Gaussian noise of unit deviation with a correlation length of `sigma` voxels (one number, or one an axis)."""
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigma, mode="wrap")
    unit: Field = field / field.std()
    return unit


def _paste(volume: Volume, cube: Cube, grid: Field, rng: Generator) -> Volume:
    """Resample back, clip as the CT-GAN tool does (-1000..2000 HU), touch up the noise that resampling took away."""
    original = volume[cube.box].astype(np.float32)
    back = cube.back(grid)
    missing = np.sqrt(max(local_noise(original) ** 2 - local_noise(back) ** 2, 0.0))
    touched = back + rng.standard_normal(back.shape, dtype=np.float32) * missing
    result = volume.copy()
    result[cube.box] = np.rint(np.clip(touched, -1000, 2000)).astype(np.int16)
    return result
