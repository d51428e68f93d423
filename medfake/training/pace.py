"""How fast a training goes: batches are read ahead of the steps, and what steps still wait for is measured."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

One = TypeVar("One")

_AHEAD: Final = 2
"""Batches that are ready while a step is made: one would do, but some take longer than others."""


@dataclass
class Pace:
    """What the steps of a training took in this process.

    Attributes:
        steps: That were made.
        seconds: That they took, what they waited for included.
        waited_s: Of these, until a batch was there: read, and attacked where batches are.
    """

    steps: int = 0
    seconds: float = 0.0
    waited_s: float = 0.0

    @property
    def waiting_share(self) -> float | None:
        """Share of their time that steps waited, 0 to 1; None before the first step.

        Where it is far from 0, batches are the bound and a faster device would not help.
        """
        return self.waited_s / self.seconds if self.seconds else None

    def timed(self, batches: Iterable[One]) -> Iterator[One]:
        """The same batches; what happens to each until the next is asked for counts as its step."""
        coming = iter(batches)
        began = time.perf_counter()
        while True:
            try:
                batch = next(coming)
            except StopIteration:
                return
            self.waited_s += time.perf_counter() - began
            yield batch
            now = time.perf_counter()
            self.steps += 1
            self.seconds += now - began
            began = now


def read_ahead(items: Iterable[One], count: int = _AHEAD) -> Iterator[One]:
    """The same items in the same order, made by a thread while earlier ones are in use.

    For what does not depend on what was done with earlier ones. An error comes at the item that it belongs to. Whoever
    stops early lets the thread end; what it made ahead is lost.

    Args:
        items: Asked for by one thread at a time.
        count: That may be ready and unused, at least 1.
    """
    coming, end = iter(items), object()

    def one() -> Any:
        return next(coming, end)

    with ThreadPoolExecutor(1, thread_name_prefix="medfake-batches") as reader:
        ready = deque(reader.submit(one) for _ in range(count))
        while (item := ready.popleft().result()) is not end:
            ready.append(reader.submit(one))
            yield item
