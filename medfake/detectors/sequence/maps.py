"""Maps of a trunk on the scans of a data set: what sequences are cut from, and what calibration looks at."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medfake.datasets.dataset import Dataset
from medfake.package.scan_scorer import scored_scan
from medfake.package.scan_scores import ScoredScan
from medfake.package.scorer import RUN, Scorer
from medfake.progress import track


@dataclass(frozen=True)
class MappedScan:
    """A scan of a data set, through the trunk.

    Attributes:
        rows: Of the manifest, ascending along z.
        scored: What the trunk says of those slices.
    """

    rows: pd.DataFrame
    scored: ScoredScan


def mapped_scans(dataset: Dataset, split: str, trunk: Scorer) -> Iterator[MappedScan]:
    """Each scan of a split, slices of one size together; copies of slices that an augmentation made are left out."""
    rows = dataset.split(split)
    rows = rows[rows["transform"] == ""].sort_values(["scan_id", "z_mm"])
    groups = rows.groupby(["scan_id", "rows", "cols"], sort=True)
    for _, own in track(groups, f"maps of {split} scans", groups.ngroups):
        z_mm, spacing_mm = own.z_mm.to_numpy(np.float64), float(own.spacing_mm.iloc[0])
        parts = enumerate(dataset.batches(own, RUN))
        chunks = ((hu, z_mm[at * RUN : at * RUN + len(hu)]) for at, hu in parts)
        yield MappedScan(own, scored_scan(trunk, chunks, (spacing_mm, spacing_mm), copies=False))
