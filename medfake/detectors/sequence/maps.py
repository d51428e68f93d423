"""Maps of a trunk on the scans of a data set: what sequences are cut from, and what calibration looks at."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.datasets.dataset import Dataset
from medfake.datasets.run import Around, Run
from medfake.detectors.sequence.options import NEIGHBOURS_MM
from medfake.errors import TrainingError
from medfake.package.scan_scorer import Chunk, scored_scan
from medfake.package.scan_scores import ScoredScan
from medfake.package.scorer import RUN, Scorer
from medfake.progress import track
from medfake.regions import region_of
from medfake.vocabulary import Split


@dataclass(frozen=True)
class MappedScan:
    """A scan of a data set, through the trunk.

    Attributes:
        rows: Of the manifest, ascending along z.
        scored: What the trunk says of those slices and of those around them, ascending along z.
        ours: (rows,) which of the scored slices they are.
    """

    rows: pd.DataFrame
    scored: ScoredScan
    ours: NDArray[np.intp]


def mapped_scans(dataset: Dataset, split: str, trunk: Scorer, around: Around | None) -> Iterator[MappedScan]:
    """Each scan of a split; copies of slices that an augmentation made are left out.

    Args:
        dataset: Whose slices have labels.
        split: Of its splits.
        trunk: Judges slices.
        around: Reads what lies around them; None for sequences of the data set's own slices.

    Raises:
        SourceError: The scans are not those that the data set was made of.
    """
    rows, runs = _runs(dataset, split, around)
    of_scan = dict(list(rows.groupby("scan_id")))
    region = region_of(dataset.modality)
    for run in track(runs, f"maps of {split} scans", len(of_scan)):
        own = of_scan[run.scan_id]
        own = own[own.z_index.isin(run.z_index)]
        spacing_mm = float(own.spacing_mm.iloc[0])
        scored = scored_scan(trunk, _chunks(run), (spacing_mm, spacing_mm), copies=False, region=region)
        yield MappedScan(own, scored, np.searchsorted(run.z_index, own.z_index.to_numpy()))


def require_neighbours(dataset: Dataset, around: Around | None) -> None:
    """See to it, before anything is trained, that there is something along z to learn from; arguments as above.

    Raises:
        TrainingError: No scan of the train split has two slices so near to each other that both would be looked at, or
            slices are stored in parts, which do not lie over each other.
        SourceError: As above.
    """
    if dataset.view != "whole":
        raise TrainingError(
            "what looks along z needs whole slices: parts of neighbouring ones do not lie over each other",
            where=dataset.name, received=f"view {dataset.view}",
            remedy=f"set datasets.{dataset.name}.view to {{name: whole}}, or leave sequence detectors out of "
            "train.detectors for this data set",
        )  # fmt: skip
    rows, runs = _runs(dataset, Split.TRAIN, around)
    if not any((np.diff(run.z_mm) <= NEIGHBOURS_MM).any() for run in runs):
        raise TrainingError(
            f"no scan of the train split has two slices within {NEIGHBOURS_MM:g} mm: nothing can be learnt along z",
            where=dataset.name, received=f"{len(rows)} slices of {rows.scan_id.nunique()} scans",
            remedy="leave sequence detectors out of train.detectors for this data set, or give it whole series",
        )  # fmt: skip


def _runs(dataset: Dataset, split: str, around: Around | None) -> tuple[pd.DataFrame, Iterator[Run]]:
    """Rows of a split that are no copies, and what lies around them."""
    rows = dataset.split(split)
    rows = rows[rows["transform"] == ""].sort_values(["scan_id", "z_mm"])
    return rows, _own_runs(dataset, rows) if around is None else around(rows)


def _chunks(run: Run) -> Iterator[Chunk]:
    return ((run.volume[at : at + RUN], run.z_mm[at : at + RUN]) for at in range(0, len(run.z_mm), RUN))


def _own_runs(dataset: Dataset, rows: pd.DataFrame) -> Iterator[Run]:
    """Slices of the data set, scan by scan; of the first one's size where a scan has several."""
    for scan_id, every in rows.groupby("scan_id"):
        own = every[(every["rows"] == every["rows"].iloc[0]) & (every["cols"] == every["cols"].iloc[0])]
        yield Run(str(scan_id), dataset.slices(own), own.z_mm.to_numpy(np.float64), own.z_index.to_numpy())
