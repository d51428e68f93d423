"""Progress of long work: a bar with ETA on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")
_LINE_EVERY_S = 10.0


def track(items: Iterable[T], label: str, total: int) -> Iterator[T]:
    """Yield items while showing how far the work is, on standard error.

    Args:
        items: What is worked on.
        label: What is being done, e.g. "decoding slices".
        total: Number of items, for the ETA.
    """
    with Progress(label, total) as progress:
        for item in items:
            yield item
            progress.advance(1)


class Progress:
    """How far work of unequal steps is, on standard error; a context manager."""

    def __init__(self, label: str, total: int) -> None:
        """Show nothing yet.

        Args:
            label: What is being done, e.g. "decoding slices".
            total: Of what `advance` counts, for the ETA.
        """
        self._label, self._total = label, total
        self._done = self._passed_over = 0
        self._started = self._said = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> Self:
        """Begin to count time."""
        self._started = self._said = time.monotonic()
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress as Bar

            self._bar = Bar(console=Console(stderr=True), transient=True)
            self._bar.add_task(self._label, total=self._total)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        if self._bar:
            self._bar.stop()

    def advance(self, steps: int, *, passed_over: bool = False) -> None:
        """Count steps.

        Args:
            steps: That are done.
            passed_over: Whether they took no time, as what an earlier run did; the ETA does not believe in their speed.
        """
        self._done += steps
        self._passed_over += steps * passed_over
        if self._bar:
            self._bar.update(self._bar.task_ids[0], completed=self._done)
            return
        now = time.monotonic()
        if now - self._said >= _LINE_EVERY_S and self._done < self._total:
            self._said = now
            sys.stderr.write(f"{self._label}: {self._done}/{self._total}{self._left(now)}\n")

    def _left(self, now: float) -> str:
        worked = self._done - self._passed_over
        if not worked:
            return ""
        return f", about {duration_text((now - self._started) / worked * (self._total - self._done))} left"


def duration_text(seconds: float) -> str:
    """A duration for people, e.g. "48 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
