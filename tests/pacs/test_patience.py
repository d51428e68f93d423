"""What takes too long, or is wanted no more, is cut off; nothing else is."""

import threading
import time
from dataclasses import dataclass, field

import pytest

from medfake.errors import PacsError, PacsSilentError
from medfake.pacs import patience
from medfake.pacs.patience import SLOWEST, Patience


@dataclass
class Line:
    """Something that goes on until it is cut; `cuts` counts how often it was."""

    ended: threading.Event = field(default_factory=threading.Event)
    cuts: int = 0

    def cut(self) -> None:
        """End it."""
        self.cuts += 1
        self.ended.set()

    def read(self) -> None:
        """Go on, at most a good while."""
        assert self.ended.wait(20)


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_ASK_EVERY_S", 0.05)


def test_what_ends_in_time_is_not_cut() -> None:
    line = Line()
    with Patience(line.cut, 20, lambda: True):
        pass
    assert line.cuts == 0


def test_what_takes_too_long_is_cut() -> None:
    line = Line()
    with pytest.raises(PacsSilentError, match="takes too long"), Patience(line.cut, 0.1):
        line.read()


def test_the_reason_for_which_it_was_cut_is_told_and_not_what_came_of_it() -> None:
    line = Line()
    with pytest.raises(PacsSilentError, match="takes too long"), Patience(line.cut, 0.1):
        line.read()
        raise ConnectionResetError


def test_what_goes_wrong_by_itself_is_told_as_it_is() -> None:
    with pytest.raises(ConnectionResetError), Patience(Line().cut, 20):
        raise ConnectionResetError


def test_a_line_that_was_not_there_yet_is_cut_when_it_is() -> None:
    line = Line()
    with pytest.raises(PacsSilentError), Patience(line.cut, 0.05):
        while line.cuts < 3:
            time.sleep(0.01)


def test_who_brings_much_may_take_longer() -> None:
    line = Line()
    with Patience(line.cut, 0.0, moved=1000 * SLOWEST):
        assert not line.ended.wait(0.2)


def test_what_somebody_else_does_is_cut() -> None:
    line, answers = Line(), [True, True, False]
    with pytest.raises(PacsError, match="somebody else"), Patience(line.cut, 20, lambda: answers.pop(0)):
        line.read()
    assert answers == []
