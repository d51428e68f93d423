"""Branching vessels of a lung, drawn as tapering capsules."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

_SMALLEST_MM = 0.35
_LEVELS = 11
_ROOTS = 20
_BEYOND_MM = 12.0  # vessels that leave the stack by more do not come back


@dataclass(frozen=True)
class Segment:
    """A piece of a vessel; points are (z, y, x) in mm, radii in mm."""

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    radius_start: float
    radius_end: float


def grow_tree(rng: Generator, root: NDArray[np.float64], side: int, height_mm: float) -> list[Segment]:
    """Grow a tree from the hilum outward.

    Args:
        rng: All chance comes from here.
        root: (z, y, x) of the hilum, mm.
        side: -1 for the lung at negative x, +1 for the other.
        height_mm: Of the stack; branches that leave it are not followed.
    """
    segments: list[Segment] = []
    for _ in range(_ROOTS):
        direction = np.array([rng.uniform(-0.7, 0.7), rng.uniform(-1.0, 1.0), side * rng.uniform(0.2, 1.0)])
        _branch(rng, segments, root, direction / np.linalg.norm(direction), rng.uniform(1.8, 3.6), 0, height_mm)
    return segments


def draw(volume: NDArray[np.float32], segments: list[Segment], spacing_mm: tuple[float, float, float]) -> None:
    """Draw the share of vessel in each voxel, in place, the largest winning.

    Args:
        volume: (slices, rows, cols) float32, 0..1.
        segments: Points in mm from the first voxel.
        spacing_mm: Of slices, rows, columns.
    """
    spacing = np.array(spacing_mm)
    for segment in segments:
        reach = max(segment.radius_start, segment.radius_end) + spacing[1]
        low = np.floor((np.minimum(segment.start, segment.end) - reach) / spacing).astype(int)
        high = np.ceil((np.maximum(segment.start, segment.end) + reach) / spacing).astype(int) + 1
        low, high = np.maximum(low, 0), np.minimum(high, volume.shape)
        if (low >= high).any():
            continue
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        axes = [np.arange(a, b) * step for a, b, step in zip(low, high, spacing, strict=True)]
        share = _share(axes, segment, spacing)
        volume[box] = np.maximum(volume[box], share)


def _branch(
    rng: Generator,
    segments: list[Segment],
    start: NDArray[np.float64],
    direction: NDArray[np.float64],
    radius: float,
    level: int,
    height_mm: float,
) -> None:
    length = rng.uniform(10, 21) * (0.94**level)
    end = start + direction * length
    thinner = radius * rng.uniform(0.8, 0.92)
    segments.append(Segment(start, end, radius, thinner))
    left = not -_BEYOND_MM < end[0] < height_mm + _BEYOND_MM
    if level >= _LEVELS or thinner < _SMALLEST_MM or left:
        return
    for share in ((0.93, 0.35), (0.72, 0.9)) if rng.random() < 0.85 else ((0.98, 0.3),):
        turned = direction + rng.normal(size=3) * share[1] * 0.75
        _branch(rng, segments, end, turned / np.linalg.norm(turned), thinner * share[0], level + 1, height_mm)


def _share(axes: list[NDArray[np.float64]], segment: Segment, spacing: NDArray[np.float64]) -> NDArray[np.float32]:
    along = segment.end - segment.start
    z, y, x = (axis - start for axis, start in zip(axes, segment.start, strict=True))
    z, y, x = z[:, None, None], y[None, :, None], x[None, None, :]
    part = np.clip((z * along[0] + y * along[1] + x * along[2]) / max(float(along @ along), 1e-6), 0, 1)
    distance = np.sqrt((z - part * along[0]) ** 2 + (y - part * along[1]) ** 2 + (x - part * along[2]) ** 2)
    radius = segment.radius_start + part * (segment.radius_end - segment.radius_start)
    share: NDArray[np.float32] = np.clip((radius - distance) / spacing[1] + 0.5, 0, 1).astype(np.float32)
    return share
