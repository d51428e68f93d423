"""A patient's chest as shapes: body, lungs, heart, spine, ribs, airways, vessels, table.

Coordinates are mm: x to the patient's left (image right), y to the back (image down), z to the head, all from the
middle of the field of view and of the stack. Each shape is a signed distance, negative inside; its soft edge is one
pixel wide.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Image = NDArray[np.floating[Any]]

AIR, FAT, MUSCLE, BLOOD, MARROW, CORTEX, TABLE, FOAM = -1000.0, -105.0, 48.0, 40.0, 190.0, 720.0, -150.0, -930.0


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

    def ellipse(self, x: float, y: float, half_x: float, half_y: float) -> Image:
        """Distance to an ellipse, mm, exact on its border only."""
        radius = np.sqrt(((self.x - x) / half_x) ** 2 + ((self.y - y) / half_y) ** 2)
        distance: Image = (radius - 1) * min(half_x, half_y)
        return distance

    def inside(self, distance: Image) -> Image:
        """Share of each pixel that lies inside."""
        share: Image = np.clip(0.5 - distance / self.pixel_mm, 0, 1)
        return share


@dataclass(frozen=True)
class Anatomy:
    """The numbers that make one patient; lengths in mm."""

    body: tuple[float, float]
    lobes: tuple[float, float, float]
    wall_mm: float
    fat_mm: float
    heart: tuple[float, float, float, float]
    spine_y: float
    rib_phase: float
    rib_slope: float
    lung_hu: float
    tilt: float
    table_y: float

    @classmethod
    def draw(cls, rng: Generator) -> "Anatomy":
        """A patient by chance."""
        half_x, half_y = rng.uniform(158, 180), rng.uniform(112, 130)
        return cls(
            body=(half_x, half_y),
            lobes=(rng.uniform(-0.02, 0.02), rng.uniform(0.01, 0.035), rng.uniform(0, 2 * np.pi)),
            wall_mm=rng.uniform(24, 30),
            fat_mm=rng.uniform(6, 16),
            heart=(rng.uniform(18, 30), rng.uniform(-28, -18), rng.uniform(46, 58), rng.uniform(38, 46)),
            spine_y=half_y - rng.uniform(50, 56),
            rib_phase=rng.uniform(0, 28),
            rib_slope=rng.uniform(60, 80),
            lung_hu=rng.uniform(-880, -830),
            tilt=rng.uniform(-0.05, 0.05),
            table_y=half_y + rng.uniform(5, 9),
        )

    def cavity(self, plane: Plane, z: float) -> Image:
        """Distance to the inner chest wall; the cavity narrows towards the head."""
        half_x, half_y = self.body
        narrow = 1.0 - 0.0016 * max(z, 0.0)
        return plane.ellipse(0, -2, (half_x - self.wall_mm - self.fat_mm) * narrow, (half_y - self.wall_mm) * narrow)

    def lungs(self, plane: Plane, z: float) -> Image:
        """Distance to both lungs: the cavity without mediastinum, heart and spine."""
        half_width = 26 + 0.10 * np.abs(plane.y + 5) + 8 * np.exp(-(((plane.y - self.spine_y) / 30) ** 2))
        middle = half_width - np.abs(plane.x - 3)
        distance = np.maximum(self.cavity(plane, z) + 3.0, middle)
        distance = np.maximum(distance, -self.heart_wall(plane, z))
        distance = np.maximum(distance, -plane.ellipse(0, self.spine_y + 6, 34, 34))
        half_x, half_y = self.body
        each = plane.ellipse(0.47 * half_x, 0, 0.46 * half_x, 0.86 * half_y)
        other = plane.ellipse(-0.47 * half_x, 0, 0.46 * half_x, 0.86 * half_y)
        rounded: Image = np.maximum(distance, np.minimum(each, other))
        return rounded

    def heart_wall(self, plane: Plane, z: float) -> Image:
        """Distance to the heart, which widens towards the feet and ends above the aortic arch."""
        x, y, half_x, half_y = self.heart
        size = float(np.clip(1.0 - (z + 10) / 75, 0.25, 1.12))
        bulge = 5 * np.cos(2 * plane.angle + 0.6) + 3 * np.cos(3 * plane.angle)
        wall: Image = plane.ellipse(x * size, y, half_x * size, half_y * size) - bulge
        return wall

    def paint(self, plane: Plane, z: float, variation: Image) -> tuple[Image, Image]:
        """Paint one slice without vessels, nodules and noise.

        Args:
            plane: Pixel coordinates.
            z: Height, mm.
            variation: Slow random field of about unit deviation, for lung and soft tissue.

        Returns:
            Hounsfield units, and the share of lung in each pixel.
        """
        image = np.full((plane.y.shape[0], plane.x.shape[1]), AIR, np.float32)
        self._table(plane, image)
        lobes = 1 + self.lobes[0] * np.cos(2 * plane.angle) + self.lobes[1] * np.cos(3 * plane.angle + self.lobes[2])
        skin = plane.ellipse(0, 0, *self.body) - (lobes - 1) * 60
        _over(image, FAT + 6 * variation, plane.inside(skin))
        cavity = self.cavity(plane, z)
        muscle = np.minimum(cavity - self.wall_mm + 10, skin + self.fat_mm)
        patches = np.maximum(muscle, skin + self.fat_mm * 0.8)
        _over(image, MUSCLE + 8 * variation, plane.inside(patches))
        _over(image, FAT + 25 + 12 * variation, plane.inside(cavity))
        self._wall(plane, image, z, cavity)
        lung = plane.inside(self.lungs(plane, z))
        parenchyma = self.lung_hu + 22 * variation + 0.35 * (plane.y + 20)
        self._mediastinum(plane, image, z)
        _over(image, parenchyma, lung)
        return image, lung

    def _table(self, plane: Plane, image: Image) -> None:
        surface = plane.y - self.table_y + 0.0009 * plane.x**2 * 0.6
        wide = np.abs(plane.x) - 190
        _over(image, FOAM, plane.inside(np.maximum(np.abs(surface - 14) - 12, wide)))
        for depth in (2.0, 27.0):
            _over(image, TABLE, plane.inside(np.maximum(np.abs(surface - depth) - 1.2, wide)))

    def _wall(self, plane: Plane, image: Image, z: float, cavity: Image) -> None:
        """Ribs run obliquely, so that a slice cuts each at another angle; then sternum."""
        height = z + self.rib_slope * (1 + np.sin(plane.angle))  # a rib falls from the spine to the sternum
        phase = np.abs((height + self.rib_phase) % 28 - 14)
        depth = np.abs(cavity - 6.5)
        front = np.clip((-plane.y - 40) / 30, 0, 1)  # rib cartilage in front is softer
        for grow, bone in ((0.0, CORTEX), (-1.8, MARROW)):
            rib = np.maximum(phase - 6.2 - grow, depth - 4.4 - grow)
            _over(image, bone * (1 - 0.75 * front), plane.inside(rib) * (plane.y < self.spine_y + 12))
        sternum_y = -(self.body[1] - self.wall_mm) - 2
        for grow, bone in ((0.0, CORTEX * 0.6), (-1.8, MARROW * 0.7)):
            _over(image, bone, plane.inside(plane.ellipse(0, sternum_y, 17 + grow, 6 + grow)))

    def _mediastinum(self, plane: Plane, image: Image, z: float) -> None:
        _over(image, BLOOD + 4, plane.inside(self.heart_wall(plane, z)))
        _over(image, BLOOD, plane.inside(plane.ellipse(19, self.spine_y - 20, 12.5, 12.5)))
        if z > -8:
            for x, y, radius in ((-16, -30, 14.0), (14, -26, 13.0), (-20, -12, 9.0)):
                _over(image, BLOOD, plane.inside(plane.ellipse(x, y, radius, radius)))
        self._airway(plane, image, z)
        self._vertebra(plane, image, z)

    def _airway(self, plane: Plane, image: Image, z: float) -> None:
        apart = float(np.clip(8 - z, 0, 60)) * 0.75
        radius = 8.5 if apart == 0 else float(np.clip(7.2 - 0.05 * apart, 4.0, 7.0))
        for side in (-1, 1):
            centre = (side * apart + 1, 6 + 0.25 * apart)
            _over(image, MUSCLE, plane.inside(plane.ellipse(*centre, radius + 1.6, radius + 1.6)))
            _over(image, AIR + 5, plane.inside(plane.ellipse(*centre, radius, radius)))

    def _vertebra(self, plane: Plane, image: Image, z: float) -> None:
        y = self.spine_y
        disc = abs((z + self.rib_phase) % 26 - 13) > 10.5
        for grow, bone in ((0.0, CORTEX * 0.75), (-2.0, MARROW)):
            hu = 90.0 if disc else bone
            _over(image, hu, plane.inside(plane.ellipse(0, y, 19 + grow, 15.5 + grow)))
            arch = np.minimum(
                plane.ellipse(0, y + 34, 5 + grow, 17 + grow), plane.ellipse(0, y + 21, 30 + grow, 6 + grow)
            )
            _over(image, bone * 0.85, plane.inside(arch))
        _over(image, 28.0, plane.inside(plane.ellipse(0, y + 22, 9.5, 8.5)))
        for side in (-1, 1):
            _over(image, MUSCLE + 4, plane.inside(plane.ellipse(side * 27, y + 36, 19, 11)))


def _over(image: Image, hu: float | NDArray[np.floating[Any]], share: Image) -> None:
    """Lay a tissue over what was painted before, in place."""
    image += share * (hu - image)
