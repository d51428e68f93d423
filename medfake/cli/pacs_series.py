"""A series of `medfake pacs` as people see it: a line, a row of a list, JSON."""

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from datetime import datetime

    from medfake.pacs.queued_series import QueuedSeries

SHORT: Final = 12
"""Digits of an id that lists show."""
COLUMNS: Final = ("id", "state", "modality", "caller", "files", "verdict", "p_tampered", "tries", "changed", "reason")


def row_of(series: "QueuedSeries") -> dict[str, Any]:
    """A series as JSON."""
    values = {name: getattr(series, name) for name in COLUMNS}
    values |= {"state": str(series.state), "changed": _when(series).isoformat(timespec="seconds")}
    return values


def words_of(series: "QueuedSeries") -> tuple[str, ...]:
    """A series as a line of a list."""
    verdict = f"{series.verdict} {series.p_tampered:.3f}" if series.verdict else "no verdict"
    came = f"{series.files} files" if series.expected is None else f"{series.files} of {series.expected} files"
    state = f"{series.state}, {series.died}" if series.died else str(series.state)
    when = _when(series).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    from_whom = series.caller or f"({series.origin})"
    return (
        series.id[:SHORT], when, from_whom, series.modality or "-", came, state, verdict, series.reason or "-",
    )  # fmt: skip


def _when(series: "QueuedSeries") -> "datetime":
    from datetime import UTC, datetime

    return datetime.fromtimestamp(series.changed, UTC)


def line_of(series: "QueuedSeries") -> str:
    """What became of a series, in a line."""
    if series.verdict is None:
        return f"{series.id[:SHORT]}: {series.state}, no verdict: {series.reason or 'nothing could be judged'}"
    told = f"{series.verdict}, P {series.p_tampered:.3f}; {series.sent} objects, {series.state}"
    return f"{series.id[:SHORT]}: {told}{f'; {series.reason}' if series.reason else ''}"
