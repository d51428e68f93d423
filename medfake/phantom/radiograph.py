"""A chest radiograph's clean shadow: the parametric chest, closed above, summed from front to back."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.phantom.anatomy import Anatomy
from medfake.phantom.plane import Image, Plane, joined, lay_ellipse
from medfake.phantom.texture import slow_variation
from medfake.phantom.tissues import paint
from medfake.phantom.vessels import draw, grow_tree

Grid = NDArray[np.float32]
SIZE: Final = 512
PIXEL_MM: Final = 0.7
_DEPTH_MM = 3.5  # between the layers that are summed
_ACROSS = 3  # pixels between what is painted; what is drawn between is smooth
WATER_PER_MM: Final = 0.0155  # attenuation at about 90 kV effective, after hardening
_BONE_EXTRA = 0.9  # bone attenuates more than its Hounsfield units say at low energies
_APEX_MM = 118.0
_LOWEST_MM = -200.0
_VESSEL_HU = 42.0


@dataclass(frozen=True)
class StandingAnatomy(Anatomy):
    """A chest as a radiograph has it: lungs end in apices, the body in neck and shoulders."""

    def cavity(self, plane: Plane, z: float) -> Image:
        """Distance to the inner chest wall, a dome above."""
        half_x, half_y = self.body
        share = float(np.sqrt(np.clip(1 - ((z + 40) / (_APEX_MM + 40)) ** 2, 0, 1))) if z > -40 else 1.0
        if share < 0.08:
            return plane.ellipse(0, -600, 1, 1)
        width, depth = half_x - self.wall_mm - self.fat_mm - 6, half_y - self.wall_mm + 1
        return plane.ellipse(0, -4, width * (0.25 + 0.75 * share) * share**0.25, depth * share)

    def skin(self, plane: Plane, z: float) -> Image:
        """Distance to the skin, shoulders and neck."""
        chest = super().skin(plane, min(z, 40.0))
        if z < 40:
            return chest
        half_x, half_y = self.body
        wide = (half_x + 45 * _smoothly(40, 85, z)) * (1 - _smoothly(88, 150, z)) + 1
        deep = half_y * (1 - 0.3 * _smoothly(40, 100, z)) * (1 - 0.5 * _smoothly(100, 150, z))
        shoulders = plane.ellipse(0, 6, wide, deep)
        turned = np.float32(_smoothly(40, 80, z))
        trunk = chest + turned * (shoulders - chest)
        return joined(trunk, plane.ellipse(0, 12, 56, 62), 1 + 29 * _smoothly(70, 115, z))

    def great_vessels(self, z: float) -> list[tuple[float, float, float]]:
        """(x, y, radius) of the great vessels, which begin and end as round as they are."""
        aorta = self.aorta_mm
        vessels = [(20.0, self.spine_y - 18, aorta * (1 - _smoothly(24, 36, z)))]
        rising = _smoothly(-30, -8, z) * (1 - _smoothly(30, 42, z))
        vessels += [(-13.0, -30.0, (aorta + 2) * rising), (-24.0, -20.0, 8.5 * _smoothly(-30, -8, z))]
        vessels += [
            (x, y, radius * _domed(z, -7, 19))
            for x, y, radius in ((11.0, -31.0, 15.0), (24.0, -14.0, 11.0), (-24.0, -2.0, 10.0))
        ]
        vessels += [(12 - 7.5 * step, -22 + 11.0 * step, (aorta + 1) * _domed(z, 27, 12)) for step in (-2, -1, 0, 1)]
        branches = _smoothly(28, 40, z)
        vessels += [
            (x, y, radius * branches) for x, y, radius in ((-17.0, -16.0, 7.0), (-4.0, -14.0, 5.5), (12.0, -6.0, 6.0))
        ]
        return [vessel for vessel in vessels if vessel[2] > 1]


def _smoothly(low: float, high: float, z: float) -> float:
    """0 below, 1 above, no kink between."""
    share = float(np.clip((z - low) / (high - low), 0, 1))
    return share * share * (3 - 2 * share)


def _domed(z: float, middle: float, half: float) -> float:
    return float(np.sqrt(max(1 - ((z - middle) / half) ** 2, 0.0)))


def shadow(rng: Generator, size: int = SIZE) -> Grid:
    """Attenuation of the beam through one patient, standing.

    Args:
        rng: All chance comes from here.
        size: Rows and columns; the field of view stays 358 mm.

    Returns:
        (size, size) line integrals, 0 in open air, about 5 through the spine; the head is up.
    """
    from scipy.ndimage import gaussian_filter, zoom

    pixel = PIXEL_MM * SIZE / size
    anatomy = StandingAnatomy.draw(rng)
    across = size // _ACROSS
    step = pixel * size / across
    heights = _LOWEST_MM + np.arange(across) * step
    plane = _slab(across, step)
    vessels = _vessels(rng, plane, heights)
    deep, edge = plane.y.size, max(across, plane.y.size)
    coarse, fine = (slow_variation(rng, edge, cells)[:deep, :across] for cells in (16, 96))
    rows = np.empty((across, across), np.float32)
    for index, z in enumerate(heights):
        image, lung = paint(anatomy, plane, float(z), coarse, fine)
        image += vessels[index] * lung * (_VESSEL_HU - image)
        if -112 < z < -72:
            air = _domed(z, -92, 20)
            lay_ellipse(image, -950.0, plane, 66, 0, 27 * air, 24 * air)  # in the stomach
        outside = 1 - plane.inside(anatomy.skin(plane, float(z)))
        image -= (image + 1000) * outside  # no table, and no shoulder blade beyond the skin
        rows[index] = _attenuation(image).sum(axis=0) * np.float32(_DEPTH_MM)
    summed = zoom(rows[::-1], size / across, order=3, mode="nearest", grid_mode=True)[:size, :size]
    summed += _clavicles(rng, summed.shape, pixel, anatomy)
    smooth: Grid = gaussian_filter(np.maximum(summed, 0), 0.4, mode="nearest").astype(np.float32)
    return smooth


def _slab(size: int, pixel_mm: float) -> Plane:
    """Fine across, coarse from front to back."""
    x = (np.arange(size, dtype=np.float32) - np.float32((size - 1) / 2)) * np.float32(pixel_mm)
    y = np.arange(-140, 150, _DEPTH_MM, dtype=np.float32)
    return Plane(x[None, :], y[:, None], np.arctan2(y[:, None], x[None, :]).astype(np.float32), _DEPTH_MM)


def _attenuation(hu: Grid) -> Grid:
    """Per mm."""
    water = np.maximum(hu + 1000, 0) / 1000
    bone = np.maximum(hu - 130, 0) / 1000
    attenuation: Grid = ((water + _BONE_EXTRA * bone) * WATER_PER_MM).astype(np.float32)
    return attenuation


def _vessels(rng: Generator, plane: Plane, heights: NDArray[np.floating[Any]]) -> Grid:
    shares = np.zeros((len(heights), plane.y.size, plane.x.size), np.float32)
    step = float(heights[1] - heights[0])
    spacing = (step, _DEPTH_MM, float(plane.x[0, 1] - plane.x[0, 0]))
    tall = step * len(heights)
    for side in (-1, 1):
        hilum = np.array([-heights[0] - 8 + rng.uniform(-6, 6), -float(plane.y[0, 0]) + rng.uniform(-8, 6),
                          -float(plane.x[0, 0]) + side * 38])  # fmt: skip
        draw(shares, grow_tree(rng, hilum, side, tall), spacing)
    return shares


def _clavicles(rng: Generator, shape: tuple[int, ...], pixel_mm: float, anatomy: Anatomy) -> Grid:
    """Two curved tubes from the sternum to the shoulders."""
    row, col = np.indices(shape, dtype=np.float32)
    x = (col - (shape[1] - 1) / 2) * pixel_mm
    z = _LOWEST_MM + (shape[0] - 1 - row) * pixel_mm
    added = np.zeros(shape, np.float32)
    reach = anatomy.body[0] * 0.98
    for side in (-1, 1):
        along = np.clip((x * side - 18) / (reach - 18), 0, 1)
        middle = 82 + rng.uniform(-4, 4) + 26 * along + 7 * np.sin(2 * np.pi * along)
        half = 5.5 + 1.5 * np.abs(along - 0.5)
        inside = (x * side > 18) & (x * side < reach)
        chord = np.sqrt(np.maximum(half**2 - (z - middle) ** 2, 0)) * inside
        hollow = np.sqrt(np.maximum((half - 2) ** 2 - (z - middle) ** 2, 0)) * inside
        added += np.float32(WATER_PER_MM) * (2.2 * chord - 1.3 * hollow)
    return added
