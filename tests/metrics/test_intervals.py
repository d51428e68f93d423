from dataclasses import astuple

import pandas as pd
import pytest

from medfake.metrics.binary import METRICS
from medfake.metrics.bootstrap import Bootstrap, draw
from medfake.metrics.intervals import evaluate_with_intervals

QUICK = Bootstrap(resamples=200)


def test_patients_make_a_wider_interval_than_slices_would(predict):
    test = predict(patients=10, patient_spread=2.0).query("split == 'test'")
    as_if_independent = test.assign(patient_id=test["slice_id"])
    width = [
        interval.high - interval.low
        for rows in (test, as_if_independent)
        if (interval := evaluate_with_intervals(rows, 0.5, QUICK).intervals["recall"])
    ]
    assert width[0] > 1.5 * width[1]


def test_equal_seeds_give_equal_intervals_in_any_order_of_rows(predict):
    test = predict().query("split == 'test'")
    first = evaluate_with_intervals(test, 0.5, QUICK)
    again = evaluate_with_intervals(test.sample(frac=1, random_state=2), 0.5, QUICK)
    for name in METRICS:
        assert astuple(again.intervals[name]) == pytest.approx(astuple(first.intervals[name]))
    assert evaluate_with_intervals(test, 0.5, QUICK).intervals == first.intervals
    assert evaluate_with_intervals(test, 0.5, Bootstrap(200, seed=2)).intervals != first.intervals


def test_the_figure_lies_in_its_interval(predict):
    measured = evaluate_with_intervals(predict().query("split == 'test'"), 0.5, QUICK)
    for name in ("auc", "accuracy", "recall", "specificity"):
        interval = measured.intervals[name]
        assert interval.low <= measured.metrics.values()[name] <= interval.high


def test_higher_confidence_makes_a_wider_interval(predict):
    test = predict().query("split == 'test'")
    wide, narrow = (evaluate_with_intervals(test, 0.5, Bootstrap(200, c)).intervals["auc"] for c in (0.99, 0.5))
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(("patients", "few"), [(4, True), (5, False)])
def test_fewer_than_five_patients_are_still_resampled_but_said_to_be_few(predict, patients, few):
    measured = evaluate_with_intervals(predict(patients=patients).query("split == 'test'"), 0.5, QUICK)
    assert (measured.unit, measured.clusters, measured.few) == ("patients", patients, few)


def test_with_one_patient_scans_are_resampled_and_the_unit_says_so(predict):
    measured = evaluate_with_intervals(predict(patients=1, scans_per_patient=6).query("split == 'test'"), 0.5, QUICK)
    assert (measured.unit, measured.clusters) == ("scans", 6)
    assert measured.intervals["auc"] is not None


def test_one_scan_has_figures_without_intervals(predict):
    measured = evaluate_with_intervals(predict(patients=1, scans_per_patient=1).query("split == 'test'"), 0.5, QUICK)
    assert measured.metrics.recall is not None
    assert set(measured.intervals.values()) == {None}


def test_resamples_of_one_class_are_dropped_and_counted(predict):
    test = predict(patients=4, scans_per_patient=1).query("split == 'test'").copy()
    real = test["patient_id"].isin(["p04", "p05"])
    test.loc[real, ["label", "manipulation"]] = [0, "none"]
    measured = evaluate_with_intervals(test, 0.5, QUICK)
    weights = draw(4, QUICK)
    one_class = (weights[:, :2].sum(axis=1) == 0) | (weights[:, 2:].sum(axis=1) == 0)
    assert measured.degenerate == one_class.sum() > 0


def test_an_undefined_figure_has_no_interval(predict):
    test = predict().query("split == 'test' and label == 1")
    measured = evaluate_with_intervals(test, 0.5, QUICK)
    assert measured.intervals["auc"] is None
    assert measured.intervals["recall"] is not None
    assert measured.degenerate == 0


def test_a_figure_that_most_resamples_leave_undefined_has_no_interval():
    patients = [f"p{n}" for n in range(10)]
    rows = pd.DataFrame({"patient_id": patients * 2, "label": [1, 0] * 10, "p_tampered": 0.1})
    rows["scan_id"] = rows["patient_id"]
    assert evaluate_with_intervals(rows, 0.5, QUICK).intervals["precision"] is None
