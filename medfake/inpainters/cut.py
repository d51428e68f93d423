"""Places cut from real series, bright ones and plain lung: cubes at 1 mm out of stacks, patches out of slices."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.dicom.reader import read_slice, read_volume
from medfake.dicom.series import Series
from medfake.inpainters.material import BRIGHTEST_HU, DARKEST_HU, Material, solid_share
from medfake.lungs import deep_lung_cm2
from medfake.tamper import network_cube, network_patch
from medfake.tamper.block import Block
from medfake.tamper.cube import Cube, Grid
from medfake.tamper.network_cube import NetworkCube
from medfake.tamper.network_patch import hole_in_patches, in_patch, patch_at, radius_mm
from medfake.tamper.places import removal_places
from medfake.tamper.runs import runs
from medfake.tamper.shapes import ROUND, soft_shape
from medfake.tamper.site import Site, Spacing, Volume
from medfake.tamper.slice_sites import places_in_lungs

LEAST_DEPTH_MM = 24.0
"""Of a stack that cubes are cut from."""
_LEAST_LUNG_CM2 = 25.0
_NODULES = 40  # nodule-like places of a stack at most
_LEAST_OF_SLICE = 12  # places, whatever the slices are
_BRIGHT_SHARE = 0.4  # of them on bright structures
_MARGIN_MM = 12.0  # of a cube's middle from the ends of the stack
_FLAT = 0.15  # share of cubes that are one slice, repeated: what is seen of single slices
_HOLES_MM = (6.0, 13.0)
_SEEN = 0.01


def cut_cubes(series: Series, patient: str, count: int, rng: Generator) -> Material | None:
    """Cubes of 32 mm at 1 mm around nodule-like spots and places in lungs.

    Args:
        series: Its longest part without a gap is read.
        patient: Name that the places carry.
        count: Places wanted.
        rng: All chance comes from here.

    Returns:
        At most `count` places; None for series that are shorter than 24 mm or show no lung.
    """
    run = max(runs(series), key=lambda one: len(one.indices))
    spacing = (run.step_mm, *series.spacing_zyx_mm[1:])
    if len(run.indices) < 2 or (len(run.indices) - 1) * run.step_mm < LEAST_DEPTH_MM:
        return None
    volume = read_volume([series.headers[index] for index in run.indices])
    margin = min(int(np.ceil(_MARGIN_MM / run.step_mm)), len(volume) // 3)
    places = removal_places(volume, spacing, rng, min(_NODULES, max(1, count // 2)))
    inner = rng.permutation(np.arange(margin, len(volume) - margin))
    for z in inner:
        places += _in_lungs(volume, int(z), spacing, min(_each(count, len(inner)), count - len(places)), rng)
    hu: list[NDArray[np.int16]] = []
    holes: list[NDArray[np.bool_]] = []
    wanted: list[float] = []
    axis = np.arange(network_cube.EDGE) - network_cube.EDGE // 2
    distance = np.sqrt(axis[:, None, None] ** 2 + axis[None, :, None] ** 2 + axis[None, None, :] ** 2)
    for place in places:
        if rng.random() < _FLAT:
            cube = Cube.cut(volume[place.z : place.z + 1], spacing, (0, place.y, place.x))
        else:
            cube = Cube.cut(volume, spacing, (place.z, place.y, place.x))
        seen = NetworkCube.of(cube)
        hu.append(_stored(seen.hu))
        holes.append(seen.hole > 0)
        wanted.append(solid_share(seen.hu, distance))
    return _material(hu, holes, wanted, patient)


def cut_patches(series: Series, patient: str, count: int, rng: Generator) -> Material | None:
    """Patches of 64 px with soft holes around places in the lungs of slices, bright ones and plain ones.

    Arguments and result are those of `cut_cubes`, but any slice with lung will do.
    """
    hu: list[NDArray[np.int16]] = []
    holes: list[NDArray[np.bool_]] = []
    wanted: list[float] = []
    spacing = (1.0, *series.spacing_zyx_mm[1:])
    axis = (np.arange(network_patch.EDGE) - network_patch.HALF) * spacing[1]
    distance = np.hypot(axis[:, None], axis[None])
    each = _each(count, len(series.headers))
    for index in rng.permutation(len(series.headers)):
        if len(hu) >= count:
            break
        plane = read_slice(series.headers[int(index)])[None]
        for place in _in_lungs(plane, 0, spacing, min(each, count - len(hu)), rng):
            block = Block.cut(plane, spacing, place)
            share = soft_shape(block, rng, radius_mm(block, _HOLES_MM, 0.5), (0.5, 0.5), ROUND) * (1 - block.wall)
            patch = patch_at(plane, place)
            hu.append(_stored(patch))
            holes.append(in_patch(block, hole_in_patches(block, share)[0]) > _SEEN)
            wanted.append(solid_share(patch, distance))
    return _material(hu, holes, wanted, patient)


def _each(count: int, slices: int) -> int:
    """Places of one slice: finding lungs takes longer than cutting."""
    return max(_LEAST_OF_SLICE, -(-count // slices))


def _in_lungs(volume: Volume, z: int, spacing_mm: Spacing, count: int, rng: Generator) -> list[Site]:
    """Places inside the lungs of a slice, two fifths of them on bright structures where there are some."""
    if deep_lung_cm2(volume[z], spacing_mm[1]) < _LEAST_LUNG_CM2:
        return []
    inside, bright = places_in_lungs(volume[z], spacing_mm)
    pools = [bright if len(bright) and rng.random() < _BRIGHT_SHARE else inside for _ in range(count)]
    drawn = [pool[rng.integers(len(pool))] for pool in pools if len(pool)]
    return [Site(z, int(y), int(x)) for y, x in drawn]


def _stored(hu: Grid) -> NDArray[np.int16]:
    stored: NDArray[np.int16] = np.rint(np.clip(hu, DARKEST_HU, BRIGHTEST_HU)).astype(np.int16)
    return stored


def _material(
    hu: list[NDArray[np.int16]], holes: list[NDArray[np.bool_]], wanted: list[float], patient: str
) -> Material | None:
    kept = [at for at, hole in enumerate(holes) if hole.any()]
    if not kept:
        return None
    return Material(
        np.stack([hu[at] for at in kept]), np.stack([holes[at] for at in kept]),
        np.array([wanted[at] for at in kept], np.float32), np.array([patient] * len(kept)),
    )  # fmt: skip
