"""From distances to logits and to P(tampered), on real slices alone."""

import numpy as np
import pytest

from medfake.detectors.anomaly.levels import fit_level, fit_tail
from medfake.detectors.dense import grid
from medfake.log_odds import sigmoid
from medfake.training.keras_setup import load_keras


def maps(slices: int = 9) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(2)
    values = rng.normal(3, 0.5, (slices, 20, 24)).astype(np.float32)
    return list(zip(values, (rng.random(values.shape) < 0.8).astype(np.float32), strict=True))


def test_usual_places_and_the_strongest_of_half_of_the_slices_are_where_judges_have_them() -> None:
    load_keras()
    from medfake.detectors.dense.score_layers import PlaneScores

    known = maps()
    scale, offset = fit_level(known)
    assert scale > 0
    values, counts = (np.stack(one) for one in zip(*known, strict=True))
    logits = scale * values + offset
    assert np.median(logits[counts > 0]) == pytest.approx(grid.UNTOUCHED, abs=1e-4)
    scores = np.where(counts > 0, np.asarray(PlaneScores()(np.float32(logits), counts)), -99)
    assert np.median(scores.max(axis=(1, 2))) == pytest.approx(grid.USUAL_LEVEL, abs=1e-3)


def test_slices_that_are_all_alike_have_a_level() -> None:
    scale, offset = fit_level([(np.full((4, 4), 2.0), np.ones((4, 4)))] * 3)
    assert np.isfinite([scale, offset]).all()
    assert scale > 0


@pytest.mark.parametrize("false_alarms", [0.01, 0.05, 0.2])
def test_half_is_where_as_many_real_slices_lie_above_as_was_said(false_alarms: float) -> None:
    logits = np.random.default_rng(1).gumbel(-1.3, 0.6, 20_000)
    a, b = fit_tail(logits, false_alarms)
    assert a > 0, "a higher score is never less suspicious"
    assert (sigmoid(a * logits + b) >= 0.5).mean() == pytest.approx(false_alarms, rel=0.15)


def test_slices_with_one_score_have_a_tail() -> None:
    assert np.isfinite(fit_tail(np.full(3, -2.0), 0.05)).all()
