"""How far work is, where there is no terminal: a line now and then, with what is left."""

import pytest

from medfake import progress
from medfake.progress import Progress, track


@pytest.fixture
def every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_LINE_EVERY_S", 0.0)


def test_each_step_but_the_last_is_told_with_what_is_left(every_step: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track("abc", "reading", 3)) == ["a", "b", "c"]
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == ["reading: 1/3", "reading: 2/3"]
    assert all(line.endswith(" left") for line in lines)


def test_what_was_passed_over_makes_nobody_believe_in_its_speed(
    every_step: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 0.0, 1.0, 11.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with Progress("scanning", 1000) as shown:
        shown.advance(900, passed_over=True)
        shown.advance(10)
    assert capsys.readouterr().err.splitlines() == ["scanning: 900/1000", "scanning: 910/1000, about 1 min 39 s left"]
