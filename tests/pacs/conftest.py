"""What tests of a PACS's queue share."""

import logging
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.pacs.judged import Judged
from medfake.pacs.queued_series import Address, NewSeries, Origin
from medfake.pacs.series_queue import SeriesQueue
from medfake.serving.database import open_database
from tests.fixtures.hostile_callers import caller_stream, impatient_listener, nothing_is_printed

__all__ = ["caller_stream", "impatient_listener", "nothing_is_printed"]  # fixtures of several files here

MakeQueue = Callable[..., SeriesQueue]
KEY = "series-" + "0" * 32


@pytest.fixture(autouse=True)
def _loggers_are_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries that other tests load silence the loggers that they find."""
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("medfake"):
            monkeypatch.setattr(logging.getLogger(name), "disabled", False)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def queue_of(request: pytest.FixtureRequest, tmp_path: Path) -> MakeQueue:
    """Makes the queue of a process; all share one database."""
    url = f"sqlite:///{tmp_path}/queue.db"
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgres")).replace("postgresql+psycopg://", "postgresql://")
    return lambda owner="me", lease_s=60.0: SeriesQueue(open_database(url), url, owner, lease_s)


@pytest.fixture
def queue(tmp_path: Path) -> SeriesQueue:
    """A queue in SQLite, of one process."""
    url = f"sqlite:///{tmp_path}/queue.db"
    return SeriesQueue(open_database(url), url, "me", 60.0)


def arrival(series_key: str = KEY, *, files: int = 3, fetch: bool = False) -> NewSeries:
    """A series that came, or that is to be fetched."""
    address = Address("1.2.3", "1.2.3.4") if fetch else None
    origin = Origin.WATCH if fetch else Origin.LISTEN
    return NewSeries(uuid.uuid4().hex, series_key, origin, "CT1", "CT", files, None, address)


def verdict(objects: int = 3, key: str = "k" * 64, **more: object) -> Judged:
    """What came of a series."""
    values = {"verdict": "tampered", "p_tampered": 0.9, "modality": "CT"} | more
    return Judged.model_validate({"key": key, "objects": objects, **values})
