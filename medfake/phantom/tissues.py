"""Tissues painted into the outlines of a chest, from the table inwards."""

import numpy as np

from medfake.phantom.anatomy import Anatomy
from medfake.phantom.plane import Image, Plane, lay, lay_ellipse

AIR, FAT, MUSCLE, BLOOD, LIVER, MARROW, CORTEX = -1000.0, -105.0, 52.0, 42.0, 58.0, 170.0, 640.0
TABLE, FOAM, CARTILAGE, DISC, CORD = -150.0, -930.0, 110.0, 85.0, 30.0
_RIB_EVERY_MM = 28.0


def paint(anatomy: Anatomy, plane: Plane, z: float, coarse: Image, fine: Image) -> tuple[Image, Image]:
    """Paint one slice without vessels of the lung, nodules and noise.

    Args:
        anatomy: The patient.
        plane: Pixel coordinates.
        z: Height, mm.
        coarse: Slow random field of about unit deviation, for all tissue.
        fine: A quicker one, for the lobules of the lung.

    Returns:
        Hounsfield units, and the share of lung in each pixel.
    """
    image = np.full((plane.y.shape[0], plane.x.shape[1]), AIR, np.float32)
    _table(anatomy, plane, image)
    outlines = anatomy.outlines(plane, z)
    skin, cavity = outlines.skin, outlines.cavity
    lay(image, 10.0, plane.inside(skin))
    lay(image, FAT + 6 * coarse, plane.inside(skin + 2.0))
    _muscles(anatomy, plane, image, skin, cavity, coarse)
    _shoulder_blades(anatomy, plane, image, z)
    lay(image, FAT + 18 + 8 * coarse, plane.inside(cavity))
    _ribs(anatomy, plane, image, z, cavity)
    _heart(anatomy, plane, image, z, outlines.heart, coarse)
    lay(image, LIVER + 6 * coarse, plane.inside(np.maximum(outlines.liver, cavity + 3)))
    lung = plane.inside(outlines.lungs)
    lay(image, _parenchyma(anatomy, plane, z, coarse, fine), lung)
    _airway(plane, image, z)
    _vertebra(anatomy, plane, image, z)
    return image, lung


def _table(anatomy: Anatomy, plane: Plane, image: Image) -> None:
    surface = plane.y - anatomy.table_y + 0.0006 * plane.x**2
    wide = np.abs(plane.x) - 195
    lay(image, FOAM, plane.inside(np.maximum(np.abs(surface - 14) - 12, wide)))
    for depth in (2.0, 27.0):
        lay(image, TABLE, plane.inside(np.maximum(np.abs(surface - depth) - 1.0, wide)))


def _muscles(anatomy: Anatomy, plane: Plane, image: Image, skin: Image, cavity: Image, coarse: Image) -> None:
    """A sheet around the chest, thick at breast, flank and back, with seams of fat; the long muscles of the back."""
    thick = 0.5 + 0.28 * np.cos(4 * plane.angle + 0.4) + 0.18 * np.cos(7 * plane.angle) + 0.1 * coarse
    sheet = np.maximum(skin + np.float32(anatomy.fat_mm + 2), cavity - np.float32(anatomy.wall_mm + 4) * thick - 6)
    lay(image, MUSCLE + 7 * coarse, plane.inside(sheet))
    seam = np.abs(cavity - 15 - 4 * np.sin(3 * plane.angle) - 2 * coarse) - 0.9
    lay(image, FAT + 30, 0.8 * plane.inside(np.maximum(seam, sheet)))
    lay(image, MUSCLE - 2 + 7 * coarse, plane.inside(cavity - 9))
    for side in (-1, 1):
        x, y = side * 27, anatomy.spine_y + 33
        part, box = plane.around_ellipse(x, y, 21, 13)
        back = part.ellipse(x, y, 21, 13, -0.25 * side)
        share = part.inside(np.maximum(back, skin[box] + anatomy.fat_mm * 0.6 + 2))
        lay(image[box], MUSCLE + 9 * coarse[box], share)


def _shoulder_blades(anatomy: Anatomy, plane: Plane, image: Image, z: float) -> None:
    """Thin plates behind the ribs, bedded in muscle, that end below the carina."""
    length = float(np.clip(16 + 0.55 * (z + 30), 0, 46))
    if length < 6:
        return
    half_x, half_y = anatomy.body
    for side in (-1, 1):
        x, y, turn = side * (0.62 * half_x + 0.1 * z), 0.63 * half_y - 0.06 * z, side * -0.72
        lay_ellipse(image, MUSCLE, plane, x, y, length + 8, 13, turn)
        for shrink, hu in ((0.0, CORTEX * 0.8), (1.6, MARROW)):
            lay_ellipse(image, hu, plane, x, y, length - shrink, 4.0 - shrink, turn)


def _ribs(anatomy: Anatomy, plane: Plane, image: Image, z: float, cavity: Image) -> None:
    """Ribs fall from the spine to the sternum, so that a slice cuts each at another angle; cartilage in front."""
    height = z + anatomy.rib_slope * (1 + np.sin(plane.angle))
    along = np.abs((height + anatomy.rib_phase) % _RIB_EVERY_MM - _RIB_EVERY_MM / 2) / np.float32(6.4)
    across = (cavity - 5.0) / np.float32(4.2)
    round_ = (np.sqrt(along**2 + across**2) - 1) * np.float32(4.2)
    front = np.clip((-plane.y - 48) / 26, 0, 1)
    allowed = (plane.y < anatomy.spine_y + 10) & (np.abs(plane.x) > 16)
    for shrink, bone in ((0.0, CORTEX), (1.7, MARROW)):
        lay(image, bone + (CARTILAGE - bone) * front, plane.inside(round_ + np.float32(shrink)) * allowed)
    sternum_y = -(anatomy.body[1] - anatomy.wall_mm) - 3
    for shrink, bone in ((0.0, CORTEX * 0.55), (1.6, MARROW * 0.75)):
        lay_ellipse(image, bone, plane, 0, sternum_y, 19 - shrink, 6.5 - shrink)


def _heart(anatomy: Anatomy, plane: Plane, image: Image, z: float, heart: Image, coarse: Image) -> None:
    lay(image, BLOOD + 6 + 5 * coarse, plane.inside(heart))
    x, y, half_x, half_y = anatomy.heart
    chambers = plane.ellipse(x + 6, y + 4, 0.55 * half_x, 0.5 * half_y, anatomy.heart_turn)
    lay(image, BLOOD - 4 + 4 * coarse, plane.inside(np.maximum(chambers, heart + 9)))
    groove = np.abs(plane.x - x + 14 + 0.5 * (plane.y - y)) - 1.4  # fat between the chambers, seen from outside in
    lay(image, FAT + 40, 0.7 * plane.inside(np.maximum(np.maximum(groove, heart), -heart - 9)))
    for vessel_x, vessel_y, radius in anatomy.great_vessels(z):
        lay_ellipse(image, BLOOD + 3 * coarse, plane, vessel_x, vessel_y, radius, radius)
    lay_ellipse(image, 35.0, plane, 6, anatomy.spine_y - 27, 8, 5.5)  # the gullet


def _parenchyma(anatomy: Anatomy, plane: Plane, z: float, coarse: Image, fine: Image) -> Image:
    """Air and thin walls, denser towards the back of a lying patient; a fissure through each lung."""
    hu = anatomy.lung_hu + 20 * coarse + 13 * fine + 0.4 * (plane.y + 20)
    offset, slope = anatomy.fissure
    for side in (-1, 1):
        line = plane.y - offset - slope * z - 0.0025 * (plane.x - side * 80) ** 2
        near = np.exp(-((line / np.float32(0.9)) ** 2)) * (plane.x * side > 0)
        hu = hu + 70 * near
    return hu


def _airway(plane: Plane, image: Image, z: float) -> None:
    """Trachea above, two main bronchi below the carina, and their lower branches."""
    apart = float(np.clip(10 - z, 0, 55)) * 0.62
    radius = 8.8 if apart == 0 else float(np.clip(7.4 - 0.07 * apart, 3.2, 7.4))
    for side in (-1, 1):
        x, y = side * apart + 1, 4 + 0.75 * apart
        flat = 1.0 if apart else 0.86
        lay_ellipse(image, 30.0, plane, x, y, radius + 1.5, radius * flat + 1.5)
        lay_ellipse(image, AIR + 8, plane, x, y, radius, radius * flat)


def _vertebra(anatomy: Anatomy, plane: Plane, image: Image, z: float) -> None:
    """Body, arch and processes around the cord."""
    y, pixel = anatomy.spine_y, plane.pixel_mm
    part, box = plane.around(0, y + 17, 60 + 8 * pixel, 50 + 8 * pixel)
    disc = abs((z + anatomy.rib_phase) % 26 - 13) > 10.5
    for shrink, bone in ((0.0, CORTEX * 0.7), (1.8, MARROW)):
        body = np.maximum(part.ellipse(0, y, 19 - shrink, 15.5 - shrink), -(part.ellipse(0, y + 20, 11, 9) + shrink))
        lay(image[box], DISC if disc else bone, part.inside(body))
        process = part.ellipse(0, y + 36, 3.6 - shrink / 2, 13 - shrink)
        arch = np.minimum(process, np.abs(part.ellipse(0, y + 22, 14, 11)) - (3.2 - shrink))
        for side in (-1, 1):
            arch = np.minimum(arch, part.ellipse(side * 25, y + 19, 15 - shrink, 5.5 - shrink, side * 0.45))
        lay(image[box], bone * 0.9, part.inside(arch))
    lay_ellipse(image, CORD, plane, 0, y + 21.5, 9.5, 8)
