"""Resampling of whole patients.

Slices of one patient resemble each other: resampling slices would pretend that there are far more independent cases
than there are, and the intervals would be too narrow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medfake.config import EvaluationParams
from medfake.metrics.scans import Floats

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are made.

    Attributes:
        resamples: Number of resamples.
        confidence: Share of resamples inside the interval, 0..1.
        seed: Equal seeds give equal intervals.
    """

    resamples: int = 1000
    confidence: float = 0.95
    seed: int = 1

    @classmethod
    def of(cls, params: EvaluationParams) -> "Bootstrap":
        """As the study's `evaluation` block says."""
        return cls(params.bootstrap, params.confidence, params.seed)


@dataclass(frozen=True)
class Clusters:
    """What is resampled whole.

    Attributes:
        codes: (n,) cluster of each row, 0..count - 1; independent of the rows' order.
        count: Number of clusters.
        unit: "patients", or "scans" where there is only one patient.
    """

    codes: NDArray[np.intp]
    count: int
    unit: str


def clusters_of(rows: "pd.DataFrame") -> Clusters:
    """Group rows by patient, or by scan where there is only one patient.

    Args:
        rows: Columns patient_id and scan_id.
    """
    return cluster(rows["patient_id"].to_numpy(dtype=str), rows["scan_id"].to_numpy(dtype=str))


def cluster(patient_ids: Sequence[str] | NDArray[np.str_], scan_ids: Sequence[str] | NDArray[np.str_]) -> Clusters:
    """Group rows by patient, or by scan where there is only one patient.

    Args:
        patient_ids: (n,) one a row.
        scan_ids: (n,) likewise.
    """
    unit = "patients" if len(set(patient_ids)) > 1 else "scans"
    names, codes = np.unique(np.asarray(patient_ids if unit == "patients" else scan_ids, str), return_inverse=True)
    return Clusters(codes, len(names), unit)


def draw(count: int, bootstrap: Bootstrap) -> Floats:
    """How often each cluster is in each resample: (resamples, count) float64, every row sums to `count`."""
    rng = np.random.default_rng(bootstrap.seed)
    return rng.multinomial(count, np.full(count, 1 / count), size=bootstrap.resamples).astype(np.float64)
