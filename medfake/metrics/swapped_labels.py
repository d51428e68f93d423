"""Labels as they might have been: what is measured with them is what chance gives."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def swap_labels(rows: pd.DataFrame, rng: np.random.Generator) -> NDArray[np.int64]:
    """Give every scan the labels of a random other, in random order, repeated or cut to its number of slices.

    Labels move between whole scans, because slices of a scan resemble each other.

    Args:
        rows: Columns scan_id and label.
        rng: Source of chance.

    Returns:
        (rows,) labels, in the order of `rows`.
    """
    labels = rows.label.to_numpy(dtype=np.int64)
    codes, names = pd.factorize(rows["scan_id"].to_numpy(dtype=str))
    scans = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes, minlength=len(names)))[:-1])
    swapped = np.empty_like(labels)
    for own, donor in zip(scans, rng.permutation(len(scans)), strict=True):
        swapped[own] = np.resize(rng.permutation(labels[scans[donor]]), len(own))
    return swapped
