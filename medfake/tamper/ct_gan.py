"""The manipulations of CT-GAN: a nodule put in, a nodule taken out; and its resampling alone."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.tamper.cube import PARENCHYMA_BELOW_HU, Cube
from medfake.tamper.nodule import NODULE_HU, nodule_profile
from medfake.tamper.noise import correlated
from medfake.tamper.registry import Family, manipulation
from medfake.tamper.site import Site, Spacing, Volume
from medfake.vocabulary import LabelCode

Field = NDArray[np.float32]


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
    return cube.paste(volume, tissue * (1 - nodule) + solid * nodule, rng)


@manipulation("removal", code=LabelCode.FB, family=Family.CUBE)
def removal(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Take a nodule away and leave lung, in the manner of CT-GAN (Mirsky et al. 2019).

    Arguments and result are those of `injection`.
    """
    cube = Cube.cut(volume, spacing_mm, (place.z, place.y, place.x))
    return cube.paste(volume, cube.refilled(_lung_for_inside(cube, rng)), rng)


@manipulation("resampled", code=LabelCode.FB, family=Family.CUBE)
def resampled(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Resample a cube to 1 mm and back, and touch up its noise; its content stays.

    It is the trace of CT-GAN without its nodule. Nothing is put in, so that it counts as FB, as all do that change no
    content: a detector that knows nodules alone must not find it. Arguments and result are those of `injection`.
    """
    cube = Cube.cut(volume, spacing_mm, (place.z, place.y, place.x))
    return cube.paste(volume, cube.grid, rng)


def _lung_for_inside(cube: Cube, rng: Generator) -> Field:
    """What the inner part is refilled with: lung made from its surroundings; chest wall and mediastinum stay."""
    lung = _smooth_background(cube) + _lung_texture(cube, rng)
    content: Field = lung * (1 - cube.wall) + cube.grid * cube.wall
    return content


def _smooth_background(cube: Cube) -> Field:
    """Lung around the inner cube, spread smoothly into it; solid voxels do not spread."""
    from scipy.ndimage import gaussian_filter

    outside = (cube.inner < 0.5) & (cube.grid < PARENCHYMA_BELOW_HU)
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
