"""Copies of slices by flips, shifts and rotations: an augmented set is a data set of its own, not a training trick."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.config import AugmentParams

AIR_HU = -1024  # what comes in from outside


def transforms(params: AugmentParams) -> list[str]:
    """Words for all copies of a slice, the slice itself not among them (Solaiyappan and Wen, section 3.1.3).

    Flips "flip-y" (rows reversed), "flip-x", "flip-yx"; shifts such as "shift+4-4" (down, left); rotations such as
    "rotate006" (degrees, counter-clockwise). They are alternatives, not combined with each other.
    """
    step = params.shift_px
    flips = ["flip-y", "flip-x", "flip-yx"] if params.flips else []
    shifts = [f"shift{dy:+d}{dx:+d}" for dy in (-step, 0, step) for dx in (-step, 0, step) if step and (dy or dx)]
    turns = range(params.rotate_step_deg, 360, params.rotate_step_deg) if params.rotate_step_deg else ()
    return [*flips, *shifts, *(f"rotate{degrees:03d}" for degrees in turns)]


def expand(rows: pd.DataFrame, params: AugmentParams | None) -> pd.DataFrame:
    """Add a row for every copy, right after its slice, in the splits that are augmented.

    Args:
        rows: With `split`.
        params: None for no copies.

    Returns:
        The rows with `transform`, "" for the slice itself; the index counts anew.
    """
    plain = rows.assign(transform="").reset_index(drop=True)
    if params is None:
        return plain
    words = ["", *transforms(params)]
    chosen = plain.split.isin(params.splits).to_numpy()
    times = np.where(chosen, len(words), 1)
    repeated = plain.loc[plain.index.repeat(times)]
    copy = np.arange(len(repeated)) - np.repeat(np.cumsum(times) - times, times)
    return repeated.assign(transform=np.array(words, dtype=object)[copy]).reset_index(drop=True)


def apply(pixels: NDArray[np.int16], transform: str) -> NDArray[np.int16]:
    """Make one copy; what comes in from outside is air.

    Args:
        pixels: (rows, cols) int16 Hounsfield units.
        transform: A word of `transforms`, "" for none.

    Returns:
        Same shape and dtype.
    """
    if transform.startswith("flip-"):
        axes = tuple("yx".index(axis) for axis in transform.removeprefix("flip-"))
        return np.ascontiguousarray(np.flip(pixels, axes))
    if transform.startswith("shift"):
        return _shifted(pixels, *_steps(transform))
    if transform.startswith("rotate"):
        from scipy import ndimage

        turned = ndimage.rotate(
            pixels.astype(np.float64), _degrees(transform), reshape=False, order=1, cval=float(AIR_HU)
        )
        whole: NDArray[np.int16] = np.rint(turned).astype(np.int16)
        return whole
    return pixels


def move(y: float, x: float, transform: str, rows: int, cols: int) -> tuple[float, float]:
    """Where a pixel of a slice lies in its copy, px; it may lie outside."""
    if transform.startswith("flip-"):
        axes = transform.removeprefix("flip-")
        return (rows - 1 - y if "y" in axes else y, cols - 1 - x if "x" in axes else x)
    if transform.startswith("shift"):
        down, right = _steps(transform)
        return y + down, x + right
    if transform.startswith("rotate"):
        angle = np.deg2rad(_degrees(transform))
        centre_y, centre_x = (rows - 1) / 2, (cols - 1) / 2
        dy, dx = y - centre_y, x - centre_x
        cos, sin = float(np.cos(angle)), float(np.sin(angle))
        return centre_y + cos * dy - sin * dx, centre_x + sin * dy + cos * dx
    return y, x


def _steps(transform: str) -> tuple[int, int]:
    signs = transform.removeprefix("shift").replace("-", " -").replace("+", " +").split()
    return int(signs[0]), int(signs[1])


def _degrees(transform: str) -> int:
    return int(transform.removeprefix("rotate"))


def _shifted(pixels: NDArray[np.int16], dy: int, dx: int) -> NDArray[np.int16]:
    out = np.full_like(pixels, AIR_HU)
    rows, cols = pixels.shape
    to_y, to_x = (slice(max(step, 0), edge + min(step, 0)) for step, edge in ((dy, rows), (dx, cols)))
    from_y, from_x = (slice(max(-step, 0), edge + min(-step, 0)) for step, edge in ((dy, rows), (dx, cols)))
    out[to_y, to_x] = pixels[from_y, from_x]
    return out
