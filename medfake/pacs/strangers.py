"""Lines on which nobody has been let in yet: a newcomer takes the place of whoever has been silent for longest.

Whoever means it says who he is within a moment. To refuse newcomers while others say nothing would let anybody who can
reach the port lock everybody out; an address that holds many such lines gives way before one that holds few.
"""

import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

_log = logging.getLogger(__name__)
_SAY_AGAIN_S: Final = 60.0


class Strangers:
    """The lines.

    Args:
        most: At a time.
        most_of_one: Of them, of one address.
        hang_up: Ends a line, whatever another thread does with it.
        clock: Of this machine; s.
    """

    def __init__(
        self,
        most: int,
        most_of_one: int,
        hang_up: Callable[[socket.socket], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._most_of_one, self._hang_up, self._clock = most, most_of_one, hang_up, clock
        self._lock = threading.Lock()
        self._lines: dict[socket.socket, str] = {}
        self._said: float | None = None

    def came(self, line: socket.socket, address: str) -> None:
        """Somebody calls; where that makes too many, the oldest line of his address, or of the busiest, is ended."""
        with self._lock:
            self._lines[line] = address
            of = Counter(self._lines.values())
            too_many = address if of[address] > self._most_of_one else None
            if too_many is None and len(self._lines) > self._most:
                too_many = of.most_common(1)[0][0]
            oldest = next((one for one, whose in self._lines.items() if whose == too_many), None)
            if oldest is None:
                return
            del self._lines[oldest]
            self._say()
        self._hang_up(oldest)

    def gone(self, line: socket.socket) -> None:
        """A line is no stranger's any more: its caller has been let in, or it has ended."""
        with self._lock:
            self._lines.pop(line, None)

    def _say(self) -> None:
        now = self._clock()
        if self._said is None or now - self._said > _SAY_AGAIN_S:
            self._said = now
            _log.warning("callers who did not say who they are were hung up on, as others called")
