"""Figures of either class, against scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, precision_score, recall_score

from medfake.metrics.both_classes import measure_both


def rows(p: np.ndarray, label: np.ndarray, **columns: object) -> pd.DataFrame:
    patients = [f"p{number}" for number in range(len(p))]
    return pd.DataFrame({"p_tampered": p, "label": label, "patient_id": patients, "scan_id": patients, **columns})


def test_precision_recall_and_loss_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    label = rng.integers(0, 2, 200)
    p = np.clip(rng.normal(0.3 + 0.3 * label, 0.2), 0.01, 0.99)
    found = measure_both(rows(p, label), 0.45)
    called = (p >= 0.45).astype(int)
    for word, positive in (("untampered", 0), ("tampered", 1)):
        assert getattr(found, f"{word}_precision") == pytest.approx(precision_score(label, called, pos_label=positive))
        assert getattr(found, f"{word}_recall") == pytest.approx(recall_score(label, called, pos_label=positive))
    assert found.log_loss == pytest.approx(log_loss(label, p))
    assert found.accuracy == pytest.approx((called == label).mean())
    assert found.slices == 200


def test_the_loss_of_three_classes_is_that_of_three_probabilities() -> None:
    rng = np.random.default_rng(2)
    three = rng.dirichlet([1, 1, 1], 60)
    truth = rng.integers(0, 3, 60)
    words = np.array(["none", "removed", "injected"])
    table = rows(
        1 - three[:, 0], (truth > 0).astype(int), p_removed=three[:, 1], p_injected=three[:, 2],
        manipulation=words[truth],
    )  # fmt: skip
    found = measure_both(table, 0.5)
    assert found.log_loss == pytest.approx(log_loss(truth, three))
    assert found.accuracy == pytest.approx((three.argmax(axis=1) == truth).mean())


def test_a_certain_error_has_a_finite_loss_and_what_is_undefined_is_none() -> None:
    found = measure_both(rows(np.array([1.0, 1.0]), np.array([0, 0])), 0.5)
    assert found.log_loss == pytest.approx(-np.log(1e-7))
    assert found.untampered_precision is None
    assert found.tampered_recall is None
    assert found.tampered_precision == 0.0
