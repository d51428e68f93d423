"""One axial plane: pixel coordinates, and distances to simple shapes in it.

Coordinates are mm: x to the patient's left (image right), y to the back (image down), from the middle of the field of
view. A shape is a signed distance, negative inside; its soft edge is one pixel wide.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.floating[Any]]
Box = tuple[slice, slice]  # rows and columns of a part of an image


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

    def around(self, x: float, y: float, reach_x: float, reach_y: float) -> tuple["Plane", Box]:
        """The part of the plane within a reach of a point, mm, and the pixels that it covers."""
        rows, cols = (
            slice(*np.searchsorted(axis, [middle - reach, middle + reach]).tolist())
            for axis, middle, reach in ((self.y[:, 0], y, reach_y), (self.x[0], x, reach_x))
        )
        part = Plane(self.x[:, cols], self.y[rows], self.angle[rows, cols], self.pixel_mm)
        return part, (rows, cols)

    def around_ellipse(self, x: float, y: float, half_x: float, half_y: float) -> tuple["Plane", Box]:
        """The part of the plane that an ellipse can reach, however it is turned, its soft edge included."""
        reach = max(half_x, half_y) * (1 + self.pixel_mm / min(half_x, half_y)) + self.pixel_mm
        return self.around(x, y, reach, reach)

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


def lay_ellipse(
    image: Image, hu: float | Image, plane: Plane, x: float, y: float, half_x: float, half_y: float, turn: float = 0.0
) -> None:
    """Lay a tissue over the inside of an ellipse, in place; only pixels that it can reach are looked at."""
    part, box = plane.around_ellipse(x, y, half_x, half_y)
    share = part.inside(part.ellipse(x, y, half_x, half_y, turn))
    lay(image[box], hu[box] if isinstance(hu, np.ndarray) else hu, share)
