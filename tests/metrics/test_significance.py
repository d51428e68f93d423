import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.intervals import evaluate_with_intervals
from medfake.metrics.significance import holm, mcnemar, paired_difference
from medfake.vocabulary import PositiveClass

QUICK = Bootstrap(resamples=200)


def test_holm_by_hand():
    # sorted .01 .02 .03 .04 times 4 3 2 1 = .04 .06 .06 .04, made monotone
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_holm_never_exceeds_one():
    assert holm([0.6, 0.7]) == [1.0, 1.0]


def test_holm_leaves_out_what_was_not_tested():
    assert holm([None, 0.02, 0.5]) == [None, 0.04, 0.5]


def test_holm_of_nothing_is_nothing():
    assert holm([]) == []


def verdicts(both, only_first, only_second, neither):
    first = np.repeat([True, True, False, False], [both, only_first, only_second, neither])
    second = np.repeat([True, False, True, False], [both, only_first, only_second, neither])
    return first, second


@pytest.mark.parametrize(
    ("only_first", "only_second", "p_value"),
    [(8, 2, 112 / 1024), (0, 5, 2 / 32), (3, 3, 1.0), (0, 0, 1.0), (1, 0, 1.0)],
)
def test_mcnemar_by_hand(only_first, only_second, p_value):
    # twice the smaller binomial tail: 2 * (1 + 10 + 45) / 1024 for 2 of 10
    test = mcnemar(*verdicts(7, only_first, only_second, 4))
    assert (test.only_first, test.only_second) == (only_first, only_second)
    assert test.p_value == pytest.approx(p_value)


def test_the_difference_is_that_of_the_two_aucs(predict):
    good, bad = (
        predict(detector=name, skill=skill).query("split == 'test'") for name, skill in (("A", 3.0), ("B", 0.2))
    )
    difference = paired_difference(good, bad, QUICK)
    expected = roc_auc_score(good["label"], good["p_tampered"]) - roc_auc_score(bad["label"], bad["p_tampered"])
    assert difference.value == pytest.approx(expected)
    assert difference.interval.low > 0
    assert difference.p_value == pytest.approx(2 / 201)
    assert difference.unit == "patients"


def test_another_metric_is_compared_at_the_thresholds_of_both(predict):
    good, bad = (
        predict(detector=name, skill=skill).query("split == 'test'") for name, skill in (("A", 3.0), ("B", 0.2))
    )
    f1 = [f1_score(one["label"] == 0, one["p_tampered"] < cut) for one, cut in ((good, 0.3), (bad, 0.7))]
    real = paired_difference(good, bad, QUICK, metric="f1", thresholds=(0.3, 0.7), positive=PositiveClass.REAL)
    assert real.value == pytest.approx(f1[0] - f1[1])
    assert real.metric == "f1"
    assert real.interval.low < real.value < real.interval.high


def test_a_detector_does_not_differ_from_itself(predict):
    test = predict().query("split == 'test'")
    difference = paired_difference(test, test, QUICK)
    assert (difference.value, difference.p_value) == (0.0, 1.0)


def test_the_difference_changes_sign_with_the_order(predict):
    first, second = (predict(detector=name, skill=1.0).query("split == 'test'") for name in "AB")
    there, back = paired_difference(first, second, QUICK), paired_difference(second, first, QUICK)
    assert there.value == pytest.approx(-back.value)
    assert there.p_value == pytest.approx(back.p_value)


def test_only_slices_that_both_scored_are_compared(predict):
    test = predict().query("split == 'test'")
    assert paired_difference(test, test.query("label == 1"), QUICK) is None


def test_pairing_makes_the_interval_narrower_than_that_of_either_auc(predict):
    first = predict(patient_spread=1.0, skill=1.0).query("split == 'test'")
    noise = np.random.default_rng(0).normal(0, 0.01, len(first))
    second = first.assign(p_tampered=np.clip(first["p_tampered"] + noise, 0, 1))
    paired = paired_difference(first, second, QUICK).interval
    alone = evaluate_with_intervals(first, 0.5, QUICK).intervals["auc"]
    assert paired.high - paired.low < 0.5 * (alone.high - alone.low)


def test_one_scan_gives_a_difference_without_p_value(predict):
    test = predict(patients=1, scans_per_patient=1).query("split == 'test'").reset_index(drop=True)
    test.loc[:4, "label"] = 0
    difference = paired_difference(test, test, QUICK)
    assert (difference.interval, difference.p_value) == (None, None)
