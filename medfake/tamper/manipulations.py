"""Manipulations by name; one decorated function adds one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.tamper.cube import Cube, local_noise

Volume = NDArray[np.int16]
Spacing = tuple[float, float, float]

LUNG_BELOW_HU = -500.0
NODULE_HU = (-60.0, 60.0)
NODULE_RADIUS_MM = (3.5, 7.5)


@dataclass(frozen=True)
class Place:
    """Voxel indices of a site in a volume (slices, rows, cols)."""

    z: int
    y: int
    x: int


class Apply(Protocol):
    """Signature of a manipulation."""

    def __call__(self, volume: Volume, spacing_mm: Spacing, place: Place, rng: Generator) -> Volume:
        """Return a manipulated copy."""


@dataclass(frozen=True)
class Manipulation:
    """A manipulation and the words for it.

    Attributes:
        code: Type in label files, "FM" (fake cancer injected) or "FB" (real cancer removed).
        word: Value of the manifest's `manipulation` column.
    """

    name: str
    code: str
    word: str
    apply: Apply


MANIPULATIONS: dict[str, Manipulation] = {}  # name -> manipulation


def manipulation(name: str, *, code: str, word: str) -> Callable[[Apply], Apply]:
    """Register a function as a manipulation."""

    def register(function: Apply) -> Apply:
        MANIPULATIONS[name] = Manipulation(name, code, word, function)
        return function

    return register


@manipulation("injection", code="FM", word="injected")
def injection(volume: Volume, spacing_mm: Spacing, place: Place, rng: Generator) -> Volume:
    """Put a solid nodule where there was none, in the manner of CT-GAN (Mirsky et al. 2019).

    A 32 mm cube is resampled to 1 mm and back, its inner 20 mm are refilled, and noise is touched up over the cube.

    Args:
        volume: (slices, rows, cols) int16 Hounsfield units.
        spacing_mm: Of slices, rows, columns.
        place: Centre of the nodule.
        rng: All chance comes from here.

    Returns:
        A copy; voxels outside the cube are unchanged.
    """
    cube = Cube.cut(volume, spacing_mm, (place.z, place.y, place.x))
    tissue = cube.refilled(_smooth_background(cube) + _lung_texture(cube, rng))
    nodule = _nodule_profile(cube, rng)
    solid = rng.uniform(*NODULE_HU) + _correlated(rng, cube.grid.shape, 1.2) * 18.0
    return _paste(volume, cube, tissue * (1 - nodule) + solid * nodule, rng)


@manipulation("removal", code="FB", word="removed")
def removal(volume: Volume, spacing_mm: Spacing, place: Place, rng: Generator) -> Volume:
    """Take a nodule away and leave lung, in the manner of CT-GAN (Mirsky et al. 2019).

    Arguments and result are those of `injection`.
    """
    cube = Cube.cut(volume, spacing_mm, (place.z, place.y, place.x))
    filled = cube.refilled(_smooth_background(cube) + _lung_texture(cube, rng))
    return _paste(volume, cube, filled, rng)


def _smooth_background(cube: Cube) -> NDArray[np.float32]:
    """Lung around the inner cube, spread smoothly into it; solid voxels do not spread."""
    from scipy.ndimage import gaussian_filter

    outside = (cube.inner < 0.5) & (cube.grid < LUNG_BELOW_HU)
    if not outside.any():
        outside = cube.inner < 0.5
    weight = gaussian_filter(outside.astype(np.float32), 5.0, mode="nearest")
    spread = gaussian_filter(np.where(outside, cube.grid, 0).astype(np.float32), 5.0, mode="nearest")
    mean = float(cube.grid[outside].mean())
    smooth: NDArray[np.float32] = np.where(weight > 1e-3, spread / np.maximum(weight, 1e-3), mean)
    return smooth


def _lung_texture(cube: Cube, rng: Generator) -> NDArray[np.float32]:
    """Faint correlated structure, HU, as lung parenchyma has at 1 mm."""
    return _correlated(rng, cube.grid.shape, 1.6) * 30.0


def _nodule_profile(cube: Cube, rng: Generator) -> NDArray[np.float32]:
    """Share of nodule in each voxel of the 1 mm grid: a lobed ball with a soft edge."""
    z, y, x = cube.offsets_mm
    radius = rng.uniform(*NODULE_RADIUS_MM)
    stretch = rng.uniform(0.85, 1.2, size=3)
    distance = np.sqrt((z / stretch[0]) ** 2 + (y / stretch[1]) ** 2 + (x / stretch[2]) ** 2)
    lobes = _correlated(rng, cube.grid.shape, 3.0) * 0.9 + _correlated(rng, cube.grid.shape, 1.5) * 0.5
    profile: NDArray[np.float32] = 1 / (1 + np.exp((distance - radius + lobes) / 0.45)) * (cube.inner > 0)
    return profile


def _correlated(rng: Generator, shape: tuple[int, ...], sigma: float) -> NDArray[np.float32]:
    """Gaussian noise of unit deviation with a correlation length of `sigma` voxels."""
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigma, mode="wrap")
    unit: NDArray[np.float32] = field / field.std()
    return unit


def _paste(volume: Volume, cube: Cube, grid: NDArray[np.float32], rng: Generator) -> Volume:
    """Resample back, clip as the CT-GAN tool does (-1000..2000 HU), touch up the noise that resampling took away."""
    original = volume[cube.box].astype(np.float32)
    back = cube.back(grid)
    missing = np.sqrt(max(local_noise(original) ** 2 - local_noise(back) ** 2, 0.0))
    touched = back + rng.standard_normal(back.shape, dtype=np.float32) * missing
    result = volume.copy()
    result[cube.box] = np.rint(np.clip(touched, -1000, 2000)).astype(np.int16)
    return result
