"""Probes of a set without a test split look at every fold and average what they found."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from medfake.config import ProbesParams
from medfake.probes.answer import Answer, Score
from medfake.probes.over_folds import mean_answer, mean_score
from medfake.probes.run import run_probes

AUCS = (0.6, 0.7, 0.8, 0.9)


def _score(auc: float | None) -> Score:
    return Score(auc, None, None, "patients", 3)


def test_the_mean_has_the_interval_of_students_t() -> None:
    found = mean_score([_score(auc) for auc in AUCS])
    low, high = stats.t.interval(0.95, 3, loc=np.mean(AUCS), scale=stats.sem(AUCS))
    assert (found.auc, found.low, found.high) == pytest.approx((0.75, low, high))
    assert (found.unit, found.count) == ("folds", 4)


def test_folds_without_a_figure_are_left_out_and_one_alone_says_nothing() -> None:
    assert mean_score([_score(None), _score(0.6), _score(0.8)]).auc == pytest.approx(0.7)
    assert mean_score([_score(None), _score(0.6)]).auc is None


def test_what_tells_most_is_what_most_folds_name() -> None:
    answers = [Answer(_score(0.9), because=because) for because in ("kernel, padding", "padding", "")]
    assert mean_answer(answers).because == "padding, kernel"
    assert mean_answer(answers).control is None


def test_a_set_without_a_test_split_is_probed_in_folds(make_set) -> None:
    data = make_set(kernel=True)
    patients = data.manifest.patient_id.map({one: n // 2 for n, one in enumerate(data.manifest.patient_id.unique())})
    manifest = data.manifest.assign(fold=patients % 5, split=data.manifest.split.replace("test", "train"))
    report = run_probes(replace(data, manifest=manifest), ProbesParams(permutations=5))
    found = {one.name: one for one in report.findings}
    assert (found["metadata"].score.unit, found["metadata"].score.count) == ("folds", 5)
    assert found["metadata"].score.auc == pytest.approx(1.0)
    assert "metadata" in report.shortcuts
