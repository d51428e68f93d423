"""Which test slices are explained: the same for all detectors of a data set, spread over patients."""

from typing import TYPE_CHECKING

import numpy as np

from medfake.datasets.dataset import Dataset
from medfake.vocabulary import Split

if TYPE_CHECKING:
    import pandas as pd


def sample_slices(dataset: Dataset, most: int, seed: int) -> "pd.DataFrame":
    """Draw manipulated test slices with a known site: one of each patient, then a second one, and so on.

    Args:
        dataset: With a test split.
        most: Slices, at least one.
        seed: Of the draw.

    Returns:
        Rows of the manifest, sorted by slice_id; none where no manipulated test slice has a site.
    """
    rows = dataset.split(Split.TEST)
    rows = rows[(rows.label == 1) & rows.site_y.notna()].sort_values("slice_id")
    shuffled = rows.iloc[np.random.default_rng(seed).permutation(len(rows))]
    turn = shuffled.groupby("patient_id").cumcount()
    return shuffled.iloc[np.argsort(turn.to_numpy(), kind="stable")[:most]].sort_values("slice_id", ignore_index=True)
