"""The test slices that perturbations are measured on: the same for all detectors, perturbations and severities."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.config import RobustnessParams
from medfake.datasets.dataset import Dataset
from medfake.metrics.bootstrap import Bootstrap, Clusters, clusters_of, draw
from medfake.metrics.scans import Floats
from medfake.regions import LUNGS, Region, region_of
from medfake.robustness.registry import Slice
from medfake.vocabulary import Split


@dataclass(frozen=True)
class Sample:
    """Slices, what is known of them, and how often a bootstrap draws their patients.

    Attributes:
        rows: Of the manifest, in its order.
        slices: (rows, cols) int16 HU each.
        clusters: Of the rows.
        weights: (1 + resamples, clusters) how often each counts; the first row counts all once.
        region: Of the modality: where slices show none of it, nobody judges them.
    """

    rows: pd.DataFrame
    slices: Sequence[Slice]
    clusters: Clusters
    weights: Floats
    region: Region = LUNGS

    @property
    def label(self) -> NDArray[np.int64]:
        """(n,) 1 = tampered."""
        label: NDArray[np.int64] = self.rows.label.to_numpy(np.int64)
        return label

    @property
    def spacing_mm(self) -> Floats:
        """(n,) between rows and columns."""
        spacing: Floats = self.rows.spacing_mm.to_numpy(np.float64)
        return spacing

    @property
    def sites(self) -> Floats:
        """(n, 2) rows and columns of labelled sites, px; NaN for untampered slices and where no site is known."""
        known: Floats = self.rows[["site_y", "site_x"]].to_numpy(np.float64)
        sites: Floats = np.where(self.label[:, None] == 1, known, np.nan)
        return sites

    @cached_property
    def shows_lung(self) -> NDArray[np.bool_]:
        """(n,) before anything is done; all True of other modalities than CT."""
        seen = [self.region.in_view(hu, mm) for hu, mm in zip(self.slices, self.spacing_mm.tolist(), strict=True)]
        return np.array(seen, bool)


def draw_sample(dataset: Dataset, params: RobustnessParams, bootstrap: Bootstrap) -> Sample:
    """Draw slices of the test split, half of them tampered where there are as many; copies are none."""
    rows = dataset.split(Split.TEST)
    rows = rows[rows["transform"] == ""]
    rng = np.random.default_rng(params.seed)
    most = params.slices // 2
    chosen = []
    for label in (1, 0):
        own = np.flatnonzero(rows.label.to_numpy() == label)
        chosen.append(own if len(own) <= most else rng.choice(own, most, replace=False))
    rows = rows.iloc[np.sort(np.concatenate(chosen))]
    clusters = clusters_of(rows)
    once = np.ones((1, clusters.count))
    weights = np.vstack([once, draw(clusters.count, bootstrap)]) if clusters.count > 1 else once
    return Sample(rows, dataset.mapped(rows), clusters, weights, region_of(dataset.modality))
