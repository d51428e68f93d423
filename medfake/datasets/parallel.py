"""The same work done here or on a cluster: results in order.

On a cluster, what lies far ahead of the consumer is not begun. joblib's Dask backend gives the same results in the same
order in fewer lines, but begins new items whenever others end, however slowly their results are taken: with 8 items
allowed under way, half of 200 had run when one was taken, and their results waited in memory. So clusters have code of
their own here.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from medfake.errors import DataError

Item = TypeVar("Item")
Result = TypeVar("Result")
_CONNECT_S = 10
AHEAD = 4  # items under way or waiting, for every thread of the cluster


def in_order(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    jobs: int = 1,
    dask: str | None = None,
    lost: Callable[[Item, str], Result] | None = None,
) -> Iterator[Result]:
    """Yield work(item) for every item, in their order, whoever does it.

    Args:
        work: A function of a module, so that other processes can import it.
        items: What is worked on; a cluster takes no more of them than it has work for.
        jobs: Processes of this machine.
        dask: Address of a Dask scheduler, whose workers have medfake and see the same files; `jobs` is then ignored.
        lost: From an item over which workers of a cluster died, with others beside it and then alone, and how, to what
            stands for its result; None raises.

    Raises:
        DataError: No scheduler answers at the address, or it has no workers.
    """
    from joblib import Parallel, delayed

    if dask is not None:
        return _on_cluster(work, items, dask, lost)
    results: Iterator[Result] = Parallel(n_jobs=jobs, return_as="generator", batch_size=1)(
        delayed(work)(item) for item in items
    )
    return results


def _on_cluster(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    address: str,
    lost: Callable[[Item, str], Result] | None,
) -> Iterator[Result]:
    with _client(address) as client:
        from distributed import wait
        from distributed.scheduler import KilledWorker

        threads = sum(client.nthreads().values())
        if not threads:
            raise DataError("the Dask cluster has no workers", where=address, remedy=f"dask worker {address}")
        todo = iter(items)
        waiting: deque[tuple[Item, Any]] = deque()
        while True:
            waiting.extend(
                (item, client.submit(work, item, pure=False)) for item in islice(todo, AHEAD * threads - len(waiting))
            )
            if not waiting:
                return
            item, future = waiting.popleft()
            try:
                result: Result = future.result()
            except KilledWorker:  # by this item, or by one that the same workers held
                wait([beside for _, beside in waiting])  # type: ignore[no-untyped-call]  # distributed has no types
                try:
                    result = client.submit(work, item, pure=False).result()  # alone: what dies now dies of it
                except KilledWorker as error:
                    if lost is None:
                        raise
                    result = lost(item, f"{error.allowed_failures + 1} workers")
            yield result


def _client(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise DataError(
            "Dask is not installed here", where=address,
            remedy="pip install 'medfake[dask]', or leave workers.dask (medfake scan: --dask) out",
        ) from None  # fmt: skip
    try:
        return Client(address, timeout=_CONNECT_S)  # type: ignore[no-untyped-call]  # distributed has no types
    except (OSError, ValueError) as error:
        raise DataError(
            "no Dask scheduler answers", where=address, received=type(error).__name__,
            remedy="start one with `dask scheduler`, or leave workers.dask (medfake scan: --dask) out",
        ) from None  # fmt: skip
