"""What a plan adds up, and what it says of hours that nobody measured."""

import pytest

from medfake.experiments.plan import Line, Plan


def line(detector: str, hours: float | None, trainings: int = 2) -> Line:
    return Line("chest", detector, trainings, 100, None if hours is None else 8.0, hours, 0.5)


def plan(*lines: Line, repeated: int = 0) -> Plan:
    return Plan(lines, repeated, 1.0, (), {})


def test_hours_that_nobody_measured_are_unknown_and_not_none_at_all() -> None:
    found = plan(line("SVM", None), line("RandomForest", None), repeated=3)
    assert found.hours is None
    assert found.repeated_hours is None
    assert found.unmeasured == ["SVM", "RandomForest"]
    assert (found.trainings, found.gigabytes) == (7, 2.0)


def test_hours_of_some_are_those_of_some_and_the_others_are_named() -> None:
    found = plan(line("VGG19", 3.0), line("SVM", None))
    assert found.hours == pytest.approx(3.0)
    assert found.unmeasured == ["SVM"]


def test_hours_of_all_leave_nobody_out() -> None:
    found = plan(line("VGG19", 3.0), line("Xception", 1.0))
    assert found.hours == pytest.approx(4.0)
    assert found.unmeasured == []


def test_repeated_trainings_count_as_average_ones_of_those_measured() -> None:
    found = plan(line("VGG19", 3.0), line("Xception", 1.0), line("SVM", None), repeated=4)
    assert found.repeated_hours == pytest.approx(4 * (1.5 + 0.5) / 2)
    assert found.hours == pytest.approx(4.0 + 4.0)
