"""Figures of whole scans."""

import numpy as np
import pandas as pd
import pytest

from medfake.log_odds import sigmoid
from medfake.metrics.left_out import (
    MeasuredScan,
    balanced_platt,
    false_alarms,
    figures_by_manipulation,
    measure_scans,
)


def scan(logit: float, manipulation: str = "", hit: bool | None = None) -> MeasuredScan:
    shows = np.array([False, bool(manipulation)])
    return MeasuredScan("patient-1", "", manipulation, logit, np.array([-3.0, logit]), shows, hit)


def test_a_detector_that_tells_all_scans_apart_has_perfect_figures() -> None:
    scans = [scan(-2 - index) for index in range(4)] + [scan(2 + index, "injection", True) for index in range(4)]
    figures = measure_scans(scans, 1.0, 0.0).attrs["figures"]
    assert set(figures.metrics.values()) == {1.0}
    assert figures.intervals["scan_auc"] == (1.0, 1.0)


def test_a_detector_that_says_the_same_of_all_scans_has_chance() -> None:
    scans = [scan(0.0) for _ in range(4)] + [scan(0.0, "removal", index < 1) for index in range(4)]
    figures = measure_scans(scans, 1.0, 0.0).attrs["figures"]
    assert figures.metrics["scan_auc"] == 0.5
    assert figures.metrics["hit_rate"] == 0.25
    assert (figures.metrics["sensitivity"], figures.metrics["specificity"]) == (1.0, 0.0)
    low, high = figures.intervals["hit_rate"]
    assert 0 <= low < 0.25 < high <= 1


def test_probabilities_are_calibrated_as_if_half_of_all_scans_were_tampered() -> None:
    rng = np.random.default_rng(0)
    logits = np.concatenate([rng.normal(1, 1, 900), rng.normal(-1, 1, 100)])
    a, b = balanced_platt(logits.tolist(), [True] * 900 + [False] * 100)
    p = sigmoid(a * logits + b)
    assert p[:900].mean() + p[900:].mean() == pytest.approx(1.0, abs=0.05)


def test_false_alarms_come_with_wilsons_interval() -> None:
    alarms = false_alarms(pd.Series([0.1] * 19 + [0.9]), 0.9)
    assert (alarms.scans, alarms.rate) == (20, 0.05)
    assert (alarms.low, alarms.high) == pytest.approx((0.0089, 0.2361), abs=1e-4)
    assert false_alarms(pd.Series([0.1, 0.2]), 0.9).rate == 0


def test_manipulations_are_told_the_weakest_first() -> None:
    untouched = [scan(-2.0), scan(0.0)]
    forged = [
        scan(3.0, "removal", True),
        scan(2.0, "removal", False),
        scan(-1.0, "poisson", False),
        scan(1.0, "poisson"),
    ]
    weakest, strongest = figures_by_manipulation([*untouched, *forged])
    assert (weakest.of, weakest.count, weakest.metrics) == ("poisson", 2, {"scan_auc": 0.75, "hit_rate": 0.0})
    assert (strongest.of, strongest.metrics) == ("removal", {"scan_auc": 1.0, "hit_rate": 0.5})
    assert strongest.intervals["scan_auc"] == (1.0, 1.0)
    low, high = weakest.intervals["scan_auc"] or (1, 0)
    assert low < 0.75 < high
