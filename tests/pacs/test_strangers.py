"""Who gives way to whom before anybody has been let in."""

import socket
from collections.abc import Iterator

import pytest

from medfake.pacs.strangers import Strangers


class Lines:
    """Lines that call, and those that were hung up on, by their names."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self.ended: list[str] = []
        self._names: dict[socket.socket, str] = {}
        self.now = 0.0
        self.strangers = Strangers(
            most, most_of_one, lambda line: self.ended.append(self._names[line]), lambda: self.now
        )

    def call(self, *names: str) -> list[socket.socket]:
        """One line each; its first letter is its address."""
        made = []
        for name in names:
            line = socket.socket()
            self._names[line] = name
            self.strangers.came(line, name[0])
            made.append(line)
        return made

    def close(self) -> None:
        for line in self._names:
            line.close()


@pytest.fixture
def lines() -> Iterator[Lines]:
    made = Lines(4, 2)
    yield made
    made.close()


def test_as_many_as_may_be_wait(lines: Lines) -> None:
    lines.call("a1", "a2", "b1", "b2")
    assert lines.ended == []


def test_the_oldest_of_an_address_gives_way_to_its_next(lines: Lines) -> None:
    lines.call("a1", "b1", "a2", "a3", "a4")
    assert lines.ended == ["a1", "a2"]


def test_where_all_are_too_many_the_busiest_address_gives_way(lines: Lines) -> None:
    lines.call("b1", "a1", "a2", "c1", "d1")
    assert lines.ended == ["a1"]


def test_who_is_let_in_or_has_ended_gives_way_to_nobody(lines: Lines) -> None:
    first, second = lines.call("a1", "a2")
    lines.strangers.gone(first)
    lines.strangers.gone(second)
    lines.strangers.gone(second)
    lines.call("a3", "a4")
    assert lines.ended == []


def test_it_is_said_once_a_minute(lines: Lines, caplog: pytest.LogCaptureFixture) -> None:
    lines.call("a1", "a2", "a3", "a4")
    assert len(caplog.messages) == 1
    lines.now = 61
    lines.call("a5")
    assert len(caplog.messages) == 2
