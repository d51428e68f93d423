"""Leases: who works on a row of a table, so that nobody else does, and until when he is believed to be alive."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from medfake.errors import MedfakeError

_RENEWALS: Final = 3.0  # within a lease
_PROCESS_DIGITS: Final = 20


def holder(process: str) -> str:
    """Who holds what this thread takes: two threads of one process are two.

    Args:
        process: A random name of the process, 20 characters or more; 32 are given back.
    """
    return f"{process[:_PROCESS_DIGITS]}{threading.get_ident() & 0xFFFF_FFFF_FFFF:012x}"


@contextmanager
def held(renew: Callable[[], bool], lease_s: float) -> Iterator[threading.Event]:
    """Renew a lease from beside, for as long as the block lasts, however slow what happens in it.

    Args:
        renew: Says that work goes on; False where somebody else has taken it up.
        lease_s: How long a lease lasts.

    Yields:
        An event that is set when somebody else has taken the work up.
    """
    ended, lost = threading.Event(), threading.Event()

    def keep() -> None:
        while not ended.wait(lease_s / _RENEWALS):
            try:
                if not renew():
                    lost.set()
                    return
            except MedfakeError:  # the database may be back before the lease has run out
                continue

    keeper = threading.Thread(target=keep, name="lease", daemon=True)
    keeper.start()
    try:
        yield lost
    finally:
        ended.set()
        keeper.join()
