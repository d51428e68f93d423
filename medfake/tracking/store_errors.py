"""What MLflow and its database raise, in this project's words."""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from medfake.errors import BusyError, ConfigError, MedfakeError, RegistryError, StorageError
from medfake.remedies import Stage, rerun

SQLITE = "sqlite:///"
_POSTGRES = "postgresql+psycopg://"
_LONGEST = 200
_PATIENCE_S = 10.0  # with another process that is writing, and with a server
_TRIES = 2  # more of a server that does not answer, before anything is done
_SILENT = ("Max retries exceeded", "Connection aborted", "Connection refused", "timed out", "timeout exception")
_DAMAGED = ("database disk image is malformed", "file is not a database")  # SQLite's words


@contextmanager
def translated(uri: str) -> Iterator[None]:
    """Turn what MLflow or SQLAlchemy raises in the block into one clear error.

    Args:
        uri: Of the store, for the message.

    Raises:
        StorageError: The disk is full, the database is damaged or cannot be opened or written, or the server does not
            answer.
        BusyError: Another process holds the database.
        RegistryError: Anything else that MLflow refuses; what this user may not do, too.
    """
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, RequestException) as error:
        refused = _refused(error, uri) if is_server(uri) else None
        raise refused or _translate(str(error), uri) from error


def is_server(uri: str) -> bool:
    """Whether a store is behind an MLflow server, which says where files lie and who may do what."""
    return uri.startswith(("http://", "https://"))


def require_openable(uri: str) -> None:
    """Open a SQLite file that is there or PostgreSQL, as MLflow would try for two minutes before it says what is wrong.

    A server is asked whether it knows this user, as MLflow would go on for four minutes where none answers.

    Args:
        uri: Of the store; what is none of these is left to MLflow.

    Raises:
        StorageError: It is damaged or cannot be opened, or the server does not answer.
        BusyError: Another process holds it.
        RegistryError: The server does not know this user.
    """
    if is_server(uri):
        with translated(uri):
            _ask(uri)
        return
    if uri.startswith(_POSTGRES):
        _connect(uri)
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


def _connect(uri: str) -> None:
    import sqlalchemy
    from sqlalchemy.exc import SQLAlchemyError

    engine = sqlalchemy.create_engine(uri, hide_parameters=True, connect_args={"connect_timeout": int(_PATIENCE_S)})
    try:
        engine.connect().close()
    except SQLAlchemyError as error:
        raise StorageError(
            "the database of runs and models does not answer, or does not let this user in", where=store_name(uri),
            received=type(error).__name__, remedy="see that it runs, and that name and password (PGPASSWORD) are right",
        ) from error  # fmt: skip
    finally:
        engine.dispose()


def _ask(uri: str) -> None:
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    http_request(
        get_default_host_creds(uri), "/version", "GET", max_retries=_TRIES, backoff_factor=1, timeout=_PATIENCE_S,
        raise_on_status=False,
    ).raise_for_status()  # fmt: skip


def _refused(error: Exception, uri: str) -> MedfakeError | None:
    """What a server's refusal, or its silence, means; None for whatever else it says."""
    from mlflow.exceptions import RestException

    where, text = store_name(uri), str(error)
    status = getattr(getattr(error, "response", None), "status_code", None)
    code = getattr(error, "error_code", "") if isinstance(error, RestException) else ""
    if status == 401 or code == "UNAUTHENTICATED" or "error code 401" in text:
        return RegistryError(
            "the tracking server does not know this user, or the password is wrong", where=where,
            remedy="export MLFLOW_TRACKING_USERNAME=... MLFLOW_TRACKING_PASSWORD=..., or write both into "
            "~/.mlflow/credentials",
        )  # fmt: skip
    if status == 403 or code == "PERMISSION_DENIED" or "error code 403" in text:
        return RegistryError(
            "the tracking server does not let this user do that", where=where,
            remedy="ask who administers it for permission on the experiment and the model: READ to look and scan, EDIT "
            "to train, MANAGE to nominate and decide",
        )  # fmt: skip
    if any(sign in text for sign in _SILENT):
        return StorageError(
            "the tracking server does not answer", where=where,
            remedy="see that it runs, and that MLFLOW_TRACKING_URI or tracking.uri in params.yaml is its address",
        )  # fmt: skip
    return None


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
    if "unsupported URI" in text:
        return ConfigError(
            "this is no address of runs and models",
            where="MLFLOW_TRACKING_URI or tracking.uri in params.yaml",
            received=where.partition("://")[0],
            remedy="sqlite:///mlflow.db, postgresql://USER@HOST/NAME or https://SERVER",
        )
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
