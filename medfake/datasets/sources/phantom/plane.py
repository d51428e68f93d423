"""One axial plane: pixel coordinates, and distances to simple shapes in it.

Coordinates are mm: x to the patient's left (image right), y to the back (image down), from the middle of the field of
view. A shape is a signed distance, negative inside; its soft edge is one pixel wide.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Plane:
    """Pixel coordinates of one axial plane."""

    x: Image
    y: Image
    angle: Image
    pixel_mm: float

    @classmethod
    def of(cls, size: int, pixel_mm: float) -> "Plane":
        """Open grids with the origin in the middle of `size` x `size` pixels."""
        axis = np.linspace(-1, 1, size, dtype=np.float32) * np.float32((size - 1) / 2 * pixel_mm)
        angle = np.arctan2(axis[:, None], axis[None, :])
        return cls(axis[None, :], axis[:, None], angle.astype(np.float32), pixel_mm)

    def ellipse(self, x: float, y: float, half_x: float, half_y: float, turn: float = 0.0) -> Image:
        """Distance to an ellipse, mm, exact on its border only.

        Args:
            x: Centre.
            y: Centre.
            half_x: Half axis.
            half_y: Half axis.
            turn: Radians by which it is turned, from x towards y.
        """
        along, across = self.x - x, self.y - y
        if turn:
            cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
            along, across = along * cos + across * sin, across * cos - along * sin
        radius = np.sqrt((along / np.float32(half_x)) ** 2 + (across / np.float32(half_y)) ** 2)
        distance: Image = (radius - 1) * np.float32(min(half_x, half_y))
        return distance

    def inside(self, distance: Image) -> Image:
        """Share of each pixel that lies inside."""
        share: Image = np.clip(np.float32(0.5) - distance / np.float32(self.pixel_mm), 0, 1)
        return share


def joined(first: Image, second: Image, round_mm: float) -> Image:
    """Distance to two shapes together, the notch between them filled to a radius."""
    overlap = np.maximum(np.float32(round_mm) - np.abs(first - second), 0)
    both: Image = np.minimum(first, second) - overlap**2 / np.float32(4 * round_mm)
    return both


def lay(image: Image, hu: float | Image, share: Image) -> None:
    """Lay a tissue over what was painted before, in place."""
    image += share * (hu - image)
