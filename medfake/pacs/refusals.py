"""Objects that were refused for want of room: what is judged of their series is a part of it, and that is said."""

from dataclasses import dataclass, field
from typing import Final

_MOST_SERIES: Final = 1000
_MOST_NAMES: Final = 100_000


@dataclass
class _Refused:
    """Of one series.

    Attributes:
        names: Of its objects.
        unnamed: Objects that a process which was killed had refused; which, nobody knows any more.
        reasons: That were said of it.
    """

    names: set[str] = field(default_factory=set)
    unnamed: int = 0
    reasons: set[str] = field(default_factory=set)


class Refusals:
    """Remembers what was refused until it comes after all, or its series is whole; of the last series, not of all."""

    def __init__(self) -> None:
        self._series: dict[str, _Refused] = {}

    def add(self, series_key: str, name: str, reason: str) -> bool:
        """An object is refused; whether this has not been said of its series yet."""
        refused = self._of(series_key)
        if len(refused.names) < _MOST_NAMES:
            refused.names.add(name)
        is_new = reason not in refused.reasons
        refused.reasons.add(reason)
        return is_new

    def recover(self, series_key: str, count: int) -> None:
        """Go on with what a process that was killed had refused."""
        if count:
            self._of(series_key).unnamed = count

    def taken(self, series_key: str, name: str) -> None:
        """An object has come, which may be one that was refused before."""
        refused = self._series.get(series_key)
        if refused is None:
            return
        if name in refused.names:
            refused.names.remove(name)
        elif refused.unnamed:
            refused.unnamed -= 1
        if not refused.names and not refused.unnamed:
            del self._series[series_key]

    def count(self, series_key: str) -> int:
        """Objects of a series that have not come since they were refused; at least so many."""
        refused = self._series.get(series_key)
        return len(refused.names) + refused.unnamed if refused else 0

    def forget(self, series_key: str) -> None:
        """The series is whole."""
        self._series.pop(series_key, None)

    def _of(self, series_key: str) -> _Refused:
        refused = self._series.pop(series_key, None) or _Refused()
        self._series[series_key] = refused  # the last one
        if len(self._series) > _MOST_SERIES:
            del self._series[next(iter(self._series))]
        return refused
