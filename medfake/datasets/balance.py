"""50:50 in every split, by down-sampling at random."""

import numpy as np
import pandas as pd


def balance(slices: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Keep as many slices of each class as the rarer one has, in every split.

    Args:
        slices: With `label` and `split`.
        seed: Of the draw.

    Returns:
        The kept rows in their old order.
    """
    rng = np.random.default_rng(seed)
    kept: list[int] = []
    for _, split in slices.groupby("split", sort=True):
        count = int(split.label.value_counts().reindex([0, 1], fill_value=0).min())
        for label in (0, 1):
            rows = split.index[split.label == label].to_numpy()
            kept += list(rng.choice(rows, size=count, replace=False))
    return slices.loc[sorted(kept)]
