"""Work on several threads, as far as the caller takes its results."""

from collections.abc import Iterator
from threading import Barrier, Event, Lock

import pytest

from medfake.package.in_order import in_order


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_results_come_in_the_order_of_the_items(threads: int) -> None:
    assert list(in_order(lambda item: item * item, range(50), threads)) == [item * item for item in range(50)]


def test_two_items_are_worked_on_at_once() -> None:
    together = Barrier(2, timeout=60)

    def work(item: int) -> int:
        together.wait()
        return item

    assert list(in_order(work, range(4), 2)) == [0, 1, 2, 3]


@pytest.mark.parametrize(("threads", "ahead"), [(1, 1), (2, 4), (3, 6)])
def test_items_are_taken_only_a_little_ahead_of_their_results(threads: int, ahead: int) -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            yield item

    results = in_order(lambda item: item, items(), threads)
    for _ in range(3):
        next(results)
    assert len(taken) <= 3 + ahead
    results.close()  # type: ignore[attr-defined]  # a generator
    assert len(taken) <= 3 + ahead


@pytest.mark.parametrize("threads", [1, 2])
def test_what_the_work_raises_comes_where_its_result_would_have_come(threads: int) -> None:
    lock, seen = Lock(), []

    def work(item: int) -> int:
        with lock:
            seen.append(item)
        return 10 // (item - 2)

    results = in_order(work, range(20), threads)
    assert [next(results), next(results)] == [-5, -10]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert max(seen) < 2 + 2 * threads + 1


def test_whoever_takes_no_more_results_may_hurry_what_is_under_way() -> None:
    hurried = Event()

    def work(item: int) -> int:
        if item > 0:
            assert hurried.wait(60)
        return item

    results = in_order(work, range(10), 2, hurried.set)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]  # waits for what is under way
    assert hurried.is_set()


def test_nobody_hurries_where_all_results_were_taken() -> None:
    hurried = Event()
    assert list(in_order(abs, [-1, -2, -3], 2, hurried.set)) == [1, 2, 3]
    assert not hurried.is_set()
