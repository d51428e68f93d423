"""The ROC curve with its bootstrap band."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medfake.metrics.bootstrap import Bootstrap, clusters_of, draw
from medfake.metrics.intervals import USABLE_SHARE
from medfake.metrics.scans import Floats
from medfake.metrics.weighted import curves

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RocBand:
    """ROC curve with its pointwise interval.

    Attributes:
        fpr: (points,) false positive rates, ascending.
        tpr: (points,) true positive rates of the rows as they are.
        grid: (101,) false positive rates 0..1 where the band is given.
        low: (101,) lower edge; empty when there is no band.
        high: (101,) upper edge.
    """

    fpr: Floats
    tpr: Floats
    grid: Floats
    low: Floats
    high: Floats


def roc_band(rows: "pd.DataFrame", bootstrap: Bootstrap | None = None) -> RocBand | None:
    """ROC curve of some rows with its bootstrap band.

    Args:
        rows: As for `evaluate_with_intervals`.
        bootstrap: As for `evaluate_with_intervals`.

    Returns:
        None when a class is missing.
    """
    from sklearn.metrics import roc_curve

    bootstrap = bootstrap or Bootstrap()
    if rows["label"].nunique() < 2:
        return None
    label, p = rows["label"].to_numpy(dtype=np.float64), rows["p_tampered"].to_numpy(dtype=np.float64)
    fpr, tpr, _ = roc_curve(label, p)
    grid = np.linspace(0, 1, 101)
    clusters = clusters_of(rows)
    none = np.empty(0)
    if clusters.count < 2:
        return RocBand(fpr, tpr, grid, none, none)
    resampled = [
        np.interp(grid, false / false[-1], true / true[-1])
        for trues, falses in curves(label, p, clusters.codes, draw(clusters.count, bootstrap))
        for true, false in zip(trues, falses, strict=True)
        if true[-1] > 0 and false[-1] > 0
    ]
    if len(resampled) < USABLE_SHARE * bootstrap.resamples:
        return RocBand(fpr, tpr, grid, none, none)
    tail = (1 - bootstrap.confidence) / 2
    low, high = np.quantile(np.stack(resampled), [tail, 1 - tail], axis=0)
    return RocBand(fpr, tpr, grid, low, high)
