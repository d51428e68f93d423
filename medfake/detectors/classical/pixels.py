"""Slices as rows of pixels, as many as memory holds."""

import math
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.datasets.dataset import Dataset
from medfake.detectors.classical.options import PROCESS_GB, PixelOptions
from medfake.errors import TrainingError

UNIT_HU: Final = np.float32(1000)
_BATCH: Final = 64  # slices converted at once
_LEAST: Final = 20  # slices that there is any sense in learning from
Pixels = NDArray[np.float32]


def read_pixels(dataset: Dataset, rows: pd.DataFrame, pool: int) -> Pixels:
    """Read slices batch by batch, so that no more than the result is held in memory.

    Args:
        dataset: Of the rows.
        rows: Of the manifest, all of one image size.
        pool: Edge in px of squares that are averaged; a rest at the border is left out.

    Returns:
        (len(rows), pixels) float32 in 1000 HU.
    """
    table = np.empty((len(rows), pixels_of(rows, pool)), np.float32)
    done = 0
    for slices in dataset.batches(rows, _BATCH):
        table[done : done + len(slices)] = pooled(slices, pool)
        done += len(slices)
    return table


def pooled(slices: NDArray[np.int16], pool: int) -> Pixels:
    """(slices, rows, cols) HU -> (slices, pixels) float32 in 1000 HU, averaged over squares of `pool` px."""
    count, rows, cols = slices.shape
    cut = slices[:, : rows // pool * pool, : cols // pool * pool].astype(np.float32)
    squares = cut.reshape(count, rows // pool, pool, cols // pool, pool)
    means: Pixels = squares.mean(axis=(2, 4), dtype=np.float32).reshape(count, -1)
    return means / UNIT_HU


def pixels_of(rows: pd.DataFrame, pool: int) -> int:
    """Pixels of a slice after pooling."""
    return int(rows.rows.iloc[0]) // pool * (int(rows.cols.iloc[0]) // pool)


def most_slices(options: PixelOptions, pixels: int) -> int:
    """Slices of so many pixels that a fit may learn from within its `memory_gb`."""
    room, each, pair = (options.memory_gb - PROCESS_GB) * 1e9, options.bytes_per_pixel * pixels, options.bytes_per_pair
    return int(2 * room / (each + math.sqrt(each**2 + 4 * pair * room)))  # pair n^2 + each n = room


def bytes_for(options: PixelOptions, slices: float, pixels: int) -> float:
    """Of memory that a fit on so many slices takes, were it not bounded."""
    return PROCESS_GB * 1e9 + slices * pixels * options.bytes_per_pixel + slices**2 * options.bytes_per_pair


def within_memory(
    rows: pd.DataFrame, labels: NDArray[np.int_], options: PixelOptions, seed: int, where: str
) -> NDArray[np.intp]:
    """Places of the rows that memory allows to learn from, in their order: all, or a sample.

    Of each class as many are sampled, slices themselves before their copies, at random otherwise.

    Args:
        rows: Of the manifest, all of one image size.
        labels: (rows,) classes.
        options: `pool` and `memory_gb`.
        seed: Of the draw.
        where: Name of the data set.

    Raises:
        TrainingError: Memory holds hardly any.
    """
    most = most_slices(options, pixels_of(rows, options.pool))
    if len(rows) <= most:
        return np.arange(len(rows))
    if most < _LEAST:
        raise TrainingError(
            f"memory_gb holds fewer than {_LEAST} slices of this size", where=where,
            received=f"memory_gb {options.memory_gb:g}, pool {options.pool}",
            remedy="raise the detector's memory_gb or its pool",
        )  # fmt: skip
    order = np.random.default_rng(seed).permutation(len(rows))
    shuffled = pd.DataFrame({"copy": rows["transform"].to_numpy() != "", "label": labels}).iloc[order]
    shuffled = shuffled.sort_values("copy", kind="stable")
    turn = shuffled.groupby("label").cumcount().to_numpy()
    return np.sort(shuffled.index.to_numpy()[np.argsort(turn, kind="stable")[:most]])
