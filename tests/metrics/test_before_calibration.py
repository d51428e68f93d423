"""What was said before, out of what is said after; reliability as scikit-learn counts it."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from medfake.metrics.before_calibration import before_calibration, calibrated, reliability

P = np.random.default_rng(3).uniform(0.01, 0.99, 400)
LABEL = (np.random.default_rng(4).random(400) < P**2).astype(float)


def test_a_temperature_is_turned_round() -> None:
    logit = np.log(P / (1 - P))
    after = pd.DataFrame({"p_tampered": 1 / (1 + np.exp(-logit / 2.5))})
    np.testing.assert_allclose(before_calibration(after, {"temperature": 2.5}), P, rtol=1e-9)


def test_a_temperature_of_three_classes_is_turned_round() -> None:
    logits = np.random.default_rng(0).normal(0, 2, (50, 3))
    after = softmax(logits / 3, axis=1)
    rows = pd.DataFrame({"p_tampered": 1 - after[:, 0], "p_removed": after[:, 1], "p_injected": after[:, 2]})
    found = before_calibration(rows, {"temperature": 3.0})
    np.testing.assert_allclose(found, 1 - softmax(logits, axis=1)[:, 0], rtol=1e-9)


def test_platts_numbers_are_turned_round() -> None:
    logit = np.log(P / (1 - P))
    after = pd.DataFrame({"p_tampered": 1 / (1 + np.exp(-(0.4 * logit - 1)))})
    np.testing.assert_allclose(before_calibration(after, {"a": 0.4, "b": -1.0}), P, rtol=1e-6)


def test_certain_slices_stay_certain() -> None:
    rows = pd.DataFrame({"p_tampered": [0.0, 1.0]})
    assert before_calibration(rows, {"temperature": 0.5}).tolist() == [0.0, 1.0]


def test_reliability_is_scikit_learns() -> None:
    found = reliability(LABEL, P)
    share, p = calibration_curve(LABEL, P, n_bins=10)
    assert [one.p for one in found.bins] == pytest.approx(p, abs=1e-6)
    assert [one.share for one in found.bins] == pytest.approx(share, abs=1e-6)
    assert found.brier == pytest.approx(brier_score_loss(LABEL, P), abs=1e-6)
    gaps = sum(one.count * abs(one.p - one.share) for one in found.bins) / 400
    assert found.ece == pytest.approx(gaps, abs=1e-5)


def test_only_validation_is_looked_at() -> None:
    rows = pd.DataFrame({"split": ["val", "val", "test"], "label": [1, 0, 0], "p_tampered": [0.9, 0.2, 1.0]})
    found = calibrated(rows, {"temperature": 2.0})
    assert found is not None
    assert (found.slices, sum(one.count for one in found.before.bins)) == (2, 2)
    assert found == calibrated(rows.assign(p_tampered=[0.9, 0.2, 0.0]), {"temperature": 2.0})
    assert found.before.brier < found.after.brier


def test_what_was_not_calibrated_has_no_before() -> None:
    rows = pd.DataFrame({"split": ["val"], "label": [1], "p_tampered": [0.9]})
    assert calibrated(rows, {}) is None
    assert calibrated(rows.assign(split="test"), {"temperature": 2.0}) is None
