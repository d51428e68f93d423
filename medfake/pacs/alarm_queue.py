"""Alarms that wait to be told: kept with the verdict that they are about, so that a kill loses none.

An alarm has a row for each channel by which somebody may hear of it, so that one that is out of order makes none of the
others tell it twice. Whoever tells of a row takes it for a while, as several stations may share a queue.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import sqlalchemy as sql
from sqlalchemy import ColumnElement, Connection, Engine

from medfake.pacs.queue_tables import SERIES, TABLES
from medfake.pacs.queued_series import QueuedSeries, series_of_row
from medfake.serving.database import database_errors, database_time

MESSAGES: Final = sql.Table(
    "pacs_messages",
    TABLES,
    sql.Column("series", sql.String(32), primary_key=True),
    sql.Column("kind", sql.String(16), primary_key=True),
    sql.Column("channel", sql.String(16), primary_key=True),
    sql.Column("created", sql.Double, nullable=False),
    sql.Column("next_try", sql.Double, nullable=False),
    sql.Column("tries", sql.Integer, nullable=False),
)
LEASE_S: Final = 300.0
"""How long a row stays with a station that says nothing; a mail server may take that long."""


class Channel(StrEnum):
    """How somebody hears of an alarm."""

    WEBHOOK = "webhook"
    EMAIL = "e-mail"


@dataclass(frozen=True)
class Alarm:
    """An alarm by one channel.

    Attributes:
        series: That it is about.
        kind: What it is about, a word of `alarms.on` in pacs.yaml.
        channel: By which it is told.
        created: When, by the database's clock, s since 1970.
        next_try: Likewise.
        tries: So far.
    """

    series: QueuedSeries
    kind: str
    channel: Channel
    created: float
    next_try: float
    tries: int


def add_alarms(connection: Connection, series_id: str, kinds: Sequence[str]) -> None:
    """Add alarms in the transaction of what they are about; of each kind a series has one."""
    now = database_time(connection)
    for kind in kinds:
        connection.execute(MESSAGES.delete().where(MESSAGES.c.series == series_id, MESSAGES.c.kind == kind))
        for channel in Channel:
            new = {"series": series_id, "kind": kind, "channel": channel, "created": now, "next_try": now, "tries": 0}
            connection.execute(MESSAGES.insert().values(**new))


def remove_alarms(connection: Connection, series_id: str) -> None:
    """Remove what waits of a series, in the transaction that removes the series."""
    connection.execute(MESSAGES.delete().where(MESSAGES.c.series == series_id))


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
        own = [MESSAGES.c[name].label(f"alarm_{name}") for name in ("kind", "channel", "created", "next_try", "tries")]
        together = MESSAGES.join(SERIES, SERIES.c.id == MESSAGES.c.series)
        with database_errors(self._url), self._engine.begin() as connection:
            due = MESSAGES.c.next_try <= database_time(connection)
            wanted = sql.select(*own, *shown).select_from(together).where(due)
            rows = connection.execute(wanted.order_by(MESSAGES.c.created, MESSAGES.c.channel).limit(limit)).all()
        return [
            Alarm(
                series_of_row(row), str(row.alarm_kind), Channel(row.alarm_channel), float(row.alarm_created),
                float(row.alarm_next_try), int(row.alarm_tries),
            )
            for row in rows
        ]  # fmt: skip

    def claim(self, alarm: Alarm) -> bool:
        """Take an alarm for `LEASE_S`; False where another station was faster."""
        with database_errors(self._url), self._engine.begin() as connection:
            mine = {"next_try": database_time(connection) + LEASE_S}
            as_it_was = (*_this(alarm), MESSAGES.c.next_try == alarm.next_try)
            return bool(connection.execute(MESSAGES.update().where(*as_it_was).values(**mine)).rowcount)

    def told(self, alarm: Alarm) -> None:
        """Somebody has been told, or nobody can be."""
        with database_errors(self._url), self._engine.begin() as connection:
            connection.execute(MESSAGES.delete().where(*_this(alarm)))

    def again(self, alarm: Alarm, wait_s: float) -> None:
        """Try an alarm again later."""
        with database_errors(self._url), self._engine.begin() as connection:
            later = {"next_try": database_time(connection) + wait_s, "tries": alarm.tries + 1}
            connection.execute(MESSAGES.update().where(*_this(alarm)).values(**later))

    def leave_out(self, channels: Sequence[Channel]) -> None:
        """Remove what nobody hears, as there is no such channel."""
        with database_errors(self._url), self._engine.begin() as connection:
            connection.execute(MESSAGES.delete().where(MESSAGES.c.channel.in_(channels)))


def _this(alarm: Alarm) -> tuple[ColumnElement[bool], ...]:
    """The row of an alarm, and not of a later one of the same kind."""
    return (
        MESSAGES.c.series == alarm.series.id, MESSAGES.c.kind == alarm.kind, MESSAGES.c.channel == alarm.channel,
        MESSAGES.c.created == alarm.created,
    )  # fmt: skip
