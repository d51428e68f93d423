"""Work on a few threads at a time, results in the order of the work; ONNX Runtime and NumPy let others run."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    threads: int,
    hurry: Callable[[], object] | None = None,
) -> Iterator[Result]:
    """Do the same with every item, and take no more items than there is work for.

    Args:
        work: May be called from several threads at once.
        items: Are taken on the calling thread, which may read ahead twice as many as there are threads.
        threads: At least 1; with 1 the calling thread does the work itself, and nothing is read ahead.
        hurry: Called when results are no longer wanted while work is under way, which is waited for.

    Yields:
        Results in the order of the items. What `work` raises is raised where its result would have come.
    """
    if threads == 1 and hurry is None:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= 2 * threads:
                    yield _first(waiting)
            while waiting:
                yield _first(waiting)
        finally:
            for one in waiting:
                one.cancel()
            if waiting and hurry:
                hurry()


def _first(waiting: "deque[Future[Result]]") -> Result:
    """Its result; it leaves the queue when that is there, so that an interrupt finds it waiting."""
    result = waiting[0].result()
    waiting.popleft()
    return result
