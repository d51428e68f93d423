"""pydicom kept from speaking while medfake reads: its warnings and log lines quote raw values of the file.

Warnings, log levels and pydicom's settings belong to the whole process. They are changed for as long as a read of ours
lasts and put back after the last one, also when reads of several threads overlap; in that time another thread's own
use of pydicom is quiet, too.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock

from pydicom import config


class _Hush:
    """What silences pydicom while at least one reader needs it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._readers = 0
        self._changes = ExitStack()

    def enter(self) -> None:
        with self._lock:
            if self._readers == 0:
                self._change()
            self._readers += 1

    def leave(self) -> None:
        with self._lock:
            self._readers -= 1
            if self._readers == 0:
                self._changes.close()

    def _change(self) -> None:
        logger = logging.getLogger("pydicom")  # loggers below it inherit the level
        self._changes.callback(logger.setLevel, logger.level)
        logger.setLevel(logging.CRITICAL + 1)
        self._changes.enter_context(config.disable_value_validation())
        self._changes.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")


_hush = _Hush()


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Drop what pydicom would say about values of a file; nested and parallel use is fine."""
    _hush.enter()
    try:
        yield
    finally:
        _hush.leave()
