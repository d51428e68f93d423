import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from medfake.config import FixedThreshold
from medfake.metrics.predictions import scan_table
from medfake.metrics.threshold import (
    AROUND,
    AS_ASKED,
    BAND,
    FIXED,
    YOUDEN,
    SliceThreshold,
    choose_scan_thresholds,
    choose_slice_threshold,
)


def slices(p, label, split="val"):
    return pd.DataFrame({"p_tampered": np.float32(p), "label": label, "split": split})


def test_no_cut_of_the_scores_has_a_higher_balanced_accuracy(predict):
    made = predict(skill=1.0)
    chosen = choose_slice_threshold(made)
    val = made[made["split"] == "val"]
    p = val["p_tampered"].to_numpy(float)
    every = [balanced_accuracy_score(val["label"], p >= cut) for cut in np.unique(p)]
    assert chosen.balanced_accuracy == pytest.approx(max(every))
    assert balanced_accuracy_score(val["label"], p >= chosen.value) == pytest.approx(max(every))
    assert chosen.rule == YOUDEN


def test_the_test_split_changes_nothing(predict):
    made = predict(skill=1.0)
    other = made.copy()
    test = other["split"] == "test"
    other.loc[test, "p_tampered"] = 1 - other.loc[test, "p_tampered"]
    assert choose_slice_threshold(other) == choose_slice_threshold(made)
    assert choose_scan_thresholds(scan_table(other), 0.5) == choose_scan_thresholds(scan_table(made), 0.5)


def test_separable_scores_are_cut_in_the_middle_of_the_gap():
    assert choose_slice_threshold(slices([0.1, 0.2, 0.6, 0.9], [0, 0, 1, 1])).value == pytest.approx(0.4)


def test_a_threshold_that_params_fix_is_taken_and_measured_on_validation():
    made = slices([0.1, 0.2, 0.6, 0.9], [0, 0, 1, 1])
    chosen = choose_slice_threshold(made, FixedThreshold(fixed=0.7))
    assert chosen == SliceThreshold(0.7, AS_ASKED, 0.75, tampered=2, real=2)
    assert choose_slice_threshold(made[:2], FixedThreshold(fixed=0.7)).balanced_accuracy is None


def test_a_score_at_the_fixed_threshold_is_tampered():
    made = slices([0.25, 0.5], [0, 1])
    assert choose_slice_threshold(made, FixedThreshold(fixed=0.5)).balanced_accuracy == 1.0


def test_of_equal_cuts_the_one_in_the_widest_gap_is_taken():
    chosen = choose_slice_threshold(slices([0.1, 0.2, 0.3, 0.7, 0.8, 0.9], [0, 1, 0, 1, 0, 1]))
    assert chosen.value == pytest.approx(0.5)


@pytest.mark.parametrize("label", [[0, 0, 0], [1, 1, 1]])
def test_one_class_gives_a_half_and_says_so(label):
    chosen = choose_slice_threshold(slices([0.1, 0.5, 0.9], label))
    assert (chosen.value, chosen.rule, chosen.balanced_accuracy) == (0.5, FIXED, None)


@pytest.mark.parametrize("p", [[0.9, 0.8, 0.2, 0.1], [0.3, 0.3, 0.3, 0.3]])
def test_scores_no_better_than_chance_give_a_half_and_say_so(p):
    assert choose_slice_threshold(slices(p, [0, 0, 1, 1])).rule == FIXED


def thresholds(tampered, real):
    scans = pd.DataFrame({"p_tampered": [*tampered, *real], "label": [1] * len(tampered) + [0] * len(real)})
    return choose_scan_thresholds(scans.assign(split="val"), 0.5)


def test_one_scan_of_each_class_is_enough():
    chosen = thresholds([0.9], [0.1])
    assert 0.1 < chosen.low < 0.5 < chosen.high < 0.9
    assert (chosen.rule, chosen.tampered, chosen.real) == (BAND, 1, 1)


def test_the_band_between_separable_classes_is_the_middle_third_in_logits():
    chosen = thresholds([0.9, 0.95], [0.05, 0.1])
    edge = np.log(9) / 3
    assert np.log([chosen.low / (1 - chosen.low), chosen.high / (1 - chosen.high)]) == pytest.approx([-edge, edge])


def test_the_band_of_overlapping_classes_is_the_overlap():
    chosen = thresholds([0.3, 0.8, 0.9], [0.1, 0.2, 0.6])
    assert 0.2 < chosen.low < 0.3
    assert 0.6 < chosen.high < 0.8


def test_a_real_scan_above_all_others_leaves_none_called_tampered():
    chosen = thresholds([0.3, 0.4], [0.1, 0.99999])
    assert chosen.high > 1 - 1e-4


def test_with_many_scans_one_in_twenty_may_be_on_the_wrong_side():
    real = [*np.linspace(0.1, 0.3, 19), 0.95]
    assert thresholds(np.linspace(0.7, 0.9, 20), real).high < 0.75
    assert thresholds(np.linspace(0.7, 0.9, 20), real[1:]).high > 0.9


def test_scans_of_one_class_put_the_band_around_the_slice_threshold():
    chosen = thresholds([0.8, 0.9], [])
    assert (chosen.low, chosen.high) == pytest.approx((1 / (1 + np.e), np.e / (1 + np.e)))
    assert chosen.rule == AROUND
