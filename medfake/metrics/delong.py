"""Two detectors' AUC over the same scans: DeLong's test where one scan is one patient, else a paired bootstrap."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.intervals import Interval
from medfake.metrics.scans import Floats
from medfake.metrics.significance import paired_difference

if TYPE_CHECKING:
    import pandas as pd


class PairedTest(StrEnum):
    """How a difference was tested."""

    DELONG = "DeLong"
    BOOTSTRAP = "paired bootstrap over patients"


@dataclass(frozen=True)
class ScanAucDifference:
    """AUC of one detector minus that of another on the same scans.

    Attributes:
        value: -1..1.
        interval: None where there is too little to make one of.
        p_value: Two-sided, 0..1; None where there is no interval.
        test: Which.
        scans: That both scored.
    """

    value: float
    interval: Interval | None
    p_value: float | None
    test: PairedTest
    scans: int


@dataclass(frozen=True)
class CorrelatedAucs:
    """Two areas on the same cases.

    Attributes:
        first: Area of the first detector.
        second: Of the second.
        variance: Of their difference; 0 where both rank the same.
    """

    first: float
    second: float
    variance: float


def scan_auc_difference(
    first: "pd.DataFrame", second: "pd.DataFrame", bootstrap: Bootstrap
) -> ScanAucDifference | None:
    """Compare two detectors on scans.

    Scans of one patient are not independent, which DeLong's test takes cases to be: it is used only where every patient
    has one scan, and at least two of each class.

    Args:
        first: `scan_table` of one run and split.
        second: Of another run; scans that only one of them has are left out.
        bootstrap: Of the other test; its confidence is that of both intervals.

    Returns:
        None where the scans that both scored have one class only.
    """
    both = first.merge(second[["scan_id", "p_tampered"]], on="scan_id", suffixes=("", "_second"))
    tampered = int((both["label"] == 1).sum())
    if not 0 < tampered < len(both):
        return None
    if both["patient_id"].is_unique and min(tampered, len(both) - tampered) > 1:
        scores = [both[name].to_numpy(dtype=np.float64) for name in ("p_tampered", "p_tampered_second")]
        return _by_delong(delong(both["label"].to_numpy() == 1, *scores), bootstrap.confidence, len(both))
    cases = [table.assign(slice_id=table["scan_id"]) for table in (first, second)]
    found = paired_difference(cases[0], cases[1], bootstrap)
    if found is None:
        return None
    return ScanAucDifference(found.value, found.interval, found.p_value, PairedTest.BOOTSTRAP, len(both))


def delong(tampered: NDArray[np.bool_], first: Floats, second: Floats) -> CorrelatedAucs:
    """Areas of two detectors and the variance of their difference (DeLong, DeLong and Clarke-Pearson 1988).

    Args:
        tampered: (cases,) at least two of each class.
        first: (cases,) scores of the first detector; ties count one half.
        second: (cases,) of the second.
    """
    components = [_components(score[tampered], score[~tampered]) for score in (first, second)]
    of_tampered, of_real = (np.cov(np.stack([one[side] for one in components])) for side in (0, 1))
    covariance = of_tampered / tampered.sum() + of_real / (~tampered).sum()
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    return CorrelatedAucs(float(components[0][0].mean()), float(components[1][0].mean()), max(variance, 0.0))


def _components(tampered: Floats, real: Floats) -> tuple[Floats, Floats]:
    """Share of the other class that each case is ranked rightly against."""
    return _share_below(tampered, real), 1 - _share_below(real, tampered)


def _share_below(values: Floats, others: Floats) -> Floats:
    """Share of `others` that each value exceeds, ties one half."""
    ordered = np.sort(others)
    left, right = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    below: Floats = (left + right) / (2 * len(others))
    return below


def _by_delong(found: CorrelatedAucs, confidence: float, scans: int) -> ScanAucDifference:
    from scipy.stats import norm

    value, deviation = found.first - found.second, math.sqrt(found.variance)
    if deviation == 0 and value != 0:  # one without a fault, one wholly wrong: nothing to estimate from
        return ScanAucDifference(value, None, None, PairedTest.DELONG, scans)
    reach = float(norm.ppf((1 + confidence) / 2)) * deviation
    p_value = float(2 * norm.sf(abs(value) / deviation)) if deviation else 1.0
    return ScanAucDifference(value, Interval(value - reach, value + reach), p_value, PairedTest.DELONG, scans)
