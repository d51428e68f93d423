"""What the noise around the blobs of a slice looks like, in a form that is the same however it was flipped.

Blobs (vessels cut across, grains of noise) are found wherever they are copied to, so that patches around them need no
grid that a copy would not lie on. A patch is the residual noise around a blob as cosine coefficients (Ahmed et al.
1974), each divided by what it usually is in the slice: edges and vessels, which are alike everywhere, then weigh no
more than grains, which are not. Flips and turns by right angles change signs and order of the coefficients only; each
patch is brought to one of its eight forms, and which one it had is kept.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.lungs import deep_lung

EDGE_PX: Final = 13
"""Edge of a patch."""
FORMS: Final = 8
"""Of a patch: flipped down, flipped across, and rows for columns."""

_DARKEST_HU, _BRIGHTEST_HU = -1024, 200
_NOISE_PX = 1.6  # sigma of what is taken away to leave noise
_BLOB_PX = (1.0, 2.2)  # sigmas between which blobs stand out
_APART_PX = 5  # edge of the square of which a blob is the strongest point
_LOUDEST = 1.5  # in deviations of the slice's noise: a vessel is no louder than noise is
_LEAST_PATCHES = 50  # of a slice, to know what is usual in it
_LEAST_SPREAD = 0.2  # of a patch, in deviations of the slice's noise: values that were cut off are alike everywhere
_FLOOR = 0.1  # of the usual coefficient, or rounded ones would be blown up
_FINEST = 9  # rows and columns of coefficients
_FINEST_SUM = 10  # of a coefficient's row and column


def _cosines() -> NDArray[np.float32]:
    at, order = np.arange(EDGE_PX), np.arange(_FINEST)
    waves = np.cos(np.pi * (2 * at[:, None] + 1) * order / (2 * EDGE_PX))
    normed: NDArray[np.float32] = (waves / np.linalg.norm(waves, axis=0)).astype(np.float32)
    return normed


_COSINES: Final = _cosines()
_DOWN, _ACROSS = np.mgrid[:_FINEST, :_FINEST]
_KEPT: Final = (_DOWN + _ACROSS > 0) & (_DOWN + _ACROSS <= _FINEST_SUM)
FINENESS: Final = (_DOWN + _ACROSS)[_KEPT]
"""(coefficients,) 1..10, of each in a code: what is fine is the first to be lost."""


@dataclass(frozen=True)
class Patches:
    """The n patches of a slice.

    Attributes:
        at_px: (n, 2) int32 row and column of their centres.
        code: (n, 51) float32 coefficients, of unit length.
        form: (n,) int8, 0..7: which of its forms the patch had, see `form_matrix`.
    """

    at_px: NDArray[np.int32]
    code: NDArray[np.float32]
    form: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.form)


def describe(hu: NDArray[np.int16], spacing_mm: float) -> Patches:
    """Describe the noise of the lungs of a slice.

    Args:
        hu: (rows, cols) int16 Hounsfield units.
        spacing_mm: Between rows and columns.

    Returns:
        Of 200 to 2000 blobs; none where a slice shows little lung.
    """
    from scipy.ndimage import gaussian_filter

    lung = deep_lung(hu, spacing_mm)  # walls of one curve are alike
    if not lung.any():
        return _none()
    box, corner = _box(lung)
    lung = lung[box]
    image = np.clip(hu[box], _DARKEST_HU, _BRIGHTEST_HU).astype(np.float32)
    residual = image - gaussian_filter(image, _NOISE_PX)
    usual = np.exp(np.log(np.abs(residual[lung]) + 0.5).mean()) / 0.53  # a deviation, where it is Gaussian noise
    noise = np.clip(residual / usual, -_LOUDEST, _LOUDEST)
    blobs = np.abs(gaussian_filter(image, _BLOB_PX[0]) - gaussian_filter(image, _BLOB_PX[1]))
    at = _strongest(blobs, lung)
    half = EDGE_PX // 2
    patches = np.lib.stride_tricks.sliding_window_view(noise, (EDGE_PX, EDGE_PX))[at[:, 0] - half, at[:, 1] - half]
    spread = patches.std(axis=(1, 2)) > _LEAST_SPREAD
    if int(spread.sum()) < _LEAST_PATCHES:
        return _none()
    code, form = _one_form(_COSINES.T @ patches[spread] @ _COSINES)
    return Patches((at[spread] + corner).astype(np.int32), code, form)


def form_matrix(form: int) -> NDArray[np.int64]:
    """(2, 2) what was done to a patch to bring it to its one form, as a matrix on (row, column) from its centre."""
    flips = np.diag([-1 if form & 1 else 1, -1 if form & 2 else 1])
    return np.array([[0, 1], [1, 0]]) @ flips if form & 4 else flips


def _none() -> Patches:
    return Patches(np.zeros((0, 2), np.int32), np.zeros((0, len(FINENESS)), np.float32), np.zeros(0, np.int8))


def _box(lung: NDArray[np.bool_]) -> tuple[tuple[slice, slice], NDArray[np.int64]]:
    """What holds the lungs and a patch around them, and its corner."""
    edges = [np.flatnonzero(lung.any(axis=1 - axis))[[0, -1]] for axis in (0, 1)]
    starts = [max(0, int(first) - EDGE_PX) for first, _ in edges]
    stops = [int(last) + EDGE_PX + 1 for _, last in edges]
    return (slice(starts[0], stops[0]), slice(starts[1], stops[1])), np.array(starts)


def _strongest(blobs: NDArray[np.float32], lung: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(n, 2) points of the lungs that are the strongest around, so far inside that a patch fits."""
    from scipy.ndimage import maximum_filter

    peaks = (blobs == maximum_filter(blobs, _APART_PX)) & lung
    half = EDGE_PX // 2
    inside = np.zeros_like(peaks)
    inside[half : peaks.shape[0] - half, half : peaks.shape[1] - half] = True
    return np.argwhere(peaks & inside)


def _one_form(waves: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Coefficients of patches -> their codes, and which of its forms each had."""
    usual = np.sqrt((waves**2).mean(axis=0))
    usual = (usual + usual.T) / 2  # else rows for columns would not be the same patch
    waves = waves / (usual + _FLOOR * usual.mean())
    odd_down = waves[:, 1, 0] + 0.5 * waves[:, 1, 2] + 0.5 * waves[:, 3, 0]
    odd_across = waves[:, 0, 1] + 0.5 * waves[:, 2, 1] + 0.5 * waves[:, 0, 3]
    down, across = odd_down < 0, odd_across < 0
    waves = waves * np.where(down[:, None, None] & (_DOWN % 2 == 1), -1, 1)
    waves = waves * np.where(across[:, None, None] & (_ACROSS % 2 == 1), -1, 1)
    swapped = np.abs(odd_down) < np.abs(odd_across)
    waves = np.where(swapped[:, None, None], waves.transpose(0, 2, 1), waves)
    code = waves[:, _KEPT]
    code = code / np.linalg.norm(code, axis=1, keepdims=True)
    return code.astype(np.float32), (down + 2 * across + 4 * swapped).astype(np.int8)
