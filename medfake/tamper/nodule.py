"""The shape of a nodule, and how dense one is."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.tamper.noise import correlated

Field = NDArray[np.float32]

NODULE_HU = (-60.0, 60.0)
NODULE_RADIUS_MM = (3.5, 7.5)


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
    rough = sum(size * correlated(rng, distance.shape, [length / step for step in steps])
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
