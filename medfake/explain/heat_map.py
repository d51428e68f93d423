"""What an explanation says of every pixel of a slice, at the slice's own resolution. Pure NumPy and SciPy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Place = tuple[float, float]
"""Row and column, px; whole numbers are centres of pixels."""


@dataclass(frozen=True)
class HeatMap:
    """How much each pixel of a slice speaks for "tampered".

    Attributes:
        values: (rows, cols), higher where more does; 0 or less where nothing does.
    """

    values: Floats

    @property
    def peak(self) -> Place | None:
        """Row and column, px, in the middle of the first patch of pixels that are highest.

        None where no pixel speaks for "tampered", or all do alike: such a map names no place.
        """
        from scipy import ndimage

        highest = float(self.values.max())
        if not highest > max(0.0, float(self.values.min())):
            return None
        pieces, _ = ndimage.label(self.values == highest, np.ones((3, 3)))
        first = np.argwhere(pieces == 1)
        nearest = first[np.square(first - first.mean(axis=0)).sum(axis=1).argmin()]
        return float(nearest[0]), float(nearest[1])


def spread(grid: Floats, shape: tuple[int, int], first_px: Place, step_px: Place) -> Floats:
    """Interpolate values of places to pixels, bilinear; beyond the outermost places theirs go on.

    Args:
        grid: (down, across) one value a place.
        shape: Rows and columns of the slice.
        first_px: Row and column of the first place.
        step_px: Between neighbouring places, down and across.

    Returns:
        `shape`; a pixel on a place has exactly its value.
    """
    values = np.asarray(grid, np.float64)
    for axis in (0, 1):
        count = values.shape[axis]
        at = np.clip((np.arange(shape[axis]) - first_px[axis]) / step_px[axis], 0, count - 1)
        low = np.floor(at).astype(int)
        share = np.expand_dims(at - low, 1 - axis)
        lower, upper = (values.take(index, axis) for index in (low, np.minimum(low + 1, count - 1)))
        values = lower * (1 - share) + upper * share
    return values


def stretch(grid: Floats, shape: tuple[int, int]) -> Floats:
    """Interpolate cells that fill a slice whatever its size is, as networks see that resize it; see `spread`."""
    down, across = (size / cells for size, cells in zip(shape, grid.shape, strict=True))
    return spread(grid, shape, ((down - 1) / 2, (across - 1) / 2), (down, across))
