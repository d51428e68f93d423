"""Grids of samples beside real slices, as PNG."""

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.generators.material import Pixels

_GAP_PX: Final = 2
_BETWEEN_PX: Final = 16
_WIDEST_PX: Final = 128
"""Of a slice in a grid; larger ones are drawn with every other pixel's mean."""


def beside(samples: Pixels, real: Pixels, rows: int = 4, cols: int = 4) -> bytes:
    """A PNG: samples on the left, real slices on the right.

    Args:
        samples: (n, size, size, 1), -1..1; the first rows * cols are drawn.
        real: The same.
        rows: Of each half.
        cols: Of each half.
    """
    left, right = grid(samples, rows, cols), grid(real, rows, cols)
    gap = np.full((len(left), _BETWEEN_PX), 255, np.uint8)
    return png(np.concatenate([left, gap, right], axis=1))


def grid(pixels: Pixels, rows: int, cols: int) -> NDArray[np.uint8]:
    """Slices side by side, black for -1 and white for 1; places without a slice stay white."""
    shown = _small(pixels[: rows * cols, ..., 0])
    edge = shown.shape[1] + _GAP_PX
    page = np.full((rows * edge - _GAP_PX, cols * edge - _GAP_PX), 255, np.uint8)
    for number, one in enumerate(shown):
        top, left = edge * (number // cols), edge * (number % cols)
        page[top : top + len(one), left : left + len(one)] = np.clip(np.rint((one + 1.0) * 127.5), 0, 255)
    return page


def png(grey: NDArray[np.uint8]) -> bytes:
    """(rows, cols) of grey values as a PNG file."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(grey).save(file, "PNG", optimize=True)
    return file.getvalue()


def _small(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    times = -(-pixels.shape[1] // _WIDEST_PX)
    count, size = len(pixels), pixels.shape[1] // times
    return np.asarray(pixels.reshape(count, size, times, size, times).mean(axis=(2, 4)), np.float32)
