"""Processes side by side, one of which dies for real."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from medfake.serving.workers import Workers
from tests.fixtures.deadly import refuse, square_or_die


@pytest.fixture
def workers() -> Iterator[Workers]:
    two = Workers(2)
    yield two
    two.stop()


def same(number: int) -> int | None:
    return None if number == 0 else number


def told(number: int, how: str) -> int:
    return -1 if how == "signal 9" else 0


def test_results_come_in_order_and_what_needs_no_work_passes(workers: Workers) -> None:
    done = workers.each(same, square_or_die, range(12), told)
    assert list(done) == [(number, None if number == 0 else number**2) for number in range(12)]


def test_a_process_that_dies_takes_only_its_own_work(workers: Workers) -> None:
    done = list(workers.each(same, square_or_die, [1, -2, 3, -4, 5, 6], told))
    assert [result for _, result in done] == [1, -1, 9, -1, 25, 36]


def test_what_work_raises_is_raised_where_its_result_would_have_come(workers: Workers) -> None:
    done = workers.each(same, refuse, [0, 7], told)
    assert next(done) == (0, None)
    with pytest.raises(ValueError, match="7"):
        next(done)


def test_no_more_items_are_taken_than_there_is_work_for(workers: Workers) -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in range(1, 50):
            taken.append(number)
            yield number

    done = workers.each(same, square_or_die, items(), told)
    next(done)
    assert len(taken) <= 4


def test_nothing_is_started_before_there_is_work() -> None:
    before = {one.pid for one in psutil.Process().children()}
    Workers(4)
    assert {one.pid for one in psutil.Process().children()} <= before


def test_processes_end_when_the_main_one_is_killed() -> None:
    code = (
        "import os\nfrom medfake.serving.workers import Workers\nfrom tests.fixtures.deadly import square_or_die\n"
        "if __name__ == '__main__':\n"
        "    workers = Workers(2)\n"
        "    list(workers.each(int, square_or_die, [1, 2, 3, 4], lambda item, how: 0))\n"
        "    print('ready', flush=True)\n    input()\n"
    )
    run = [sys.executable, "-c", code]
    main = subprocess.Popen(run, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ)
    assert main.stdout is not None
    assert main.stdout.readline() == "ready\n"
    children = psutil.Process(main.pid).children(recursive=True)
    assert children
    main.kill()
    main.communicate()
    _, alive = psutil.wait_procs(children, timeout=60)
    assert alive == []


def test_an_interrupt_ends_what_is_under_way(workers: Workers) -> None:
    done = workers.each(same, time.sleep, [0.01, 600, 600, 600, 600], lambda _, __: None)  # type: ignore[arg-type, list-item]
    next(done)
    at_work = [one for one in psutil.Process().children() if "spawn_main" in " ".join(one.cmdline())]
    assert at_work
    done.close()  # type: ignore[attr-defined]  # as an exception of the caller does; it would wait for ten minutes
    _, alive = psutil.wait_procs(at_work, timeout=60)
    assert alive == []
