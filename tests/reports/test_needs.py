"""Which detector for which need: worked out by hand on predictions of three detectors."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from medfake.metrics.bootstrap import Bootstrap
from medfake.reports.compare import compare
from medfake.reports.comparison import Result
from medfake.reports.entry import Entry
from medfake.reports.needs import Answer, Need, answer_needs
from tests.fixtures.timed import package_timing, timings_of

FEW = Bootstrap(resamples=100)
Enter = Callable[..., Entry]


def made(predict: Callable[..., pd.DataFrame], enter: Enter, **shift: float) -> tuple[Result, ...]:
    """Detectors whose tampered slices score so much above real ones, on the same slices in the same order."""
    noise = predict(detector="noise", patients=12, val_patients=2, slices=4, skill=0.0, patient_spread=0.0)
    entries = []
    for name, gap in shift.items():
        p = (noise.p_tampered + gap * noise.label).clip(0.01, 0.99).astype("float32")
        entries.append(enter(noise.assign(detector=name, p_tampered=p)))
    return compare(entries, FEW).of("chest")


def by_need(answers: tuple[Answer, ...]) -> dict[Need, tuple[str | None, list[str]]]:
    return {
        one.need: (one.chosen.entry.detector if one.chosen else None, [run.entry.detector for run in one.tied])
        for one in answers
    }


@pytest.fixture
def three(predict: Callable[..., pd.DataFrame], enter: Enter) -> tuple[Result, ...]:
    """Two of equal scores, one that knows nothing."""
    return made(predict, enter, Good=0.9, Equal=0.9, Poor=0.0)


def test_the_best_is_ranked_first_and_its_ties_are_said(three: tuple[Result, ...]) -> None:
    answers = by_need(answer_needs(three, None, FEW))
    assert answers[Need.BEST] == ("Equal", ["Good"])
    assert answers[Need.SAFEST] == ("Equal", ["Good"])


def test_the_safest_finds_most_where_one_real_slice_in_twenty_may_be_called(
    predict: Callable[..., pd.DataFrame], enter: Enter
) -> None:
    """One with a higher AUC that misses a third of the fakes altogether is not the safest."""
    table = predict(patients=24, val_patients=2, slices=4).assign(p_tampered=0.5)
    real, alarms = table.label == 0, table.groupby("label").cumcount()
    misses = (0.6 + 0.3 * table.label).where(real | (alarms % 3 > 0), 0.1)  # two thirds above all, one third below
    finds = (0.6 + 0.3 * table.label).where(~real | (alarms != 40), 0.95)  # one real above all
    pairs = {"Misses": misses, "Finds": finds}
    results = compare([enter(table.assign(detector=name, p_tampered=p)) for name, p in pairs.items()], FEW)
    safest = next(one for one in answer_needs(results.of("chest"), None, FEW) if one.need is Need.SAFEST)
    assert safest.chosen is not None
    assert (safest.chosen.entry.detector, safest.figure, safest.tied) == ("Finds", 1.0, ())


def test_the_fastest_and_the_smallest_are_as_good_as_the_best(three: tuple[Result, ...]) -> None:
    timings = timings_of(
        Good=package_timing([10, 11, 12], 5_000),
        Equal=package_timing([30, 31, 32], 4_000),
        Poor=package_timing([1, 2], 1),
    )
    answers = answer_needs(three, timings, FEW)
    assert by_need(answers)[Need.FASTEST] == ("Good", [])
    assert by_need(answers)[Need.SMALLEST] == ("Equal", [])
    assert [one.figure for one in answers][2:] == [11.0, 4_000.0]


@pytest.mark.parametrize(("others", "tied"), [([12.0, 13.0, 14.0], ["Equal"]), ([12.1, 13.1, 14.1], [])])
def test_steps_tie_as_far_as_both_deviations_reach(
    three: tuple[Result, ...], others: list[float], tied: list[str]
) -> None:
    timings = timings_of(Good=package_timing([10, 11, 12]), Equal=package_timing(others))
    fastest, smallest = answer_needs(three, timings, FEW)[2:]
    assert [run.entry.detector for run in fastest.tied] == tied
    assert {run.entry.detector for run in smallest.tied} | {smallest.chosen.entry.detector} == {"Good", "Equal"}  # type: ignore[union-attr]


def test_without_steps_nobody_is_fastest_or_smallest(three: tuple[Result, ...]) -> None:
    assert answer_needs(three, None, FEW)[2:] == (Answer(Need.FASTEST), Answer(Need.SMALLEST))


def test_one_class_decides_nothing(predict: Callable[..., pd.DataFrame], enter: Any) -> None:
    table = predict(patients=3, slices=2).query("split == 'val' or label == 0")
    results = compare([enter(table), enter(table.assign(detector="Other"))], FEW).of("chest")
    timings = timings_of(ResidualCNN=package_timing([1, 2]), Other=package_timing([1, 2]))
    assert answer_needs(results, timings, FEW) == tuple(Answer(need) for need in Need)
