"""The store of runs and registered models: opened once, its errors in this project's words."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from medfake.config import TrackingParams
from medfake.tracking.store_errors import SQLITE, is_server, require_openable, store_name, translated

_QUIET = ("mlflow", "alembic")
_RETRIES = "mlflow.store.db.utils"  # says that it tries again to reach a server, for up to two minutes
_ADDRESSES = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_PRINT_MODEL_URLS_ON_CREATION": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # where a command writes JSON
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
    "MLFLOW_DISABLE_AGENT_HINT": "true",
    "MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK": "true",  # it would ask a package index, and there may be no network
    "MLFLOW_UV_AUTO_DETECT": "false",
    "MLFLOW_LOG_UV_FILES": "false",
}


@contextmanager
def _environment_kept() -> Iterator[None]:
    """MLflow writes the address, a password in it included, where children and other projects would read it."""
    before = {name: os.environ.get(name) for name in _ADDRESSES}
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


class Store:
    """Where a study keeps its runs and models.

    Attributes:
        uri: Of MLflow's backend; may hold a password, so messages take `name`.
        experiment: Name of the study's experiment.
    """

    def __init__(self, tracking: TrackingParams) -> None:
        """Name a store; nothing is opened or made yet."""
        self.uri, self.experiment = tracking.uri, tracking.experiment
        self._artifacts = tracking.artifacts

    @property
    def name(self) -> str:
        """Its address without the password that it may hold."""
        return store_name(self.uri)

    @property
    def artifact_root(self) -> str | None:
        """URI below which files of runs and models lie; None where that is for a server to say."""
        if is_server(self.uri):
            return None
        return self._artifacts if "://" in self._artifacts else Path(self._artifacts).absolute().as_uri()

    def exists(self) -> bool:
        """Whether there is something to ask; a missing SQLite file is not made just by looking."""
        return not self.uri.startswith(SQLITE) or Path(self.uri.removeprefix(SQLITE)).exists()

    @cached_property
    def client(self) -> Any:
        """MLflow's client, telemetry off; SQLite files are made when missing.

        Returns:
            mlflow.MlflowClient.

        Raises:
            StorageError: The database is damaged or cannot be opened or written, or the server does not answer.
            BusyError: Another process holds it.
            RegistryError: It was made by another version of MLflow, or the server does not know this user.
        """
        os.environ.update(_ENVIRONMENT)
        import mlflow

        for name in _QUIET:  # after the import, which sets levels of its own
            logging.getLogger(name).setLevel(logging.ERROR)
        with _environment_kept():
            mlflow.set_tracking_uri(self.uri)
            mlflow.set_registry_uri(self.uri)
        logging.getLogger(_RETRIES).setLevel(logging.WARNING)
        require_openable(self.uri)
        with translated(self.uri):
            return mlflow.MlflowClient(self.uri, self.uri)

    @contextmanager
    def session(self) -> Iterator[Any]:
        """The client; what MLflow or its database raises in the block becomes one clear error.

        Raises:
            StorageError: The disk is full, or the database is damaged or cannot be opened or written.
            BusyError: Another process holds the database.
            RegistryError: Anything else that MLflow refuses.
        """
        client = self.client
        with translated(self.uri):
            yield client
