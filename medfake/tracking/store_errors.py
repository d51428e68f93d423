"""What MLflow and its database raise, in this project's words."""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from medfake.errors import BusyError, MedfakeError, RegistryError, StorageError
from medfake.remedies import Stage, rerun

SQLITE = "sqlite:///"
_LONGEST = 200
_PATIENCE_S = 10.0  # with another process that is writing
_DAMAGED = ("database disk image is malformed", "file is not a database")  # SQLite's words


@contextmanager
def translated(uri: str) -> Iterator[None]:
    """Turn what MLflow or SQLAlchemy raises in the block into one clear error.

    Args:
        uri: Of the store, for the message.

    Raises:
        StorageError: The disk is full, or the database is damaged or cannot be opened or written.
        BusyError: Another process holds the database.
        RegistryError: Anything else that MLflow refuses.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError) as error:
        raise _translate(str(error), uri) from error


def require_openable(uri: str) -> None:
    """Open a SQLite file that is there, because MLflow would try for two minutes before it says what is wrong.

    Args:
        uri: Of the store; what is no SQLite file is left to MLflow.

    Raises:
        StorageError: It is damaged or cannot be opened.
        BusyError: Another process holds it.
    """
    path = Path(uri.removeprefix(SQLITE))
    if not uri.startswith(SQLITE) or "?" in uri or not os.path.lexists(path):
        return
    try:
        with closing(sqlite3.connect(path, timeout=_PATIENCE_S)) as connection:
            connection.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        raise _translate(str(error), uri) from error


def store_name(uri: str) -> str:
    """A store's address without the password that it may hold."""
    return re.sub(r"//[^@/]*@", "//", uri)


def _translate(text: str, uri: str) -> MedfakeError:
    where = store_name(uri)
    if "disk is full" in text:
        return StorageError(
            "the disk is full", where=where, remedy="free some space (`df -h`), then run the same command again"
        )
    if any(sign in text for sign in ("readonly database", "unable to open database", "disk I/O error")):
        return StorageError(
            "the database of runs and models cannot be opened or written",
            where=where,
            remedy="see that its folder exists, can be written and has space (`ls -ld`, `df -h`)",
        )
    if any(sign in text for sign in _DAMAGED):
        path = where.removeprefix(SQLITE)
        return StorageError(
            "the database of runs and models is damaged",
            where=where,
            remedy=f"put a copy of it back, or begin a new one: mv {path} {path}.damaged, then {rerun(Stage.NOMINATE)}",
        )
    if "database is locked" in text:
        return BusyError("another process holds the database", where=where, remedy="wait a moment and try again")
    if "out-of-date database schema" in text:
        return RegistryError(
            "the database was made by an older MLflow",
            where=where,
            remedy=f"copy the database to a safe place, then mlflow db upgrade {where}",
        )
    return RegistryError(
        "MLflow cannot do what it was asked for",
        where=where,
        received=store_name(text.splitlines()[0])[:_LONGEST] if text else None,
        remedy="medfake registry list, or look with python -m mlflow_server",
    )
