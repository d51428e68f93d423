"""Weights of a stack: what they converge to, what they never do, and figures of folds."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from medfake.detectors.stack.weights import CLIP, StackWeights, cross_fitted, fit_weights
from medfake.errors import TrainingError
from medfake.log_odds import logit, sigmoid

RNG = np.random.default_rng(5)


def _members(slices: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """P of three members: one good, one fair, one that guesses."""
    labels = np.arange(slices) % 2
    signs = 2.0 * labels - 1.0
    said = np.stack([skill * signs + RNG.normal(size=slices) for skill in (1.5, 0.7, 0.0)], axis=1)
    return sigmoid(said), labels


def test_without_a_penalty_the_weights_are_those_of_a_logistic_regression() -> None:
    p, labels = _members()
    expected = LogisticRegression(C=1e8, tol=1e-8).fit(logit(p, CLIP), labels)
    assert (expected.coef_ >= 0).all()
    found = fit_weights(p, labels, 1e-9)
    assert found.weights == pytest.approx(expected.coef_[0], abs=2e-3)
    assert found.bias == pytest.approx(expected.intercept_[0], abs=2e-3)


def test_a_large_penalty_leaves_the_mean_of_the_log_odds() -> None:
    p, labels = _members()
    assert fit_weights(p, labels, 1e6).weights == pytest.approx([1 / 3] * 3, abs=1e-4)


def test_a_member_that_is_wrong_is_left_out_and_never_turned_round() -> None:
    p, labels = _members()
    p[:, 2] = 1.0 - p[:, 0]
    found = fit_weights(p, labels, 1e-3)
    assert found.weights[2] == 0.0
    assert found.weights[0] > 0.5


def test_a_stack_says_the_sigmoid_of_the_weighted_log_odds() -> None:
    weights = StackWeights(np.array([1.0, 0.5]), -0.2)
    expected = 1 / (1 + np.exp(-(np.log(0.8 / 0.2) + 0.5 * np.log(0.3 / 0.7) - 0.2)))
    assert weights(np.array([[0.8, 0.3]])) == pytest.approx([expected])


def test_certainty_of_one_member_is_bounded() -> None:
    sure = StackWeights(np.array([1.0]), 0.0)(np.array([[1.0], [0.0]]))
    assert sure == pytest.approx([1 - CLIP, CLIP])


def test_one_class_is_refused() -> None:
    with pytest.raises(TrainingError, match="cannot be fitted on one class"):
        fit_weights(np.full((4, 2), 0.5), np.ones(4, dtype=int), 1.0)


def test_no_patient_is_scored_by_weights_that_saw_them() -> None:
    p, labels = _members(40)
    patients = np.arange(40) // 4
    said, folds = cross_fitted(p, labels, patients, 0.01)
    assert folds == 5
    for patient in (0, 9):
        own = patients == patient
        flipped = labels.copy()
        flipped[own] = 1 - flipped[own]  # what a patient's labels are must not move what is said of them
        again, _ = cross_fitted(p, flipped, patients, 0.01)
        assert again[own] == pytest.approx(said[own])


def test_with_one_patient_of_a_class_nobody_is_left_out() -> None:
    p, labels = _members(12)
    patients = np.where(labels == 1, 0, np.arange(12))
    said, folds = cross_fitted(p, labels, patients, 0.01)
    assert folds == 1
    assert said == pytest.approx(fit_weights(p, labels, 0.01)(p))
