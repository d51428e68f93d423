"""A fast detector for probes: noise statistics of lung blocks, and a linear model on them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from medfake.datasets.lungs import AIR_BELOW_HU, lung_mask

_BLOCK_PX = 16
_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_FLOOR = 0.5  # HU; a block without any noise has this much
FEATURES = 3 * len(_QUANTILES) + 1

Slice = NDArray[np.int16]
Prepare = Callable[[Slice, int], Slice]


def features(slices: Sequence[Slice], spacings_mm: Sequence[float], jobs: int = -1) -> NDArray[np.float64]:
    """Describe slices by the noise of their lungs.

    Every lung block of 16 x 16 px gives the log of the standard deviation of its second differences along rows and
    columns, their ratio, and the log of its standard deviation; a slice is described by quantiles of these over its
    blocks, and by the share of the slice that is lung.

    Args:
        slices: (rows, cols) int16 Hounsfield units each.
        spacings_mm: Of each slice.
        jobs: Processes.

    Returns:
        (slices, 22) float64; zeros for a slice without lung or air.
    """
    work = (delayed(_describe)(one, spacing) for one, spacing in zip(slices, spacings_mm, strict=True))
    return np.stack(list(Parallel(n_jobs=jobs, batch_size=8)(work)))


def fast_detector(seed: int) -> Any:
    """A linear model on `features`, not fitted yet; the same seed fits the same model."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=2000, random_state=seed))


def _describe(hu: Slice, spacing_mm: float) -> NDArray[np.float64]:
    hu = np.asarray(hu)
    lungs = lung_mask(hu, spacing_mm)
    if not lungs.any():  # a square inside the chest shows no body to find lungs in
        lungs = hu < AIR_BELOW_HU
    image = hu.astype(np.float32)
    along_y, along_x = (np.diff(image, 2, axis=axis, prepend=0, append=0) for axis in (0, 1))
    inside = _blocks(lungs).mean(axis=-1) > 0.9
    if not inside.any():
        return np.zeros(FEATURES)
    noise_y, noise_x, spread = (np.log(_blocks(one).std(axis=-1)[inside] + _FLOOR) for one in (along_y, along_x, image))
    described = [np.quantile(one, _QUANTILES) for one in ((noise_y + noise_x) / 2, noise_y - noise_x, spread)]
    return np.concatenate([*described, [lungs.mean()]]).astype(np.float64)


def _blocks(image: NDArray[Any]) -> NDArray[Any]:
    """(rows, cols) -> (blocks down, blocks across, pixels of a block)."""
    rows, cols = (edge // _BLOCK_PX for edge in image.shape)
    cut = image[: rows * _BLOCK_PX, : cols * _BLOCK_PX]
    tiles = cut.reshape(rows, _BLOCK_PX, cols, _BLOCK_PX).swapaxes(1, 2)
    return tiles.reshape(rows, cols, -1)
