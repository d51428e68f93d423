"""The database of what is served: SQLite in a file of this user's alone, or PostgreSQL for several machines."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from medfake.errors import BusyError, ConfigError, StorageError
from medfake.tracking.store_errors import SQLITE, store_name

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, MetaData

_POSTGRES: Final = ("postgresql://", "postgres://")
_DRIVER: Final = "postgresql+psycopg://"
_PATIENCE_S: Final = 10
_FULL: Final = ("disk is full", "No space left on device")
_LOCKED: Final = "database is locked"
_TURN: Final = 7_263_411_908  # of PostgreSQL's advisory lock under which tables are made; any number of our own


def open_database(url: str) -> "Engine":
    """Open a database, a SQLite file being made where there is none.

    Args:
        url: "sqlite:///served.db" or "postgresql://user:password@host/name".

    Raises:
        ConfigError: It is the address of neither.
        StorageError: It cannot be opened.
    """
    import sqlalchemy

    if url.startswith(SQLITE):
        engine = _open_sqlite(Path(url.removeprefix(SQLITE)))
    elif url.startswith((*_POSTGRES, _DRIVER)):
        engine = _open_postgresql(url)
    else:
        raise ConfigError(
            "what is served is kept in SQLite or PostgreSQL", where="the address of the database",
            received=url.split(":", 1)[0], remedy="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME",
        )  # fmt: skip
    with database_errors(url), engine.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT 1"))
    return engine


def with_driver(url: str) -> str:
    """The address of a PostgreSQL database with the driver that medfake brings, psycopg; SQLAlchemy's default is older.

    >>> with_driver("postgresql://user@host/name")
    'postgresql+psycopg://user@host/name'
    """
    return _DRIVER + url.split("://", 1)[1]


def make_tables(connection: "Connection", tables: "MetaData") -> None:
    """Make the tables that are not there, with their indexes, whoever else is at it.

    PostgreSQL's IF NOT EXISTS is no lock, so that processes which start at once take turns there.

    Args:
        connection: In a transaction that the caller commits.
        tables: What there is to be.
    """
    import sqlalchemy as sql
    from sqlalchemy.schema import CreateIndex, CreateTable

    if connection.dialect.name == "postgresql":
        connection.execute(sql.text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": _TURN})
    for table in tables.sorted_tables:
        connection.execute(CreateTable(table, if_not_exists=True))
        for index in table.indexes:
            connection.execute(CreateIndex(index, if_not_exists=True))


def database_time(connection: "Connection") -> float:
    """Seconds since 1970; by a server's own clock, as those of several machines differ."""
    import sqlalchemy as sql

    if connection.dialect.name == "postgresql":
        return float(connection.execute(sql.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
    return time.time()


@contextmanager
def database_errors(url: str) -> Iterator[None]:
    """Turn what SQLAlchemy raises in the block into one clear error, without the password and without any value.

    Raises:
        BusyError: Another process holds the file.
        StorageError: The disk is full, or the database cannot be opened, read or written.
    """
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        text, where = str(error), store_name(url)
        if _LOCKED in text:
            raise BusyError("another process holds the database", where=where, remedy="wait, then try again") from error
        if any(sign in text for sign in _FULL):
            raise StorageError("the disk is full", where=where, remedy="free some space (`df -h`)") from error
        raise StorageError(
            "the database of what is served cannot be used", where=where, received=type(error).__name__,
            remedy="see that it runs and lets this user in; a SQLite file needs a folder that can be written to",
        ) from error  # fmt: skip


def _open_postgresql(url: str) -> "Engine":
    import sqlalchemy

    try:
        address = sqlalchemy.make_url(with_driver(url))
    except (ValueError, sqlalchemy.exc.ArgumentError):  # their words hold what stands there, a password perhaps
        raise ConfigError(
            "this is no address of a PostgreSQL database", where="the address of the database",
            remedy="postgresql://USER:PASSWORD@HOST:PORT/NAME, where @ : / [ ] of a password are %40 %3A %2F %5B %5D",
        ) from None  # fmt: skip
    return sqlalchemy.create_engine(
        address, pool_pre_ping=True, hide_parameters=True, connect_args={"connect_timeout": _PATIENCE_S}
    )


def _open_sqlite(path: Path) -> "Engine":
    import sqlalchemy
    from sqlalchemy import event

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    engine = sqlalchemy.create_engine(
        f"{SQLITE}{path}", hide_parameters=True, connect_args={"timeout": _PATIENCE_S, "check_same_thread": False}
    )

    event.listen(engine, "connect", _configure)
    return engine


def _configure(connection: Any, _: object) -> None:
    """Readers go on beside a writer, and what is committed outlives a power cut."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
