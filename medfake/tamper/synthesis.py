"""Content and noise made anew: denoised and noised again, drawn from parameters, re-diffused."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from medfake.tamper.block import Block, Grid
from medfake.tamper.nodule import NODULE_HU, nodule_profile
from medfake.tamper.noise import alike, blur_px, correlated, edges, fine, of_power, power, residual_noise
from medfake.tamper.registry import Family, manipulation
from medfake.tamper.shapes import ROUND, soft_shape
from medfake.tamper.site import Site, Spacing, Volume
from medfake.vocabulary import LabelCode

_TEXTURE_HU = 18.0  # of parenchyma that is filled in
_TEXTURE_MM = 1.3
_FILL_FEATHER_MM = (1.5, 4.0)
_WHOLLY = 6  # times the share of new content is how far a voxel is manipulated, 1 at most
_EDGE_PX = (0.3, 1.1)  # blur of a nodule's edge
NODULE_NOISE = (0.2, 1.1)  # of the lung's: generators leave a nodule too quiet


@manipulation("denoised", code=LabelCode.FM, family=Family.SYNTHESIS)
def denoised(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Put a nodule in, denoise around it (median, total variation, non-local means or Gauss), add noise again.

    Args:
        volume: (slices, rows, cols) int16 Hounsfield units.
        spacing_mm: Of slices, rows, columns.
        place: Centre of the nodule.
        rng: All chance comes from here.

    Returns:
        A copy; voxels further than 16 mm from the place along any axis are unchanged.
    """
    block = Block.cut(volume, spacing_mm, place)
    content, nodule = with_nodule(block, rng)
    return block.put(volume, renoised(block.hu, content, rng), holding(nodule, soft_shape(block, rng, (8, 13))))


@manipulation("parametric-nodule", code=LabelCode.FM, family=Family.SYNTHESIS)
def parametric_nodule(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Put a nodule in that is drawn from parameters, with noise of the block's spectrum and phases of chance.

    Arguments and result are those of `denoised`.
    """
    block = Block.cut(volume, spacing_mm, place)
    profile = _seen_profile(block, rng)
    solid = rng.uniform(*NODULE_HU) + correlated(rng, profile.shape, block.px(1.8)) * rng.uniform(4, 14)
    noise = alike(block.hu, rng) * np.float32(rng.uniform(*NODULE_NOISE))
    return block.put(volume, (solid + noise).astype(np.float32), profile)


@manipulation("parametric-fill", code=LabelCode.FB, family=Family.SYNTHESIS)
def parametric_fill(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Fill a place with smooth lung and noise of the block's spectrum; arguments and result as for `denoised`."""
    block = Block.cut(volume, spacing_mm, place)
    hole = soft_shape(block, rng, feather_mm=_FILL_FEATHER_MM, forms=ROUND) * (1 - block.wall)
    return block.put(volume, lung_fill(block, hole, rng) + alike(block.hu, rng), hole)


@manipulation("rediffused", code=LabelCode.FB, family=Family.SYNTHESIS)
def rediffused(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Fill a place, denoise around it, and give back what the local power spectrum lost, as a diffusion model would.

    Arguments and result are those of `denoised`.
    """
    block = Block.cut(volume, spacing_mm, place)
    hole = soft_shape(block, rng, (7, 11), _FILL_FEATHER_MM, ROUND) * (1 - block.wall)
    content = block.hu + hole * (lung_fill(block, hole, rng) - block.hu)
    return block.put(volume, _diffused(block, content, rng), holding(hole, soft_shape(block, rng, (9, 13))))


@manipulation("rediffused-nodule", code=LabelCode.FM, family=Family.SYNTHESIS)
def rediffused_nodule(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Put a nodule in, and go on as `rediffused` does; arguments and result as for `denoised`."""
    block = Block.cut(volume, spacing_mm, place)
    content, nodule = with_nodule(block, rng)
    return block.put(volume, _diffused(block, content, rng), holding(nodule, soft_shape(block, rng, (9, 13))))


def with_nodule(block: Block, rng: Generator) -> tuple[Grid, Grid]:
    """Content of a block with a nodule in its middle, not in the chest wall; and the nodule's share of each voxel."""
    profile = _seen_profile(block, rng)
    solid = rng.uniform(*NODULE_HU) + correlated(rng, profile.shape, block.px(1.8)) * 8.0
    mixed: Grid = (block.hu * (1 - profile) + solid * profile).astype(np.float32)
    return mixed, profile


def holding(changed: Grid, shape: Grid) -> Grid:
    """A shape that holds what was put in or taken out, or it would be cut at the shape's side.

    Args:
        changed: Share of new content in each voxel, 0..1.
        shape: Share that is manipulated, 0..1.
    """
    wide: Grid = np.maximum(shape, np.minimum(changed * np.float32(_WHOLLY), 1))
    return wide


def _seen_profile(block: Block, rng: Generator) -> Grid:
    """A nodule's share of each voxel, as smooth as the block's kernel shows edges, and not in the chest wall."""
    from scipy.ndimage import gaussian_filter

    blur = np.clip(blur_px(block.hu), *_EDGE_PX)
    profile = gaussian_filter(nodule_profile(block.offsets_mm, rng), (0, blur, blur), mode="nearest")
    share: Grid = np.where(profile > 0.02, profile, np.float32(0)) * (1 - block.wall)
    return share


def lung_fill(block: Block, hole: Grid, rng: Generator) -> Grid:
    """Lung without noise for a hole: its surroundings spread, and faint structure."""
    texture = correlated(rng, block.hu.shape, block.px(_TEXTURE_MM)) * _TEXTURE_HU
    filled: Grid = (block.lung_around(hole) + texture).astype(np.float32)
    return filled


def renoised(before: Grid, content: Grid, rng: Generator) -> Grid:
    """Denoise content, and add what is missing to the noise before: white, coloured or of its spectrum.

    Args:
        before: HU whose noise is the measure.
        content: HU to denoise, same shape.
        rng: Draws the denoiser and the kind of noise.
    """
    smooth = _DENOISERS[rng.integers(len(_DENOISERS))](content, max(residual_noise(before), 1.0), rng)
    missing = np.sqrt(max(residual_noise(before) ** 2 - residual_noise(smooth) ** 2, 0.0))
    kind = rng.integers(3)
    if kind == 0:
        noise = rng.standard_normal(content.shape, dtype=np.float32)
    elif kind == 1:
        noise = _in_plane(rng, content.shape, rng.uniform(0.4, 0.9))
    else:
        noise = alike(before, rng)
    added: Grid = smooth + noise * np.float32(missing / max(residual_noise(noise), 1e-3))
    return added


def _in_plane(rng: Generator, shape: tuple[int, ...], sigma_px: float) -> Grid:
    return correlated(rng, shape, (0.0, sigma_px, sigma_px))


def _diffused(block: Block, content: Grid, rng: Generator) -> Grid:
    noise = max(residual_noise(block.hu), 1.0)
    smooth = _total_variation(content, noise, rng) if rng.random() < 0.5 else _gauss(content, noise, rng)
    before, after = fine(block.hu), fine(smooth)
    left_out = edges(before) | edges(after)
    if left_out.all():
        left_out = np.zeros_like(left_out)
    missing = power(before, left_out) - power(after, left_out)
    added: Grid = smooth + of_power(missing, rng)
    return added


def _median(hu: Grid, noise: float, rng: Generator) -> Grid:  # noqa: ARG001  # denoisers have one signature
    from scipy.ndimage import median_filter

    filtered: Grid = median_filter(hu, size=(1, 3, 3))
    return filtered


def _gauss(hu: Grid, noise: float, rng: Generator) -> Grid:  # noqa: ARG001
    from scipy.ndimage import gaussian_filter

    sigma = rng.uniform(0.7, 1.2)
    filtered: Grid = gaussian_filter(hu, (0.4 if hu.shape[0] > 2 else 0, sigma, sigma))
    return filtered


def _total_variation(hu: Grid, noise: float, rng: Generator) -> Grid:
    from skimage.restoration import denoise_tv_chambolle

    weight = noise * rng.uniform(0.7, 1.4)
    filtered: Grid = denoise_tv_chambolle(hu, weight=weight, max_num_iter=12).astype(np.float32)
    return filtered


def _non_local_means(hu: Grid, noise: float, rng: Generator) -> Grid:
    from skimage.restoration import denoise_nl_means

    strength = noise * rng.uniform(0.6, 1.0)
    planes = [
        denoise_nl_means(plane, patch_size=3, patch_distance=3, h=strength, sigma=noise, fast_mode=True) for plane in hu
    ]
    filtered: Grid = np.stack(planes).astype(np.float32)
    return filtered


_DENOISERS: tuple[Callable[[Grid, float, Generator], Grid], ...] = (
    _median,
    _gauss,
    _total_variation,
    _non_local_means,
)
