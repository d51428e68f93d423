"""What MLflow and its database raise, in this project's words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from medfake.errors import BusyError, MedfakeError, RegistryError, StorageError

_LONGEST = 200


@contextmanager
def translated(uri: str) -> Iterator[None]:
    """Turn what MLflow or SQLAlchemy raises in the block into one clear error.

    Args:
        uri: Of the store, for the message.

    Raises:
        StorageError: The disk is full, or the database cannot be opened or written.
        BusyError: Another process holds the database.
        RegistryError: Anything else that MLflow refuses.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError) as error:
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
