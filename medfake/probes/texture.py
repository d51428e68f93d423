"""A fast detector for probes: noise statistics of blocks of lung (of other modalities, tissue), and a linear model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from medfake.lungs import AIR_BELOW_HU
from medfake.regions import region_of
from medfake.vocabulary import Modality

CUBE_MM: Final = 32.0
"""Edge of what CT-GAN cuts out and pastes back (Mirsky et al. 2019)."""
_BLOCK_PX = 16
_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_FLOOR = 0.5  # HU; a block without any noise has this much
FEATURES: Final = 3 * len(_QUANTILES) + 1

Slice = NDArray[np.int16]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Square:
    """A square to blank.

    Attributes:
        y: Row of its centre, px.
        x: Column of its centre, px.
        half_px: Half of its edge.
        borrowed: Whether it moves to the nearest lung, because another slice's place need not be in this one's.
        spacing_mm: Of the slice.
        modality: Of the slice: it says what stands where lung is said here, see `medfake.regions`.
    """

    y: float
    x: float
    half_px: float
    borrowed: bool
    spacing_mm: float
    modality: Modality = Modality.CT


def describe(slices: Sequence[Slice], squares: Sequence[Square], jobs: int = -1) -> NDArray[np.float64]:
    """Describe slices by the noise of their lungs, whole and with a square blanked.

    Every lung block of 16 x 16 px gives the log of the standard deviation of its second differences along rows and
    columns, their ratio, and the log of its standard deviation; a slice is described by quantiles of these over its
    blocks, and by the share of the slice that is lung. Blocks that a blanked square touches are left out, so that
    neither what it held nor its edge is seen.

    Args:
        slices: (rows, cols) int16 Hounsfield units each.
        squares: Of each slice.
        jobs: Processes.

    Returns:
        (slices, 2, 22) float64, whole then blanked; zeros where no lung or air is left.
    """
    work = (delayed(_describe)(one, square) for one, square in zip(slices, squares, strict=True))
    return np.array(list(Parallel(n_jobs=jobs, batch_size=8)(work))).reshape(-1, 2, FEATURES)


def fast_detector(seed: int) -> Any:
    """A linear model on what `describe` returns, not fitted yet; the same seed fits the same model."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=2000, random_state=seed))


def _describe(hu: Slice, square: Square) -> NDArray[np.float64]:
    hu = np.asarray(hu)
    lungs = region_of(square.modality).in_slice(hu, square.spacing_mm)
    if not lungs.any():  # a square inside the chest shows no body to find lungs in
        lungs = hu < AIR_BELOW_HU
    if not lungs.any():
        return np.zeros((2, FEATURES))
    blank = _blank(lungs, square)
    rows, cols = _around(lungs)
    inside = _blocks(lungs[rows, cols]).mean(axis=-1) > 0.9
    if not inside.any():
        return np.zeros((2, FEATURES))
    image = hu[rows, cols].astype(np.float32)
    along_y = np.diff(np.pad(image, ((1, 1), (0, 0)), mode="reflect"), 2, axis=0)
    along_x = np.diff(np.pad(image, ((0, 0), (1, 1)), mode="reflect"), 2, axis=1)
    noise_y, noise_x, spread = (np.log(_blocks(one)[inside].std(axis=-1) + _FLOOR) for one in (along_y, along_x, image))
    measured = np.stack([(noise_y + noise_x) / 2, noise_y - noise_x, spread])
    untouched: Mask = ~_blocks(blank[rows, cols])[inside].any(axis=-1)
    return np.stack([_summary(measured, lungs), _summary(measured[:, untouched], lungs & ~blank)])


def _summary(measured: NDArray[np.float32], lungs: Mask) -> NDArray[np.float64]:
    """(3, blocks) -> (features,)."""
    if not measured.shape[1]:
        return np.zeros(FEATURES)
    return np.append(np.quantile(measured, _QUANTILES, axis=1).T.ravel(), lungs.mean()).astype(np.float64)


def _blank(lungs: Mask, square: Square) -> Mask:
    y, x = square.y, square.x
    if square.borrowed:
        pixels = np.argwhere(lungs)
        y, x = pixels[((pixels - (y, x)) ** 2).sum(axis=1).argmin()]
    blank = np.zeros_like(lungs)
    half = square.half_px
    top, bottom, left, right = (max(0, round(edge)) for edge in (y - half, y + half, x - half, x + half))
    blank[top:bottom, left:right] = True
    return blank


def _around(lungs: Mask) -> tuple[slice, slice]:
    """The least whole blocks of the slice's grid that hold the lungs, as far as whole blocks reach."""
    ends = []
    for axis in (0, 1):
        found = np.flatnonzero(lungs.any(axis=1 - axis))
        whole = lungs.shape[axis] // _BLOCK_PX * _BLOCK_PX
        first, last = int(found[0]) // _BLOCK_PX, int(found[-1]) // _BLOCK_PX
        ends.append(slice(first * _BLOCK_PX, min((last + 1) * _BLOCK_PX, whole)))
    return ends[0], ends[1]


def _blocks(image: NDArray[Any]) -> NDArray[Any]:
    """(rows, cols), whole blocks -> (blocks down, blocks across, pixels of a block)."""
    down, across = (edge // _BLOCK_PX for edge in image.shape)
    tiles = image.reshape(down, _BLOCK_PX, across, _BLOCK_PX).swapaxes(1, 2)
    return tiles.reshape(down, across, -1)
