"""What is asked of a PACS takes no longer than it may, and goes on for as long as it is wanted: or its line is cut.

Time-outs of sockets begin anew with each byte, so that whoever sends one from time to time would never be done.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Self

from medfake.errors import PacsError, PacsSilentError

SLOWEST: Final = 1 << 16
"""Bytes a second that a long transfer has to bring on the whole."""
_ASK_EVERY_S: Final = 3.0
_CUT_EVERY_S: Final = 0.2


@dataclass
class Patience:
    """For as long as the block lasts, a thread watches over it.

    Attributes:
        cut: Ends what is under way; is called again until the block has ended.
        allowed_s: For the block, and one second more for each `SLOWEST` bytes of `moved`.
        still_ours: Is asked every few seconds in a thread of its own; where it says no, somebody else does the work.
        moved: Bytes that came or went so far; whoever moves them counts them.
    """

    cut: Callable[[], None]
    allowed_s: float
    still_ours: Callable[[], bool] | None = None
    moved: int = 0
    _why: PacsError | None = field(default=None, init=False)
    _done: threading.Event = field(default_factory=threading.Event, init=False)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._watch, name="patience", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the watch.

        Raises:
            PacsSilentError: It took too long.
            PacsError: Somebody else does the work.
        """
        self._done.set()
        self._thread.join()
        if self._why is not None:  # whatever came of the line that was cut, and be it an end that looks like one
            raise self._why from None

    def _watch(self) -> None:
        begun = asked = time.monotonic()
        while True:
            now = time.monotonic()
            if self.still_ours is not None and now - asked >= _ASK_EVERY_S:
                asked = now
                if not self.still_ours():
                    self._why = PacsError("somebody else works on this series")
                    break
            left_s = begun + self.allowed_s + self.moved / SLOWEST - now
            if left_s <= 0:
                self._why = PacsSilentError(
                    "the PACS takes too long for a whole answer", where="DICOMweb",
                    received=f"{self.moved >> 20} MiB in {now - begun:.0f} s",
                    remedy="see the PACS and the network, or raise archive.timeout_s",
                )  # fmt: skip
                break
            if self._done.wait(min(left_s, _ASK_EVERY_S)):
                return
        while not self._done.is_set():
            self.cut()
            self._done.wait(_CUT_EVERY_S)
