"""Alarms that wait to be told: kept with the verdict that they are about, so that a kill loses none."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sql
from sqlalchemy import Connection, Engine

from medfake.pacs.queue_tables import ALARMS, SERIES
from medfake.pacs.queued_series import QueuedSeries, series_of_row
from medfake.serving.database import database_errors, database_time


@dataclass(frozen=True)
class Alarm:
    """An alarm.

    Attributes:
        series: That it is about.
        kind: What it is about, a word of `alarms.on` in pacs.yaml.
        tries: So far.
    """

    series: QueuedSeries
    kind: str
    tries: int


def add_alarms(connection: Connection, series_id: str, kinds: Sequence[str]) -> None:
    """Add alarms in the transaction of what they are about; of each kind a series has one."""
    now = database_time(connection)
    for kind in kinds:
        connection.execute(ALARMS.delete().where(ALARMS.c.series == series_id, ALARMS.c.kind == kind))
        new = {"series": series_id, "kind": kind, "created": now, "next_try": now, "tries": 0}
        connection.execute(ALARMS.insert().values(**new))


class AlarmQueue:
    """The alarms of a queue.

    Args:
        engine: Of the queue, whose tables are there.
        url: For messages.
    """

    def __init__(self, engine: Engine, url: str) -> None:
        self._engine, self._url = engine, url

    def due(self, limit: int) -> list[Alarm]:
        """Alarms whose time has come, the oldest first."""
        shown = [SERIES.c[name] for name in QueuedSeries.__dataclass_fields__]
        together = ALARMS.join(SERIES, SERIES.c.id == ALARMS.c.series)
        with database_errors(self._url), self._engine.begin() as connection:
            due = ALARMS.c.next_try <= database_time(connection)
            wanted = sql.select(ALARMS.c.kind, ALARMS.c.tries.label("tries_of_alarm"), *shown).select_from(together)
            rows = connection.execute(wanted.where(due).order_by(ALARMS.c.created).limit(limit)).all()
        return [Alarm(series_of_row(row), str(row.kind), int(row.tries_of_alarm)) for row in rows]

    def told(self, alarm: Alarm) -> None:
        """Somebody has been told, or nobody can be."""
        with database_errors(self._url), self._engine.begin() as connection:
            connection.execute(ALARMS.delete().where(*_this(alarm)))

    def again(self, alarm: Alarm, wait_s: float) -> None:
        """Try an alarm again later."""
        with database_errors(self._url), self._engine.begin() as connection:
            later = {"next_try": database_time(connection) + wait_s, "tries": ALARMS.c.tries + 1}
            connection.execute(ALARMS.update().where(*_this(alarm)).values(**later))


def _this(alarm: Alarm) -> tuple[sql.ColumnElement[bool], sql.ColumnElement[bool]]:
    return ALARMS.c.series == alarm.series.id, ALARMS.c.kind == alarm.kind
