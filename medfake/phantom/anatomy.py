"""A patient's chest as numbers, and where its outlines run: skin, chest wall, mediastinum, lungs.

z is mm to the head from the middle of the stack, about the level of the carina; see `plane` for x and y.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from medfake.phantom.plane import Image, Plane, joined


class Outlines(NamedTuple):
    """Distances to the outlines of one slice, mm, negative inside.

    Attributes:
        cavity: Inner chest wall.
        heart: Two lobes in one.
        liver: Its dome, and the stomach's side.
    """

    skin: Image
    cavity: Image
    heart: Image
    liver: Image
    lungs: Image


@dataclass(frozen=True)
class Anatomy:
    """The numbers that make one patient; lengths in mm, x to the patient's left, y to the back."""

    body: tuple[float, float]
    outline: tuple[float, float, float]
    wall_mm: float
    fat_mm: float
    heart: tuple[float, float, float, float]
    heart_turn: float
    liver_top: float
    spine_y: float
    rib_phase: float
    rib_slope: float
    lung_hu: float
    aorta_mm: float
    fissure: tuple[float, float]
    table_y: float

    @classmethod
    def draw(cls, rng: Generator) -> "Anatomy":
        """A patient by chance."""
        half_x, half_y = rng.uniform(152, 176), rng.uniform(112, 130)
        return cls(
            body=(half_x, half_y),
            outline=(rng.uniform(0.015, 0.035), rng.uniform(0.01, 0.03), rng.uniform(-0.015, 0.015)),
            wall_mm=rng.uniform(23, 28),
            fat_mm=rng.uniform(5, 17),
            heart=(rng.uniform(16, 27), rng.uniform(-26, -16), rng.uniform(48, 60), rng.uniform(36, 44)),
            heart_turn=rng.uniform(0.35, 0.65),
            liver_top=rng.uniform(-52, -38),
            spine_y=half_y - rng.uniform(47, 54),
            rib_phase=rng.uniform(0, 28),
            rib_slope=rng.uniform(62, 82),
            lung_hu=rng.uniform(-885, -825),
            aorta_mm=rng.uniform(10.5, 14),
            fissure=(rng.uniform(-12, 12), rng.uniform(0.5, 0.8)),
            table_y=half_y + rng.uniform(4, 8),
        )

    def outlines(self, plane: Plane, z: float) -> Outlines:
        """All outlines at a height."""
        cavity, heart, liver = self.cavity(plane, z), self.heart_wall(plane, z), self.liver(plane, z)
        return Outlines(self.skin(plane, z), cavity, heart, liver, self.lungs(plane, z, cavity, heart, liver))

    def skin(self, plane: Plane, z: float) -> Image:
        """Distance to the skin: flattened in front and behind, a groove along the spine, wider at the shoulders."""
        half_x, half_y = self.body
        wide = 1 + 0.0011 * max(z, 0.0)
        square, groove, lean = self.outline
        swell = square * np.cos(4 * plane.angle) - groove * np.exp(-((plane.angle - np.float32(np.pi / 2)) ** 2) / 0.02)
        swell = swell - 0.6 * groove * np.exp(-((plane.angle + np.float32(np.pi / 2)) ** 2) / 0.03)
        swell = swell + lean * np.cos(3 * plane.angle)
        outline: Image = plane.ellipse(0, 0, half_x * wide, half_y) + swell * 90
        return outline

    def cavity(self, plane: Plane, z: float) -> Image:
        """Distance to the inner chest wall: kidney-shaped around the spine, narrower towards the head."""
        half_x, half_y = self.body
        narrow = 1.0 - 0.0021 * max(z, 0.0) - 0.00001 * max(z, 0.0) ** 2
        deep = 1.0 - 0.0012 * max(z, 0.0)
        width, depth = half_x - self.wall_mm - self.fat_mm - 4, half_y - self.wall_mm + 1
        return plane.ellipse(0, -4, width * narrow, depth * deep)

    def lungs(self, plane: Plane, z: float, cavity: Image, heart: Image, liver: Image) -> Image:
        """Distance to both lungs: the chest without what lies between them, and without the liver's dome."""
        inner = cavity + np.float32(2.5)
        distance = np.maximum(inner, -self.mediastinum(plane, z, heart))
        distance = np.maximum(distance, -liver)
        half_x, half_y = self.body
        for side in (-1, 1):  # the edges at sternum and spine are round
            tip = plane.ellipse(side * 0.44 * half_x, -2, 0.44 * half_x, 0.8 * half_y)
            distance = np.where(plane.x * side > 0, np.maximum(distance, tip - 3), distance)
        return np.asarray(distance)

    def mediastinum(self, plane: Plane, z: float, heart: Image) -> Image:
        """Distance to what lies between the lungs: heart in its fat, great vessels, spine, thin folds of pleura."""
        folds = np.abs(plane.x - 2) - (7 + 11 * np.exp(-(((plane.y - 2) / 26) ** 2)).astype(np.float32))
        between = joined(folds, heart - 4, 14)
        between = joined(between, plane.ellipse(0, self.spine_y + 8, 27, 30), 12)
        for x, y, radius in self.great_vessels(z):
            between = joined(between, plane.ellipse(x, y, radius + 2, radius + 2), 10)
        return between

    def great_vessels(self, z: float) -> list[tuple[float, float, float]]:
        """(x, y, radius) of aorta, upper vena cava and pulmonary arteries at a height."""
        aorta = self.aorta_mm
        vessels = [(20.0, self.spine_y - 18, aorta)]  # descending aorta
        if z > -18:
            vessels += [(-15.0, -30.0, aorta + 3), (-27.0, -20.0, 8.5)]  # ascending aorta, upper vena cava
        if -22 < z < 8:
            vessels += [(11.0, -31.0, 14.0), (22.0, -14.0, 10.0), (-22.0, -2.0, 9.0)]  # pulmonary trunk and arteries
        if 22 < z < 34:
            vessels += [(12 - 9.0 * step, -22 + 11.0 * step, aorta + 1) for step in (-2, -1, 0, 1)]  # the arch
        if z >= 34:
            vessels = [
                (-17.0, -16.0, 7.0),
                (-4.0, -14.0, 5.5),
                (9.0, -8.0, 5.5),
                (18.0, 0.0, 5.5),
            ]  # branches of the arch
        return vessels

    def heart_wall(self, plane: Plane, z: float) -> Image:
        """Distance to the heart: two lobes, wider towards the feet, ended by the pulmonary trunk."""
        x, y, half_x, half_y = self.heart
        size = float(np.clip(1.0 - (z + 22) / 62, 0.02, 1.1))
        if size < 0.3:
            return plane.ellipse(0, -500, 1, 1)  # above the heart
        left = plane.ellipse(x * size, y + 3, half_x * size, half_y * size * 0.86, self.heart_turn)
        right = plane.ellipse(x * size - 0.62 * half_x * size, y + 5, 0.48 * half_x * size, 0.84 * half_y * size)
        return joined(left, right, 16)

    def liver(self, plane: Plane, z: float) -> Image:
        """Distance to the dome of the liver under the right lung, and of the stomach's side under the left."""
        right = _dome(self.liver_top - z)
        left = _dome(self.liver_top - 14 - z)
        half_x = self.body[0]
        return np.minimum(
            plane.ellipse(-0.46 * half_x, -6, 66 * right, 62 * right) if right else plane.ellipse(0, -500, 1, 1),
            plane.ellipse(0.45 * half_x, -4, 58 * left, 56 * left) if left else plane.ellipse(0, -500, 1, 1),
        )


def _dome(below_mm: float) -> float:
    """Radius of a dome of 60 mm, so far below its top, as a share."""
    reach = min(max(below_mm, 0.0), 60.0)
    return float(np.sqrt(1 - (1 - reach / 60) ** 2))
