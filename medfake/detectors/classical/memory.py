"""As many slices as memory holds."""

import math
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.detectors.classical.options import PROCESS_GB, ClassicalOptions
from medfake.errors import TrainingError

_LEAST: Final = 20  # slices that there is any sense in learning from


def most_slices(options: ClassicalOptions, columns: int) -> int:
    """Slices of so many numbers that a fit may learn from within its `memory_gb`."""
    room = (options.memory_gb - PROCESS_GB) * 1e9
    each, pair = options.bytes_per_number * columns, options.bytes_per_pair
    return int(2 * room / (each + math.sqrt(each**2 + 4 * pair * room)))  # pair n^2 + each n = room


def bytes_for(options: ClassicalOptions, slices: float, columns: int) -> float:
    """Of memory that a fit on so many slices takes, were it not bounded."""
    return PROCESS_GB * 1e9 + slices * columns * options.bytes_per_number + slices**2 * options.bytes_per_pair


def within_memory(
    rows: pd.DataFrame, labels: NDArray[np.int_], options: ClassicalOptions, seed: int, where: str
) -> NDArray[np.intp]:
    """Places of the rows that memory allows to learn from, in their order: all, or a sample.

    Of each class as many are sampled, slices themselves before their copies, at random otherwise.

    Args:
        rows: Of the manifest.
        labels: (rows,) classes.
        options: `memory_gb`, and how many numbers of a slice are seen.
        seed: Of the draw.
        where: Name of the data set.

    Raises:
        TrainingError: Memory holds hardly any.
    """
    most = most_slices(options, options.columns(int(rows.rows.iloc[0]), int(rows.cols.iloc[0])))
    if len(rows) <= most:
        return np.arange(len(rows))
    if most < _LEAST:
        raise TrainingError(
            f"memory_gb holds fewer than {_LEAST} slices of this size", where=where,
            received=f"memory_gb {options.memory_gb:g}",
            remedy="raise the detector's memory_gb, or its pool where it has one",
        )  # fmt: skip
    order = np.random.default_rng(seed).permutation(len(rows))
    shuffled = pd.DataFrame({"copy": rows["transform"].to_numpy() != "", "label": labels}).iloc[order]
    shuffled = shuffled.sort_values("copy", kind="stable")
    turn = shuffled.groupby("label").cumcount().to_numpy()
    return np.sort(shuffled.index.to_numpy()[np.argsort(turn, kind="stable")[:most]])
