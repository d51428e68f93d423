"""Progress of long work: a bar with ETA on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
_LINE_EVERY_S = 10.0


def track(items: Iterable[T], label: str, total: int) -> Iterator[T]:
    """Yield items while showing how far the work is, on standard error.

    Args:
        items: What is worked on.
        label: What is being done, e.g. "decoding slices".
        total: Number of items, for the ETA.
    """
    if sys.stderr.isatty():
        yield from _bar(items, label, total)
    else:
        yield from _lines(items, label, total)


def _bar(items: Iterable[T], label: str, total: int) -> Iterator[T]:
    from rich.console import Console
    from rich.progress import track as rich_track

    yield from rich_track(items, description=label, total=total, console=Console(stderr=True), transient=True)


def _lines(items: Iterable[T], label: str, total: int) -> Iterator[T]:
    started = said = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - said >= _LINE_EVERY_S and done < total:
            said = now
            left_s = (now - started) / done * (total - done)
            sys.stderr.write(f"{label}: {done}/{total}, about {duration_text(left_s)} left\n")


def duration_text(seconds: float) -> str:
    """A duration for people, e.g. "48 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
