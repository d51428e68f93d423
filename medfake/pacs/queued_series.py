"""A series in the queue: how it came, and what is to be done next with it."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from medfake.serving.scoring.progress import Progress


class State(StrEnum):
    """What is to be done next with a series."""

    FETCH = "to fetch"
    SCORE = "to judge"
    SEND = "to send"
    DONE = "done"
    DEAD = "given up"


WAITING: Final = (State.FETCH, State.SCORE)
"""States in which a series waits to be judged."""
UNDER_WAY: Final = (*WAITING, State.SEND)


class Origin(StrEnum):
    """How a series came."""

    LISTEN = "listen"
    WATCH = "watch"
    SCAN = "scan"


@dataclass(frozen=True)
class Address:
    """Where a series is in a PACS: identifiers, for no eye."""

    study_uid: str
    series_uid: str


@dataclass(frozen=True)
class NewSeries:
    """An arrival.

    Attributes:
        id: Name of its folder, random.
        series_key: Keyed pseudonym of the series.
        caller: AE title that sent it; "" where it was fetched.
        modality: (0008,0060); "" where it is not known yet.
        files: That came.
        expected: Of which somebody told; None where nobody did.
        address: Where it is to be fetched; None for what came by itself.
    """

    id: str
    series_key: str
    origin: Origin
    caller: str = ""
    modality: str = ""
    files: int = 0
    expected: int | None = None
    address: Address | None = None


@dataclass(frozen=True)
class QueuedSeries:
    """A row; times are seconds since 1970 by the database's clock.

    Attributes:
        attempts: Scoring processes, or whole programs, that took it up.
        tries: Of fetching, or of sending, so far.
        died: State in which it was given up.
        reason: Why it was given up, is tried again, or has no verdict.
        verdict: The gravest of its scans; None before, and where there is none.
        objects: Results that there are to be sent.
        sent: Objects that the PACS has taken.
    """

    id: str
    series_key: str
    origin: Origin
    caller: str
    modality: str
    state: State
    died: State | None
    created: float
    changed: float
    next_try: float
    files: int
    expected: int | None
    attempts: int
    tries: int
    progress: Progress
    model: str | None
    verdict: str | None
    p_tampered: float | None
    reason: str | None
    objects: int
    sent: int
    address: Address | None


def series_of_row(row: Any) -> QueuedSeries:
    """A series as its table has it."""
    values = {name: row._mapping[name] for name in QueuedSeries.__dataclass_fields__}
    address = json.loads(values["address"]) if values["address"] else None
    return QueuedSeries(
        **values
        | {
            "origin": Origin(values["origin"]),
            "state": State(values["state"]),
            "died": State(values["died"]) if values["died"] else None,
            "progress": Progress.model_validate_json(values["progress"]),
            "address": Address(*address) if address else None,
        }
    )
