"""Locks between processes: the system lets go of them however a process ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medfake.errors import BusyError


@contextmanager
def exclusive_lock(path: Path, what: str) -> Iterator[None]:
    """Hold a lock that nobody else may hold.

    Args:
        path: The lock's file; it stays.
        what: What is under way, for the message, e.g. "another promotion".

    Raises:
        BusyError: Somebody holds it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"{what} is under way", where=path, remedy="wait until it has ended") from None
        yield
    finally:
        os.close(file)


@contextmanager
def waiting_turn(path: Path) -> Iterator[None]:
    """Let one process at a time into the block; the others wait.

    Args:
        path: What is worked on; the lock lies beside it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path.with_name(f".{path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def is_held(path: Path) -> bool:
    """Whether a process of this machine holds a lock; a file that is not there is not held."""
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False
