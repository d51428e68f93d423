"""Where a shortcut begins, and what is said when nothing can be told."""

import pytest

from medfake.probes.answer import Answer, Score
from medfake.probes.outcome import ProbeOutcome, judge

MEANS = "the class can be told"


def score(low: float | None, high: float | None, count: int = 5) -> Score:
    return Score(0.5 if low is None or high is None else (low + high) / 2, low, high, "patients", count)


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (0.601, 0.9, ProbeOutcome.SHORTCUT),
        (0.6, 0.9, ProbeOutcome.UNDECIDED),
        (0.1, 0.399, ProbeOutcome.SHORTCUT),
        (0.1, 0.4, ProbeOutcome.UNDECIDED),
        (0.4, 0.6, ProbeOutcome.CLEAR),
        (0.399, 0.6, ProbeOutcome.UNDECIDED),
        (0.4, 0.601, ProbeOutcome.UNDECIDED),
    ],
)
def test_a_shortcut_is_an_interval_wholly_outside_the_band(low: float, high: float, outcome: ProbeOutcome) -> None:
    assert judge(Answer(score(low, high)), 0.1, MEANS)[0] is outcome


def test_a_shortcut_says_what_it_means_and_what_tells_most() -> None:
    _, sentence = judge(Answer(score(0.8, 0.9), because="kernel"), 0.1, MEANS)
    assert sentence == "A shortcut: the class can be told. What tells most: kernel."


@pytest.mark.parametrize(("count", "outcome"), [(4, ProbeOutcome.UNDECIDED), (5, ProbeOutcome.SHORTCUT)])
def test_fewer_than_five_patients_decide_nothing(count: int, outcome: ProbeOutcome) -> None:
    assert judge(Answer(score(0.9, 1.0, count)), 0.1, MEANS)[0] is outcome


def test_without_an_interval_or_a_class_nothing_is_decided() -> None:
    assert judge(Answer(score(None, None, 1)), 0.1, MEANS) == (
        ProbeOutcome.UNDECIDED,
        "Only 1 patients in the test split: too few to say anything.",
    )
    assert judge(Answer(Score(None, None, None, "patients", 9)), 0.1, MEANS)[0] is ProbeOutcome.UNDECIDED


@pytest.mark.parametrize(
    ("control", "outcome"), [(score(0.6, 0.8), ProbeOutcome.CLEAR), (score(0.59, 0.8), ProbeOutcome.UNDECIDED)]
)
def test_a_control_that_sees_nothing_clears_nothing(control: Score, outcome: ProbeOutcome) -> None:
    found, sentence = judge(Answer(score(0.45, 0.55), control=control), 0.1, MEANS)
    assert found is outcome
    assert ("The control tells little more than chance" in sentence) == (outcome is ProbeOutcome.UNDECIDED)
