"""The one queue of series, in SQLite or PostgreSQL: what is in it is done at least once, whoever is killed meanwhile.

A row is one arrival of a series. It holds a keyed pseudonym of the series and what rules ask for, and no identifier but
one: the address in the PACS of a series that is still to be fetched, which is wiped once it is. Whoever works on a row
holds a lease; who is killed renews it no more, and another takes the row up. Each change says in its WHERE what must
still hold, and looks at how many rows it changed, which is the same in both databases.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sql
from sqlalchemy import ColumnElement, Connection, Engine

from medfake.pacs.alarm_queue import add_alarms, remove_alarms
from medfake.pacs.judged import Judged
from medfake.pacs.queue_tables import FACTS, PIXELS, SERIES, TABLES
from medfake.pacs.queued_series import UNDER_WAY, WAITING, NewSeries, Origin, QueuedSeries, State, series_of_row
from medfake.serving.database import database_errors, database_time, make_tables
from medfake.serving.leases import held, holder
from medfake.serving.scoring.progress import Progress

_SHOWN: Final = [SERIES.c[name] for name in QueuedSeries.__dataclass_fields__]
_THERE: Final = "its results are those of an earlier arrival, and are not sent again"
_FREED: Final = {"owner": None, "lease_until": None}


class SeriesQueue:
    """The rows.

    Args:
        engine: From `open_database`.
        url: Of the database, for messages, which leave its password out.
        owner: This process.
        lease_s: How long a row stays with a thread that says nothing.
        longest_wait_s: Between two tries; what is to be tried later than that was noted by a clock that was wrong.
    """

    def __init__(
        self, engine: Engine, url: str, owner: str, lease_s: float, longest_wait_s: float = 30 * 86_400.0
    ) -> None:
        self._engine, self._url, self._owner, self._lease_s = engine, url, owner, lease_s
        self._longest_wait_s = longest_wait_s
        with self._begin() as connection:
            make_tables(connection, TABLES)

    def bind(self, name: str, value: str) -> bool:
        """Note a fact that all who use the queue must share; False where it was noted as another one.

        Args:
            name: Of the fact.
            value: 64 characters at most.
        """
        with self._begin() as connection:
            self._turn(connection, name)
            noted = connection.execute(sql.select(FACTS.c.value).where(FACTS.c.name == name)).scalar_one_or_none()
            if noted is None:
                connection.execute(FACTS.insert().values(name=name, value=value))
            return noted in (None, value)

    def add(self, series: NewSeries) -> bool:
        """Put a series at the end of the queue; False where this arrival is in it already."""
        return self._add(series, SERIES.c.id == series.id)

    def add_unless_under_way(self, series: NewSeries) -> bool:
        """Put a series at the end of the queue; False where an arrival of it is fetched, judged or sent."""
        return self._add(series, sql.and_(SERIES.c.series_key == series.series_key, SERIES.c.state.in_(UNDER_WAY)))

    def take(self, state: State) -> QueuedSeries | None:
        """Take the oldest series of a state that nobody works on and whose time has come.

        What came later of a series waits until what came earlier is judged, so that pixels that changed are noticed;
        what is here already waits for no fetch, which may take as long as the PACS is silent.
        """
        with self._begin() as connection:
            now = database_time(connection)
            earlier, ahead = SERIES.alias("earlier"), (State.SCORE,) if state is State.SCORE else WAITING
            before = sql.exists().where(
                earlier.c.series_key == SERIES.c.series_key, earlier.c.state.in_(ahead),
                sql.or_(earlier.c.created < SERIES.c.created,
                        sql.and_(earlier.c.created == SERIES.c.created, earlier.c.id < SERIES.c.id)),
            )  # fmt: skip
            at_work = SERIES.alias("at_work")
            beside = sql.exists().where(
                at_work.c.series_key == SERIES.c.series_key, at_work.c.id != SERIES.c.id,
                at_work.c.state == State.SCORE, self._leased(at_work, now),
            )  # fmt: skip
            due = sql.or_(SERIES.c.next_try <= now, SERIES.c.next_try > now + 2 * self._longest_wait_s)
            free = sql.and_(SERIES.c.state == state, due, sql.not_(self._leased(SERIES, now)))
            held_up = {State.FETCH: before, State.SCORE: sql.or_(before, beside)}.get(state, sql.false())
            wanted = sql.select(SERIES.c.id).where(free, sql.not_(held_up))
            next_one = wanted.order_by(SERIES.c.created, SERIES.c.id).limit(1)
            if connection.dialect.name == "postgresql":
                next_one = next_one.with_for_update(skip_locked=True, of=SERIES)
            found = connection.execute(next_one).scalar_one_or_none()
            if found is None:
                return None
            more = {"attempts": SERIES.c.attempts + 1} if state is State.SCORE else {}
            mine = {"owner": holder(self._owner), "lease_until": now + self._lease_s, **more}
            taken = connection.execute(SERIES.update().where(SERIES.c.id == found, free).values(**mine))
            return self._row(connection, str(found)) if taken.rowcount else None

    def renew(self, series_id: str, state: State, **news: Any) -> bool:
        """Say that work goes on; False where the series is this thread's no more."""
        with self._begin() as connection:
            until = database_time(connection) + self._lease_s
            return self._change(connection, series_id, state, lease_until=until, **news)

    def holding(self, series_id: str, state: State) -> AbstractContextManager[threading.Event]:
        """Keep a series of this thread for as long as the block lasts; the event is set when somebody else has it."""
        owner = holder(self._owner)

        def renew() -> bool:
            with self._begin() as connection:
                until = database_time(connection) + self._lease_s
                return self._change(connection, series_id, state, owner, lease_until=until)

        return held(renew, self._lease_s)

    def give_back(self, series_id: str, state: State) -> None:
        """Let somebody else go on with a series of this thread."""
        with self._begin() as connection:
            fewer = {"attempts": SERIES.c.attempts - 1} if state is State.SCORE else {}
            self._change(connection, series_id, state, **_FREED, **fewer)

    def fetched(self, series_id: str, files: int) -> bool:
        """A series has come from the PACS; its address there is forgotten."""
        with self._begin() as connection:
            news = {"files": files, "address": None, "tries": 0, "reason": None}
            progress = Progress(files=files).model_dump_json()
            return self._move(connection, series_id, State.FETCH, State.SCORE, progress=progress, **news)

    def judged(
        self, series_id: str, judged: Judged, model: str, progress: Progress, alarms: Sequence[str] = ()
    ) -> bool:
        """Keep what came of a series: it is to be sent, or done where there is nothing to send.

        Verdict, digests of pixels and alarms are kept together or not at all.
        """
        with self._begin() as connection:
            row = self._row(connection, series_id)
            if row is None:
                return False
            there = row.origin is not Origin.SCAN and self._has_results(connection, row, judged)
            state = State.SEND if judged.objects and not there else State.DONE
            kept = self._move(
                connection, series_id, State.SCORE, state, model=model, verdict=judged.verdict, tries=0,
                objects=judged.objects,
                p_tampered=judged.p_tampered, reason=_THERE if there else judged.reason, judged_key=judged.key,
                results_key=judged.results_key, modality=judged.modality, progress=progress.model_dump_json(),
            )  # fmt: skip
            if kept:
                self._keep_pixels(connection, row.series_key, judged.pixels)
                add_alarms(connection, series_id, alarms)
            return kept

    def sent(self, series_id: str, objects: int) -> bool:
        """All objects of a series are in the PACS."""
        with self._begin() as connection:
            return self._move(connection, series_id, State.SEND, State.DONE, sent=objects, reason=None)

    def try_again(self, series_id: str, state: State, reason: str, wait_s: float) -> bool:
        """Note why fetching or sending failed, and when it is tried again."""
        with self._begin() as connection:
            later = {"next_try": database_time(connection) + wait_s, "tries": SERIES.c.tries + 1, "reason": reason}
            return self._change(connection, series_id, state, **later, attempts=0, **_FREED)

    def give_up(self, series_id: str, state: State, reason: str, alarms: Sequence[str] = ()) -> bool:
        """Put a series into the dead-letter list; its files stay, for a person to look at."""
        with self._begin() as connection:
            dead = self._move(connection, series_id, state, State.DEAD, died=state, reason=reason)
            if dead:
                add_alarms(connection, series_id, alarms)
            return dead

    def revive(self, series_id: str) -> bool:
        """Try a series of the dead-letter list anew; False where there is none of this id."""
        with self._begin() as connection:
            now = database_time(connection)
            dead = SERIES.update().where(SERIES.c.id == series_id, SERIES.c.state == State.DEAD)
            anew = {"state": SERIES.c.died, "died": None, "tries": 0, "attempts": 0, "next_try": now, "changed": now}
            return bool(connection.execute(dead.values(**anew, **_FREED)).rowcount)

    def forget(self, series_id: str) -> bool:
        """Remove a row that is done or given up, and its alarms; what is known of its pixels stays.

        Returns:
            False where there is none of this id that has ended.
        """
        with self._begin() as connection:
            ended = SERIES.delete().where(SERIES.c.id == series_id, SERIES.c.state.in_((State.DONE, State.DEAD)))
            gone = bool(connection.execute(ended).rowcount)
            if gone:
                remove_alarms(connection, series_id)
            return gone

    def find(self, series_id: str) -> QueuedSeries | None:
        """A row by its id."""
        with self._begin() as connection:
            return self._row(connection, series_id)

    def given_up(self, prefix: str) -> list[str]:
        """Ids of the dead-letter list that begin so, at most a few."""
        begins = SERIES.c.id.startswith(prefix, autoescape=True)
        wanted = sql.select(SERIES.c.id).where(SERIES.c.state == State.DEAD, begins).order_by(SERIES.c.id).limit(3)
        with self._begin() as connection:
            return [str(one) for one in connection.execute(wanted).scalars()]

    def rows(self, states: Sequence[State], limit: int) -> list[QueuedSeries]:
        """Rows of some states, those that changed last first."""
        wanted = sql.select(*_SHOWN).where(SERIES.c.state.in_(states)).order_by(SERIES.c.changed.desc(), SERIES.c.id)
        with self._begin() as connection:
            return [series_of_row(row) for row in connection.execute(wanted.limit(limit))]

    def counts(self) -> dict[State, int]:
        """How many rows each state has."""
        with self._begin() as connection:
            rows = connection.execute(sql.select(SERIES.c.state, sql.func.count()).group_by(SERIES.c.state)).all()
        return dict.fromkeys(State, 0) | {State(state): int(count) for state, count in rows}

    def waiting(self) -> int:
        """How many series wait to be judged."""
        counts = self.counts()
        return sum(counts[state] for state in WAITING)

    def known(self, ids: Sequence[str]) -> set[str]:
        """Those of some ids that have a row."""
        with self._begin() as connection:
            return {
                str(one) for one in connection.execute(sql.select(SERIES.c.id).where(SERIES.c.id.in_(ids))).scalars()
            }

    def last_of(self, series_key: str) -> QueuedSeries | None:
        """The last arrival of a series."""
        wanted = sql.select(*_SHOWN).where(SERIES.c.series_key == series_key)
        with self._begin() as connection:
            row = connection.execute(wanted.order_by(SERIES.c.created.desc()).limit(1)).one_or_none()
        return None if row is None else series_of_row(row)

    def judged_keys(self, series_key: str) -> set[str]:
        """What was judged of a series and sent, or found to hold nothing to send."""
        wanted = sql.select(SERIES.c.judged_key).where(SERIES.c.series_key == series_key, SERIES.c.state == State.DONE)
        with self._begin() as connection:
            return {str(one) for one in connection.execute(wanted).scalars() if one}

    def pixels_of(self, series_key: str) -> dict[str, str]:
        """Digest of the pixels that each instance of a series had when it last came, by its keyed pseudonym."""
        wanted = sql.select(PIXELS.c.instance_key, PIXELS.c.sha256).where(PIXELS.c.series_key == series_key)
        with self._begin() as connection:
            return {str(key): str(digest) for key, digest in connection.execute(wanted)}

    def outdated(self, keep_s: float | None, keep_dead_s: float) -> list[str]:
        """Ids of what is kept no longer.

        Args:
            keep_s: What is done, since it last changed; None for ever.
            keep_dead_s: What was given up, likewise.
        """
        with self._begin() as connection:
            now = database_time(connection)
            old = sql.and_(SERIES.c.state == State.DEAD, SERIES.c.changed < now - keep_dead_s)
            if keep_s is not None:
                old = sql.or_(old, sql.and_(SERIES.c.state == State.DONE, SERIES.c.changed < now - keep_s))
                connection.execute(PIXELS.delete().where(PIXELS.c.seen < now - keep_s))
            return [str(one) for one in connection.execute(sql.select(SERIES.c.id).where(old)).scalars()]

    def _add(self, series: NewSeries, unless: ColumnElement[bool]) -> bool:
        """Add a row in one statement, unless there is such a one; on PostgreSQL one of a series at a time."""
        with self._begin() as connection:
            self._turn(connection, series.series_key)
            now = database_time(connection)
            address = series.address and json.dumps([series.address.study_uid, series.address.series_uid])
            values: dict[str, Any] = {
                "id": series.id, "series_key": series.series_key, "origin": str(series.origin),
                "caller": series.caller, "modality": series.modality,
                "state": str(State.FETCH if series.address else State.SCORE), "created": now, "changed": now,
                "next_try": now, "files": series.files, "expected": series.expected, "attempts": 0, "tries": 0,
                "progress": Progress(files=series.files).model_dump_json(), "objects": 0, "sent": 0,
                "address": address,
            }  # fmt: skip
            row = sql.select(*(sql.literal(value, SERIES.c[name].type) for name, value in values.items()))
            new = SERIES.insert().from_select(list(values), row.where(sql.not_(sql.exists().where(unless))))
            return bool(connection.execute(new.execution_options(preserve_rowcount=True)).rowcount > 0)

    def _turn(self, connection: Connection, what: str) -> None:
        """Let one transaction at a time look at something and change it; SQLite has one writer anyway."""
        if connection.dialect.name == "postgresql":
            number = int.from_bytes(sha256(what.encode()).digest()[:7], "big")
            connection.execute(sql.text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": number})

    def _leased(self, rows: Any, now: float) -> ColumnElement[bool]:
        """Whether somebody works on a row; a lease that ends later than any can is of a clock that was wrong."""
        until = rows.c.lease_until
        return sql.and_(until.is_not(None), until >= now, until <= now + 2 * max(self._lease_s, 0.0))

    def _move(self, connection: Connection, series_id: str, old: State, new: State, **news: Any) -> bool:
        now = database_time(connection)
        return self._change(connection, series_id, old, state=new, changed=now, next_try=now, **_FREED, **news)

    def _change(
        self, connection: Connection, series_id: str, now_in: State, held_by: str | None = None, **values: Any
    ) -> bool:
        mine = (SERIES.c.id == series_id, SERIES.c.owner == (held_by or holder(self._owner)), SERIES.c.state == now_in)
        return bool(connection.execute(SERIES.update().where(*mine).values(**values)).rowcount)

    def _has_results(self, connection: Connection, row: QueuedSeries, judged: Judged) -> bool:
        """Whether these very results are in the PACS, or on their way there, from another arrival of the series."""
        others = (SERIES.c.series_key == row.series_key, SERIES.c.id != row.id)
        same = (SERIES.c.results_key == judged.results_key, SERIES.c.state.in_((State.SEND, State.DONE)))
        return connection.execute(sql.select(SERIES.c.id).where(*others, *same).limit(1)).first() is not None

    def _keep_pixels(self, connection: Connection, series_key: str, pixels: Mapping[str, str]) -> None:
        now = database_time(connection)
        for key, digest in pixels.items():
            this: tuple[ColumnElement[bool], ...] = (PIXELS.c.series_key == series_key, PIXELS.c.instance_key == key)
            changed = connection.execute(PIXELS.update().where(*this).values(sha256=digest, seen=now))
            if not changed.rowcount:
                new = {"series_key": series_key, "instance_key": key, "sha256": digest, "seen": now}
                connection.execute(PIXELS.insert().values(**new))

    def _row(self, connection: Connection, series_id: str) -> QueuedSeries | None:
        row = connection.execute(sql.select(*_SHOWN).where(SERIES.c.id == series_id)).one_or_none()
        return None if row is None else series_of_row(row)

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        with database_errors(self._url), self._engine.begin() as connection:
            yield connection
