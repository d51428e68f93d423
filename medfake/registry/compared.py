"""The figure that decided: of challenger and champion on the same validation slices, with its interval."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A figure of the validation split, 0..1.

    Attributes:
        metric: Its name.
        value: Of the version that was judged; None where undefined.
        champion: Of the champion on the same slices; None where there was none, or it was not compared.
        difference: `value` minus `champion`.
        interval: Low and high, of the difference where there is one, else of `value`; None where nothing says.
        confidence: Of the interval.
        slices: That both were measured on; None where nobody counted.
        patients: Whose slices they are.
    """

    metric: str
    value: float | None
    champion: float | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None
    confidence: float = 0.95
    slices: int | None = None
    patients: int | None = None

    @property
    def sentence(self) -> str:
        """For a reader, a clause."""
        own = f"{self.metric} {_text(self.value)}"
        if self.difference is None:
            return f"{own}{self._edges}"
        measured = f", {self.slices} slices of {self.patients} patients" if self.patients else ""
        return f"{own} against {_text(self.champion)}, difference {self.difference:+.4f}{self._edges}{measured}"

    @property
    def _edges(self) -> str:
        if self.interval is None:
            return ""
        return f" [{self.interval[0]:.4f}, {self.interval[1]:.4f}]"


def read_compared(kept: Mapping[str, Any] | None) -> Compared | None:
    """What JSON keeps of one."""
    if kept is None:
        return None
    interval = kept.get("interval")
    return Compared(**{**kept, "interval": tuple(interval) if interval else None})


def _text(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4f}"
