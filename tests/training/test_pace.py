"""Batches read ahead of the steps that use them."""

import threading
from collections.abc import Iterator

import pytest

from medfake.training.pace import Pace, read_ahead


def test_items_come_in_their_order_and_once() -> None:
    assert list(read_ahead(range(7))) == list(range(7))
    assert list(read_ahead([])) == []
    assert list(read_ahead([None, 0])) == [None, 0]


def test_a_thread_makes_as_many_ahead_as_it_may_and_no_more() -> None:
    made: list[int] = []
    third = threading.Event()

    def items() -> Iterator[int]:
        for number in range(10):
            made.append(threading.get_ident())
            if number == 2:
                third.set()
            yield number

    coming = read_ahead(items(), 2)
    assert next(coming) == 0
    assert third.wait(10)  # the third is made while the first is in use
    coming.close()
    assert len(made) == 3
    assert threading.get_ident() not in made


def test_an_error_comes_where_it_belongs() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("the second cannot be read")

    coming = read_ahead(items())
    assert next(coming) == 1
    with pytest.raises(OSError, match="the second cannot be read"):
        next(coming)


def test_a_pace_tells_waiting_from_computing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 4.0, 4.5, 6.0, 9.0])  # began; there, used; there, used; nothing more
    monkeypatch.setattr("medfake.training.pace.time.perf_counter", lambda: next(clock))
    pace = Pace()
    assert pace.waiting_share is None
    assert list(pace.timed("ab")) == ["a", "b"]
    assert (pace.steps, pace.seconds, pace.waited_s) == (2, 6.0, 1.5)
    assert pace.waiting_share == 0.25
