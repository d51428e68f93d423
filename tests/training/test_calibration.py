import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from medfake.training.calibration import fit_platt


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
