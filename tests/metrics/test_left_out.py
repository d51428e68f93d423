"""Figures of whole scans."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from medfake.log_odds import logit, sigmoid
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.left_out import (
    MeasuredScan,
    MeasuredSlice,
    balanced_platt,
    false_alarms,
    figures_by_manipulation,
    figures_of_scans,
    figures_of_slices,
    measure_scans,
)
from medfake.package.copied import COPIED_P


def scan(logit: float, manipulation: str = "", hit: bool | None = None) -> MeasuredScan:
    shows = np.array([False, bool(manipulation)])
    return MeasuredScan("patient-1", "", manipulation, logit, np.array([-3.0, logit]), shows, hit)


def test_a_detector_that_tells_all_scans_apart_has_perfect_figures() -> None:
    scans = [scan(-2 - index) for index in range(4)] + [scan(2 + index, "injection", True) for index in range(4)]
    figures = measure_scans(scans, 0.5).attrs["figures"]
    assert set(figures.metrics.values()) == {1.0}
    assert figures.intervals["scan_auc"] == (1.0, 1.0)


def test_a_detector_that_says_the_same_of_all_scans_has_chance() -> None:
    scans = [scan(0.0) for _ in range(4)] + [scan(0.0, "removal", index < 1) for index in range(4)]
    figures = measure_scans(scans, 0.5).attrs["figures"]
    assert figures.metrics["scan_auc"] == 0.5
    assert figures.metrics["hit_rate"] == 0.25
    assert (figures.metrics["sensitivity"], figures.metrics["specificity"]) == (1.0, 0.0)
    low, high = figures.intervals["hit_rate"]
    assert 0 <= low < 0.25 < high <= 1


def test_sensitivity_and_specificity_are_those_at_the_threshold() -> None:
    scans = [scan(index - 2.0) for index in range(4)] + [scan(index - 1.0, "removal", True) for index in range(4)]
    for threshold, sensitivity, specificity in ((0.5, 0.75, 0.5), (0.7, 0.5, 0.75), (0.9, 0.0, 1.0)):
        metrics = measure_scans(scans, threshold).attrs["figures"].metrics
        assert (metrics["sensitivity"], metrics["specificity"]) == (sensitivity, specificity)


def test_probabilities_are_calibrated_as_if_half_of_all_scans_were_tampered() -> None:
    rng = np.random.default_rng(0)
    logits = np.concatenate([rng.normal(1, 1, 900), rng.normal(-1, 1, 100)])
    a, b = balanced_platt(logits.tolist(), [True] * 900 + [False] * 100)
    p = sigmoid(a * logits + b)
    assert p[:900].mean() + p[900:].mean() == pytest.approx(1.0, abs=0.05)


def test_a_copy_counts_as_when_a_scan_is_served() -> None:
    one = replace(scan(-2.0, "copy-move", True), copied_slices=(1,))
    after = one.calibrated(2.0, 1.0)
    assert after.logit == pytest.approx(logit(COPIED_P, 1e-6))
    assert after.slice_logits.tolist() == pytest.approx([-5.0, float(logit(COPIED_P, 1e-6))])
    assert one.slice_logits.tolist() == [-3.0, -2.0]
    assert scan(-2.0).calibrated(2.0, 1.0).logit == -3.0
    table = measure_scans([after, scan(-2.0)], 0.5)
    assert table.copied.tolist() == [True, False]
    assert table.p[0] == pytest.approx(COPIED_P)


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


def test_figures_of_a_part_say_what_they_rest_on() -> None:
    scans = [scan(-2.0), scan(0.0), scan(3.0, "removal", True), scan(-1.0, "removal", False)]
    figures = figures_of_scans(scans, Bootstrap(resamples=100))
    assert (figures.scan_auc.value, figures.hit_rate.value) == (0.75, 0.5)
    assert (figures.forged, figures.untouched, figures.shown, figures.clean) == (2, 2, 2, 4)
    assert figures.slice_auc.value == pytest.approx(7 / 8)  # 3 above all four, -1 above -3, -2 and -3
    assert figures.scan_auc.interval is not None
    assert figures.scan_auc.interval.low < 0.75 <= figures.scan_auc.interval.high


def test_figures_of_a_part_are_undefined_without_untouched_scans_and_slices_without_a_number_do_not_count() -> None:
    blind = MeasuredScan("patient-1", "", "removal", 1.0, np.array([np.nan, 2.0]), np.array([True, True]), hit=True)
    figures = figures_of_scans([blind], Bootstrap(resamples=100))
    assert (figures.scan_auc.value, figures.slice_auc.value, figures.hit_rate.value) == (None, None, 1.0)
    assert (figures.forged, figures.untouched, figures.shown, figures.clean) == (1, 0, 1, 0)


def test_single_slices_are_told_from_themselves_before_and_patients_are_resampled() -> None:
    slices = [
        MeasuredSlice("patient-1", "0", "GE", 2.0, -1.0, hit=True),
        MeasuredSlice("patient-2", "1", "GE", 0.0, 1.0, hit=False),
    ]
    auc, hits = figures_of_slices(slices, Bootstrap(resamples=100))
    assert (auc.value, hits.value) == (0.75, 0.5)
    assert hits.interval is not None
    assert (hits.interval.low, hits.interval.high) == (0.0, 1.0)
    alone, _ = figures_of_slices(slices[:1], Bootstrap(resamples=100))
    assert (alone.value, alone.interval) == (1.0, None)
