"""Jobs in a database, so that a restart loses none and several processes share them without doing one twice.

Whoever works on a job holds a lease, which is renewed while work goes on. A process that is killed renews no more, and
another takes the job up. Each change says in its WHERE what must still hold, and looks at how many rows it changed:
that is the same on SQLite and on PostgreSQL.
"""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sql
from sqlalchemy import Connection, Engine

from medfake.serving.database import database_errors, database_time, make_tables
from medfake.serving.leases import held, holder
from medfake.serving.scoring.progress import Progress


class State(StrEnum):
    """Where a job stands; `deleted` until a process that works on it has noticed."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    DELETED = "deleted"


ENDED: Final = (State.DONE, State.FAILED)


@dataclass(frozen=True)
class Job:
    """A job as it is stored; times are seconds since 1970."""

    id: str
    state: State
    created: float
    started: float | None
    ended: float | None
    progress: Progress
    model: str | None
    error: dict[str, Any] | None
    attempts: int
    size: int


_TABLES: Final = sql.MetaData()
_JOBS: Final = sql.Table(
    "service_jobs",
    _TABLES,
    sql.Column("id", sql.String(32), primary_key=True),
    sql.Column("state", sql.String(16), nullable=False),
    sql.Column("created", sql.Double, nullable=False),
    sql.Column("started", sql.Double),
    sql.Column("ended", sql.Double),
    sql.Column("progress", sql.Text, nullable=False),
    sql.Column("model", sql.Text),
    sql.Column("error", sql.Text),
    sql.Column("attempts", sql.Integer, nullable=False),
    sql.Column("size", sql.BigInteger, nullable=False),
    sql.Column("owner", sql.String(32)),
    sql.Column("lease_until", sql.Double),
    sql.Index("service_jobs_by_state", "state", "created"),
)
_SHOWN: Final = [_JOBS.c[name] for name in Job.__dataclass_fields__]


class JobStore:
    """The table of jobs.

    Args:
        engine: From `open_database`.
        url: Of the database, for messages, which leave its password out.
        owner: This process.
        lease_s: How long a job stays with a process that says nothing.
    """

    def __init__(self, engine: Engine, url: str, owner: str, lease_s: float) -> None:
        self._engine, self._url, self._owner, self._lease_s = engine, url, owner, lease_s
        with self._begin() as connection:
            make_tables(connection, _TABLES)

    def add(self, job_id: str, progress: Progress, size: int) -> Job:
        """Put a job at the end of the queue."""
        with self._begin() as connection:
            values = {
                "id": job_id,
                "state": State.QUEUED,
                "created": database_time(connection),
                "attempts": 0,
                "size": size,
            }
            connection.execute(_JOBS.insert().values(**values, progress=progress.model_dump_json()))
            return _job(connection.execute(sql.select(*_SHOWN).where(_JOBS.c.id == job_id)).one())

    def find(self, job_id: str) -> Job | None:
        """A job; None where there is none, or it is being deleted."""
        wanted = sql.select(*_SHOWN).where(_JOBS.c.id == job_id, _JOBS.c.state != State.DELETED)
        with self._begin() as connection:
            row = connection.execute(wanted).one_or_none()
        return None if row is None else _job(row)

    def exists(self, job_id: str) -> bool:
        """Whether there is such a job that is not being deleted."""
        return self.find(job_id) is not None

    def newest(self, limit: int, offset: int) -> tuple[list[Job], int]:
        """Some jobs, newest first, and how many there are in all."""
        there = _JOBS.c.state != State.DELETED
        order = (_JOBS.c.created.desc(), _JOBS.c.id)
        with self._begin() as connection:
            total = connection.execute(sql.select(sql.func.count()).select_from(_JOBS).where(there)).scalar_one()
            rows = connection.execute(
                sql.select(*_SHOWN).where(there).order_by(*order).limit(limit).offset(offset)
            ).all()
        return [_job(row) for row in rows], int(total)

    def counts(self) -> dict[State, int]:
        """Jobs by state."""
        with self._begin() as connection:
            rows = connection.execute(sql.select(_JOBS.c.state, sql.func.count()).group_by(_JOBS.c.state)).all()
        return dict.fromkeys(State, 0) | {State(state): int(count) for state, count in rows}

    def take(self) -> Job | None:
        """Take the oldest job that nobody works on, be it new or left by a process that died."""
        with self._begin() as connection:
            now = database_time(connection)
            free = sql.or_(
                _JOBS.c.state == State.QUEUED, sql.and_(_JOBS.c.state == State.RUNNING, _JOBS.c.lease_until < now)
            )
            next_one = sql.select(_JOBS.c.id).where(free).order_by(_JOBS.c.created, _JOBS.c.id).limit(1)
            if connection.dialect.name == "postgresql":
                next_one = next_one.with_for_update(skip_locked=True)
            found = connection.execute(next_one).scalar_one_or_none()
            if found is None:
                return None
            mine = {"state": State.RUNNING, "owner": holder(self._owner), "lease_until": now + self._lease_s}
            started = {"started": sql.func.coalesce(_JOBS.c.started, now), "attempts": _JOBS.c.attempts + 1}
            taken = connection.execute(_JOBS.update().where(_JOBS.c.id == found, free).values(**mine, **started))
            if not taken.rowcount:  # another process was faster
                return None
            return _job(connection.execute(sql.select(*_SHOWN).where(_JOBS.c.id == found)).one())

    def renew(self, job_id: str, progress: Progress, model: str) -> bool:
        """Say that work goes on; False where the job is this process's no more, or was deleted."""
        with self._begin() as connection:
            lease = {"lease_until": database_time(connection) + self._lease_s}
            return self._change(connection, job_id, progress=progress.model_dump_json(), model=model, **lease)

    def finish(self, job_id: str, progress: Progress, model: str, error: dict[str, Any] | None = None) -> bool:
        """End a job of this process, done or failed; False as for `renew`."""
        with self._begin() as connection:
            now = database_time(connection)
            return self._change(
                connection, job_id, state=State.FAILED if error else State.DONE, ended=now, model=model,
                progress=progress.model_dump_json(), error=json.dumps(error) if error else None, owner=None,
                lease_until=None,
            )  # fmt: skip

    def holding(self, job_id: str) -> AbstractContextManager[threading.Event]:
        """Keep a job of this thread for as long as the block lasts; the event is set when somebody else has it."""
        owner = holder(self._owner)

        def renew() -> bool:
            with self._begin() as connection:
                mine = (_JOBS.c.id == job_id, _JOBS.c.owner == owner, _JOBS.c.state == State.RUNNING)
                until = database_time(connection) + self._lease_s
                return bool(connection.execute(_JOBS.update().where(*mine).values(lease_until=until)).rowcount)

        return held(renew, self._lease_s)

    def give_back(self, job_id: str) -> None:
        """Put a job of this process back into the queue: the service stops, and the next one goes on with it."""
        with self._begin() as connection:
            given = {"state": State.QUEUED, "owner": None, "lease_until": None, "attempts": _JOBS.c.attempts - 1}
            self._change(connection, job_id, **given)

    def delete(self, job_id: str) -> bool:
        """Take a job out of everybody's sight; whoever works on it notices. False where there is none."""
        there = _JOBS.update().where(_JOBS.c.id == job_id, _JOBS.c.state != State.DELETED)
        with self._begin() as connection:
            return bool(connection.execute(there.values(state=State.DELETED)).rowcount)

    def forget(self, job_id: str) -> None:
        """Remove the row of a job whose files are gone."""
        with self._begin() as connection:
            connection.execute(_JOBS.delete().where(_JOBS.c.id == job_id))

    def outdated(self, keep_s: float) -> list[str]:
        """Jobs that are older than they are kept, and those whose deletion was cut short."""
        with self._begin() as connection:
            now = database_time(connection)
            worked_on = sql.and_(_JOBS.c.lease_until.is_not(None), _JOBS.c.lease_until >= now)
            deleted = sql.and_(_JOBS.c.state == State.DELETED, sql.not_(sql.func.coalesce(worked_on, sql.false())))
            old = sql.or_(_JOBS.c.created < now - keep_s, deleted)
            return [str(one) for one in connection.execute(sql.select(_JOBS.c.id).where(old)).scalars()]

    def known(self, job_ids: Sequence[str]) -> set[str]:
        """Those of some ids that have a row."""
        with self._begin() as connection:
            rows = connection.execute(sql.select(_JOBS.c.id).where(_JOBS.c.id.in_(job_ids))).scalars()
            return {str(one) for one in rows}

    def _change(self, connection: Connection, job_id: str, **values: Any) -> bool:
        mine = (_JOBS.c.id == job_id, _JOBS.c.owner == holder(self._owner), _JOBS.c.state == State.RUNNING)
        return bool(connection.execute(_JOBS.update().where(*mine).values(**values)).rowcount)

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        with database_errors(self._url), self._engine.begin() as connection:
            yield connection


def _job(row: Any) -> Job:
    values = row._asdict()
    error = values.pop("error")
    return Job(
        **values
        | {
            "state": State(values["state"]),
            "progress": Progress.model_validate_json(values["progress"]),
            "error": json.loads(error) if error else None,
        }
    )
