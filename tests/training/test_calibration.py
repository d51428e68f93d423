import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from medfake.training.calibration import fit_platt, fit_temperature


def made(slope: float, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Logits and labels that follow sigmoid(slope * logit - 1)."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, count)
    return logits, (rng.random(count) < 1 / (1 + np.exp(-(slope * logits - 1)))).astype(int)


def test_it_recovers_the_sigmoid_that_made_the_labels() -> None:
    a, b = fit_platt(*made(0.7))
    assert a == pytest.approx(0.7, abs=0.05)
    assert b == pytest.approx(-1.0, abs=0.1)


def test_it_is_logistic_regression() -> None:
    logits, labels = made(0.7)
    plain = LogisticRegression(C=np.inf).fit(logits[:, None], labels)
    assert fit_platt(logits, labels) == pytest.approx((plain.coef_[0, 0], plain.intercept_[0]), rel=0.02)


def test_it_never_turns_a_ranking_round() -> None:
    logits, labels = made(0.7)
    assert fit_platt(logits, 1 - labels)[0] > 0


def test_equal_logits_make_no_trouble() -> None:
    a, b = fit_platt(np.full(10, 2.0), np.arange(10) % 2)
    assert np.isfinite([a, b]).all()
    assert a > 0


def test_it_recovers_the_temperature_that_made_the_labels() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 4, (6000, 1))
    labels = (rng.random(6000) < 1 / (1 + np.exp(-logits[:, 0] / 2.5))).astype(int)
    assert fit_temperature(logits, labels) == pytest.approx(2.5, rel=0.05)


def test_of_three_classes_it_recovers_the_temperature_too() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 4, (6000, 3))
    cumulated = np.cumsum(softmax(logits / 1.7, axis=1), axis=1)
    labels = (rng.random((6000, 1)) > cumulated).sum(axis=1)
    assert fit_temperature(logits, labels) == pytest.approx(1.7, rel=0.05)


def test_it_is_where_the_log_loss_is_lowest() -> None:
    logits, labels = made(0.4)
    found = fit_temperature(logits[:, None], labels)

    def loss(temperature: float) -> float:
        return float(log_loss(labels, 1 / (1 + np.exp(-logits / temperature))))

    grid = np.exp(np.linspace(-2, 3, 400))
    assert found == pytest.approx(grid[np.argmin([loss(one) for one in grid])], rel=0.02)


def test_a_split_that_is_told_apart_without_a_fault_has_a_finite_temperature() -> None:
    temperature = fit_temperature(np.array([[-3.0], [-2.0], [2.0], [3.0]]), np.array([0, 0, 1, 1]))
    grid = np.linspace(1, 4, 3001)[:, None]
    p = 1 / (1 + np.exp(-np.array([2.0, 3.0]) / grid))
    losses = -(0.75 * np.log(p) + 0.25 * np.log(1 - p)).mean(axis=1)  # of two slices a class each should say 3 / 4
    assert temperature == pytest.approx(grid[np.argmin(losses), 0], abs=2e-3)


def test_one_class_has_no_temperature_to_fit() -> None:
    assert fit_temperature(np.array([[1.0], [2.0]]), np.array([1, 1])) == 1.0
