"""Places refilled by learned inpainters: cubes by a 3-D GAN, slices of a soft shape by a 2-D VAE."""

import numpy as np
from numpy.random import Generator

from medfake.tamper.block import Block, Grid
from medfake.tamper.cube import Cube
from medfake.tamper.inpainter import Inpainter, InpainterKind
from medfake.tamper.learned import learned_manipulation
from medfake.tamper.network_cube import EDGE, NetworkCube
from medfake.tamper.network_patch import from_patch, hole_in_patches, in_patch, patch_at, radius_mm
from medfake.tamper.noise import alike
from medfake.tamper.registry import Family
from medfake.tamper.shapes import ROUND, soft_shape
from medfake.tamper.site import Site, Spacing, Volume
from medfake.vocabulary import LabelCode

LATENT = 32
"""Numbers of a VAE's code."""
_SOLID = (0.85, 1.0)  # share of solid tissue in the middle that is asked of an injection
_FILLED_MM = (6.5, 11.0)
_NODULE_MM = (3.5, 6.5)  # half of a nodule along z
_FEATHER_MM = (1.5, 3.0)
_SEEN = 0.01  # share of a voxel from which on it is in the hole
_TURN_MM = 20.0  # along z, over which a code becomes another


@learned_manipulation("gan-injection", kind=InpainterKind.GAN_3D, code=LabelCode.FM, family=Family.CUBE)
def gan_injection(inpainter: Inpainter, volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Let a 3-D GAN put solid tissue into the middle of a cube, in the manner of CT-GAN (Mirsky et al. 2019).

    A 32 mm cube is resampled to 1 mm and back, its inner 20 mm are generated, and noise is touched up over the cube.
    Chest wall and mediastinum inside the inner part stay. Of a single slice the network sees a stack of copies.

    Args:
        inpainter: Of kind gan-3d.
        volume: (slices, rows, cols) int16 Hounsfield units.
        spacing_mm: Of slices, rows, columns.
        place: Middle of the cube.
        rng: All chance comes from here.

    Returns:
        A copy; voxels further than 16 mm from the place along any axis are unchanged.
    """
    return _gan(inpainter, volume, spacing_mm, place, rng, rng.uniform(*_SOLID))


@learned_manipulation("gan-removal", kind=InpainterKind.GAN_3D, code=LabelCode.FB, family=Family.CUBE)
def gan_removal(inpainter: Inpainter, volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Let a 3-D GAN fill the middle of a cube with lung; arguments and result are those of `gan_injection`."""
    return _gan(inpainter, volume, spacing_mm, place, rng, 0.0)


@learned_manipulation("vae-fill", kind=InpainterKind.VAE_2D, code=LabelCode.FB, family=Family.SYNTHESIS)
def vae_fill(inpainter: Inpainter, volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Let a 2-D VAE fill a soft shape with lung, slice by slice, and add noise of the block's spectrum.

    The code varies slowly along z, so that slices go together.

    Args:
        inpainter: Of kind vae-2d.
        volume: (slices, rows, cols) int16 Hounsfield units.
        spacing_mm: Of slices, rows, columns.
        place: Middle of the shape.
        rng: All chance comes from here.

    Returns:
        A copy; voxels further than 16 mm from the place along any axis are unchanged.
    """
    block = Block.cut(volume, spacing_mm, place)
    return _vae(inpainter, volume, block, np.zeros(block.hu.shape[0], np.float32), rng)


@learned_manipulation("vae-nodule", kind=InpainterKind.VAE_2D, code=LabelCode.FM, family=Family.SYNTHESIS)
def vae_nodule(inpainter: Inpainter, volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Let a 2-D VAE fill a soft shape with solid tissue in the middle, less of it away from the place along z.

    Arguments and result are those of `vae_fill`.
    """
    block = Block.cut(volume, spacing_mm, place)
    away = block.offsets_mm[0].ravel() / rng.uniform(*_NODULE_MM)
    solid = rng.uniform(*_SOLID) * np.sqrt(np.maximum(1 - away**2, 0))
    return _vae(inpainter, volume, block, solid.astype(np.float32), rng)


def _gan(
    inpainter: Inpainter, volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator, solid: float
) -> Volume:
    cube = Cube.cut(volume, spacing_mm, (place.z, place.y, place.x))
    seen = NetworkCube.of(cube)
    noise = rng.standard_normal((1, EDGE, EDGE, EDGE), dtype=np.float32)
    made = inpainter.fill(
        hu=seen.hu[None], hole=seen.hole[None], wanted=np.full((1, 1), solid, np.float32), noise=noise
    )
    content = NetworkCube.back(made[0], cube)
    return cube.paste(volume, cube.refilled(content * (1 - cube.wall) + cube.grid * cube.wall), rng)


def _vae(inpainter: Inpainter, volume: Volume, block: Block, solid: Grid, rng: Generator) -> Volume:
    """Fill a soft shape slice by slice; `solid` is what is asked of each."""
    reach = radius_mm(block, _FILLED_MM, _FEATHER_MM[1])
    share = soft_shape(block, rng, reach, _FEATHER_MM, ROUND) * (1 - block.wall)
    share = hole_in_patches(block, share)
    first, second = rng.standard_normal((2, LATENT), dtype=np.float32)
    content = np.empty_like(block.hu)
    for at, z in enumerate(range(block.box[0].start, block.box[0].stop)):
        hole = in_patch(block, (share[at] > _SEEN).astype(np.float32))
        angle = float(block.offsets_mm[0][at, 0, 0]) / _TURN_MM * np.pi / 2
        code = np.float32(np.cos(angle)) * first + np.float32(np.sin(angle)) * second  # as normal as both
        patch = patch_at(volume, Site(z, block.place.y, block.place.x))
        made = inpainter.fill(
            hu=patch[None], hole=hole[None], wanted=np.full((1, 1), solid[at], np.float32), code=code[None]
        )
        content[at] = from_patch(block, made[0], block.hu[at])
    return block.put(volume, content + alike(block.hu, rng), share)
