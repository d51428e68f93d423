"""Self-blended pseudo-fakes: a place blended with a filtered copy of itself, no change of content (Shiohara 2022)."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from medfake.tamper.block import Block, Box, Grid
from medfake.tamper.donors import Wanted, donor_box
from medfake.tamper.noise import alike, blur_px, correlated, residual_noise
from medfake.tamper.registry import Family, manipulation
from medfake.tamper.shapes import soft_shape
from medfake.tamper.site import Site, Spacing, Volume
from medfake.tamper.synthesis import NODULE_NOISE, holding, renoised, with_nodule
from medfake.vocabulary import LabelCode

_RADIUS_MM = (7.0, 14.0)
_SEEN = 0.6  # of a kernel's own blur: a smaller one would change next to nothing
_BAND_PX = (0.7, 1.6)  # what is finer is the high band

_Filter = Callable[[Volume, Block, Grid, Generator], Grid]


@manipulation("self-blended", code=LabelCode.FB, family=Family.BLEND)
def self_blended(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Blend a place with a copy of itself that one filter of many has passed.

    Nothing is put in or taken out; it counts as FB, since no nodule gives it away.

    Args:
        volume: (slices, rows, cols) int16 Hounsfield units.
        spacing_mm: Of slices, rows, columns.
        place: Its middle.
        rng: All chance comes from here.

    Returns:
        A copy; voxels further than 16 mm from the place along any axis are unchanged.
    """
    block = Block.cut(volume, spacing_mm, place)
    filtered = _filtered(volume, block, block.hu, rng)
    return block.put(volume, filtered, soft_shape(block, rng, _RADIUS_MM))


@manipulation("self-blended-nodule", code=LabelCode.FM, family=Family.BLEND)
def self_blended_nodule(volume: Volume, spacing_mm: Spacing, place: Site, rng: Generator) -> Volume:
    """Put a nodule in before the copy is filtered; arguments and result as for `self_blended`."""
    block = Block.cut(volume, spacing_mm, place)
    content, nodule = with_nodule(block, rng)
    noisy = (content + nodule * alike(block.hu, rng) * np.float32(rng.uniform(*NODULE_NOISE))).astype(np.float32)
    filtered = _filtered(volume, block, noisy, rng)
    return block.put(volume, filtered, holding(nodule, soft_shape(block, rng, _RADIUS_MM)))


def filtered_in_place(volume: Volume, block: Block, rng: Generator) -> Grid:
    """Content of a block that one filter has passed, of those that want no lung: it may be any tissue."""
    return _OF_ANY_TISSUE[rng.integers(len(_OF_ANY_TISSUE))](volume, block, block.hu, rng)


def _filtered(volume: Volume, block: Block, hu: Grid, rng: Generator) -> Grid:
    return _FILTERS[rng.integers(len(_FILTERS))](volume, block, hu, rng)


def _smooth(hu: Grid, sigma_px: float) -> Grid:
    from scipy.ndimage import gaussian_filter

    smooth: Grid = gaussian_filter(hu, (0, sigma_px, sigma_px), mode="nearest")
    return smooth


def _blur(volume: Volume, block: Block, hu: Grid, rng: Generator) -> Grid:  # noqa: ARG001  # filters have one signature
    return _smooth(hu, max(rng.uniform(0.4, 1.2), _SEEN * blur_px(block.hu)))


def _sharpen(volume: Volume, block: Block, hu: Grid, rng: Generator) -> Grid:  # noqa: ARG001
    sharp: Grid = hu + np.float32(rng.uniform(0.3, 1.2)) * (hu - _smooth(hu, rng.uniform(0.6, 1.2)))
    return sharp


def _shift(volume: Volume, block: Block, hu: Grid, rng: Generator) -> Grid:  # noqa: ARG001
    from scipy.ndimage import shift

    way = rng.uniform(0.2, 0.8, size=2) * rng.choice([-1, 1], size=2)
    moved: Grid = shift(hu, (0, *way), order=int(rng.choice([1, 3])), mode="nearest")
    return moved


def _down_and_up(volume: Volume, block: Block, hu: Grid, rng: Generator) -> Grid:  # noqa: ARG001
    from scipy.ndimage import zoom

    order = int(rng.choice([1, 3]))
    share = rng.uniform(0.4, 0.75)
    smaller = [max(2, round(n * share)) for n in hu.shape[1:]]
    down = zoom(hu, (1, *(s / n for s, n in zip(smaller, hu.shape[1:], strict=True))), order=order, mode="nearest")
    back = (1, *(n / s for s, n in zip(down.shape[1:], hu.shape[1:], strict=True)))
    up: Grid = zoom(down, back, order=order, mode="nearest")
    return up


def _noise_of_its_spectrum(volume: Volume, block: Block, hu: Grid, rng: Generator) -> Grid:  # noqa: ARG001
    added: Grid = hu + alike(block.hu, rng) * np.float32(rng.uniform(0.35, 0.9))
    return added


def _coloured_noise(volume: Volume, block: Block, hu: Grid, rng: Generator) -> Grid:  # noqa: ARG001
    sigma = rng.uniform(0.3, 1.5)
    level = max(residual_noise(block.hu), 2.0) * rng.uniform(0.35, 0.9)
    added: Grid = hu + correlated(rng, hu.shape, (0, sigma, sigma)) * np.float32(level)
    return added


def _renoise(volume: Volume, block: Block, hu: Grid, rng: Generator) -> Grid:  # noqa: ARG001
    return renoised(block.hu, hu, rng)


def _total_variation(volume: Volume, block: Block, hu: Grid, rng: Generator) -> Grid:  # noqa: ARG001
    from skimage.restoration import denoise_tv_chambolle

    weight = max(residual_noise(block.hu), 2.0) * rng.uniform(0.6, 1.5)
    filtered: Grid = denoise_tv_chambolle(hu, weight=weight, max_num_iter=12).astype(np.float32)
    return filtered


def _blur_along_z(volume: Volume, block: Block, hu: Grid, rng: Generator) -> Grid:
    from scipy.ndimage import gaussian_filter1d

    if hu.shape[0] < 3:
        return _blur(volume, block, hu, rng)
    smooth: Grid = gaussian_filter1d(hu, rng.uniform(0.5, 1.2), axis=0, mode="nearest")
    return smooth


def _quantise(volume: Volume, block: Block, hu: Grid, rng: Generator) -> Grid:  # noqa: ARG001
    step = np.float32(rng.uniform(1.2, 3.0) * max(residual_noise(block.hu), 4.0))
    coarse: Grid = np.rint(hu / step) * step
    return coarse


def _other_band(volume: Volume, block: Block, hu: Grid, rng: Generator) -> Grid:
    sigma = rng.uniform(*_BAND_PX)
    box: Box = donor_box(volume, block, Wanted.DARK, rng)
    donor = volume[box].astype(np.float32)
    limit = 4 * max(residual_noise(donor), 2.0)
    exchanged: Grid = _smooth(hu, sigma) + np.clip(donor - _smooth(donor, sigma), -limit, limit)
    return exchanged


def _damped_band(volume: Volume, block: Block, hu: Grid, rng: Generator) -> Grid:  # noqa: ARG001
    damped: Grid = hu - np.float32(rng.uniform(0.4, 0.9)) * (hu - _smooth(hu, rng.uniform(*_BAND_PX)))
    return damped


_FILTERS: tuple[_Filter, ...] = (
    _blur, _sharpen, _shift, _down_and_up, _noise_of_its_spectrum, _coloured_noise, _renoise, _total_variation,
    _blur_along_z, _quantise, _other_band, _damped_band,
)  # fmt: skip
_OF_ANY_TISSUE = tuple(one for one in _FILTERS if one is not _other_band)  # which wants lung of another place
