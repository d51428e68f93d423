"""Where served scans are recorded: one table in SQLite or PostgreSQL, a row a scan, each recorded once."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from medfake.errors import StorageError
from medfake.serving.database import database_errors, make_tables
from medfake.serving.monitoring.served import SCHEMA_VERSION, ServedScan
from medfake.tracking.store_errors import store_name

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table

TABLE: Final = "served_scans"


class Recorder:
    """Writes and reads what was served; for many threads and processes at once."""

    def __init__(self, engine: "Engine", keep_days: int | None = None) -> None:
        """Make the table where there is none.

        Args:
            engine: From `open_database`.
            keep_days: Scans of earlier days are removed as new ones are recorded; None keeps all.

        Raises:
            StorageError: The database cannot be used.
            BusyError: Another process holds a SQLite file.
        """
        self._engine, self._keep_days = engine, keep_days
        self._url, self._table = str(engine.url), _table()
        with database_errors(self._url), engine.begin() as connection:
            make_tables(connection, self._table.metadata)

    def record(self, scans: Mapping[str, ServedScan]) -> int:
        """Record scans, all or none of them; one whose key is there already is recorded no second time.

        Args:
            scans: By a key that stays the same when a job is taken up again, such as the random id of the job and the
                number of the scan in it; never an identifier or a pseudonym, though its digest alone is kept.

        Returns:
            How many were new. They outlive a kill from now on.

        Raises:
            StorageError: The disk is full or the database cannot be used.
            BusyError: Another process holds a SQLite file.
        """
        if not scans:
            return 0
        rows = [
            {"key": _digest(key), "day": date.fromisoformat(one.day), "model_digest": one.model_digest,
             "scan": one.as_json()}
            for key, one in scans.items()
        ]  # fmt: skip
        with database_errors(self._url), self._engine.begin() as connection:
            new = len(connection.execute(self._insert(), rows).all())
            if self._keep_days is not None:
                self._remove(connection, self._keep_days)
        return new

    def prune(self, keep_days: int) -> int:
        """Remove scans that were served more than so many days ago, and say how many; errors as of `record`."""
        with database_errors(self._url), self._engine.begin() as connection:
            return self._remove(connection, keep_days)

    def served(self, model_digest: str | None = None, since: date | None = None) -> list[ServedScan]:
        """What was served, by day; within a day in no order that tells of time.

        Args:
            model_digest: By this detector alone; None for all.
            since: First day; None for the first there is.

        Raises:
            StorageError: The database cannot be used, is damaged, or a newer medfake has written to it.
        """
        query = self._table.select().order_by(self._table.c.day, self._table.c.key)
        if model_digest is not None:
            query = query.where(self._table.c.model_digest == model_digest)
        if since is not None:
            query = query.where(self._table.c.day >= since)
        with database_errors(self._url), self._engine.connect() as connection:
            try:
                return [self._scan(row.scan) for row in connection.execute(query)]
            except (ValueError, TypeError, KeyError) as error:
                raise StorageError(
                    "what was recorded of a served scan is damaged", where=store_name(self._url),
                    received=type(error).__name__, remedy="restore the database from a copy, or use another --database",
                ) from error  # fmt: skip

    def count(self, model_digest: str) -> int:
        """How many scans a detector was served, none of which is read; errors as of `record`."""
        return self._count(self._table.c.model_digest == model_digest)

    def count_others(self, model_digest: str, since: date | None = None) -> int:
        """How many scans other detectors were served, from a day on; errors as of `record`."""
        return self._count(self._table.c.model_digest != model_digest, self._table.c.day >= (since or date.min))

    def _count(self, *which: Any) -> int:
        import sqlalchemy as sql

        query = sql.select(sql.func.count()).select_from(self._table).where(*which)
        with database_errors(self._url), self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def _scan(self, values: dict[str, Any]) -> ServedScan:
        if values["schema_version"] != SCHEMA_VERSION:
            raise StorageError(
                f"served scans are recorded in version {SCHEMA_VERSION}", where=self._url,
                received=values["schema_version"], remedy="use the medfake that recorded them, or another --database",
            )  # fmt: skip
        return ServedScan.from_json(values)

    def _remove(self, connection: "Connection", keep_days: int) -> int:
        first_kept = datetime.now(UTC).date() - timedelta(days=keep_days)
        return int(connection.execute(self._table.delete().where(self._table.c.day < first_kept)).rowcount)

    def _insert(self) -> Any:
        """Insert that leaves rows alone that are there; the statement is spelled alike in both databases."""
        from sqlalchemy.dialects import postgresql, sqlite

        kind = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        return kind.insert(self._table).on_conflict_do_nothing().returning(self._table.c.key)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _table() -> "Table":
    import sqlalchemy as sa

    return sa.Table(
        TABLE,
        sa.MetaData(),
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("day", sa.Date, nullable=False, index=True),
        sa.Column("model_digest", sa.String(64), nullable=False),
        sa.Column("scan", sa.JSON, nullable=False),
        sqlite_with_rowid=False,  # row numbers would tell the order of scans within a day
    )
