"""Locks between processes: the system lets go of them however a process ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from medfake.errors import BusyError

if TYPE_CHECKING:
    from filelock import FileLock

_LOOK_AGAIN_S = 0.01


@contextmanager
def exclusive_lock(path: Path, what: str) -> Iterator[None]:
    """Hold a lock that nobody else may hold.

    Args:
        path: The lock's file; it stays.
        what: What is under way, for the message, e.g. "another promotion".

    Raises:
        BusyError: Somebody holds it.
    """
    from filelock import Timeout

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        held = _lock(path).acquire(blocking=False)
    except Timeout:
        raise BusyError(f"{what} is under way", where=path, remedy="wait until it has ended") from None
    with held:
        yield


@contextmanager
def waiting_turn(path: Path) -> Iterator[None]:
    """Let one process at a time into the block; the others wait.

    Args:
        path: What is worked on; the lock lies beside it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _lock(path.with_name(f".{path.name}.lock")):
        yield


def is_held(path: Path) -> bool:
    """Whether a process of this machine holds a lock; a file that is not there is not held."""
    from filelock import Timeout

    if not path.exists():
        return False
    try:
        with _lock(path).acquire(blocking=False):
            return False
    except Timeout:
        return True


def _lock(path: Path) -> "FileLock":
    from filelock import FileLock  # loads asyncio

    return FileLock(path, mode=0o600, poll_interval=_LOOK_AGAIN_S)
