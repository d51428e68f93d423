"""MLflow runs: one a training, ended FINISHED, FAILED or KILLED, never left RUNNING."""

import hashlib
import json
import logging
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from medfake.config import TrackingParams
from medfake.errors import MedfakeError, RegistryError
from medfake.tracking.store_errors import store_name, translated

_DIGEST_DIGITS = 36  # MLflow's limit
DVC_LOCK = Path("dvc.lock")
ERROR_TAG = "error"  # what ended a run: our own errors in full, of others the kind alone
_QUIET = ("mlflow", "alembic")
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_PRINT_MODEL_URLS_ON_CREATION": "false",
    "MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING": "false",
    "MLFLOW_DISABLE_AGENT_HINT": "true",
    "MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK": "true",  # it would ask a package index, and there may be no network
    "MLFLOW_UV_AUTO_DETECT": "false",
    "MLFLOW_LOG_UV_FILES": "false",
}


@dataclass(frozen=True)
class Run:
    """An MLflow run in progress."""

    run_id: str
    _client: Any

    def log_dataset(self, name: str, sha256: str, counts: Mapping[str, int]) -> None:
        """Log which data set the run learns from, so that the UI shows it and finds runs by it.

        Args:
            name: A key under `datasets` in params.yaml.
            sha256: Of its manifest; MLflow keeps the first 36 digits.
            counts: Slices of each split.
        """
        from mlflow.entities import Dataset, DatasetInput, InputTag

        source = json.dumps({"path": f"data/slices/{name}"})
        entity = Dataset(name, sha256[:_DIGEST_DIGITS], "local", source, profile=json.dumps(dict(counts)))
        self._client.log_inputs(self.run_id, [DatasetInput(entity, [InputTag("mlflow.data.context", "training")])])

    def log_epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        """Log curves, one point an epoch."""
        for name, value in figures.items():
            self._client.log_metric(self.run_id, name, value, step=epoch)

    def log_figures(self, prefix: str, figures: Mapping[str, float | None]) -> None:
        """Log final figures as `<prefix>_<name>`; undefined ones are left out."""
        for name, value in figures.items():
            if value is not None:
                self._client.log_metric(self.run_id, f"{prefix}_{name}", value)

    def log_tag(self, name: str, value: str) -> None:
        """Set a tag."""
        self._client.set_tag(self.run_id, name, value)

    def log_folder(self, folder: Path, name: str) -> None:
        """Log a folder as artifacts below `name`."""
        self._client.log_artifacts(self.run_id, str(folder), name)


def connect(params: TrackingParams) -> Any:
    """MLflow's client on the study's store, telemetry off; SQLite files are made when missing.

    Returns:
        mlflow.MlflowClient.

    Raises:
        StorageError: The database cannot be opened or written.
        RegistryError: It was made by another version of MLflow.
    """
    os.environ.update(_ENVIRONMENT)
    import mlflow

    for name in _QUIET:  # after the import, which sets levels of its own
        logging.getLogger(name).setLevel(logging.ERROR)
    mlflow.set_tracking_uri(params.uri)
    mlflow.set_registry_uri(params.uri)
    with translated(params.uri):
        return mlflow.MlflowClient(params.uri, params.uri)


@contextmanager
def training_run(
    params: TrackingParams, name: str, facts: Mapping[str, object], tags: Mapping[str, str], run_id: str | None = None
) -> Iterator[Run]:
    """Log a training as an MLflow run.

    Ctrl-C and SIGTERM end it KILLED, any other exception FAILED; both go on to the caller.

    Args:
        params: Where runs are kept.
        name: Of the run; no identifiers.
        facts: Params of the run.
        tags: Data set digest and revisions.
        run_id: Of a run that was cut short and goes on; a new one begins when the store does not know it.

    Raises:
        StorageError: The database cannot be written.
        RegistryError: MLflow refuses, or the project was moved away from its artifacts.
    """
    client = connect(params)
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with (
            translated(params.uri),
            _ended(client, _continued(client, run_id) or begin_run(client, params, name, tags)) as run,
        ):
            for key, value in facts.items():
                client.log_param(run.run_id, key, value)
            yield run
    finally:
        signal.signal(signal.SIGTERM, previous)


def begin_run(client: Any, params: TrackingParams, name: str, tags: Mapping[str, str]) -> str:
    """Create a run in the study's experiment; who ran it and on which machine is not kept.

    Returns:
        The run's id.

    Raises:
        RegistryError: The experiment keeps its artifacts at another place than the study says.
    """
    root = params.artifacts if "://" in params.artifacts else Path(params.artifacts).absolute().as_uri()
    experiment = client.get_experiment_by_name(params.experiment)
    if experiment is None:
        experiment_id = client.create_experiment(params.experiment, artifact_location=root)
    elif _place(experiment.artifact_location) == _place(root):
        experiment_id = experiment.experiment_id
    else:
        raise RegistryError(
            "this experiment keeps its artifacts at another place: the project was moved or copied",
            where=f"experiment {params.experiment} in {store_name(params.uri)}",
            received=f"{experiment.artifact_location}, not {root}",
            remedy="move it back, or give tracking.experiment in params.yaml a new name",
        )
    return str(client.create_run(experiment_id, run_name=name, tags=dict(tags)).info.run_id)


def _continued(client: Any, run_id: str | None) -> str | None:
    """A run that was cut short, set running again; None when there is none."""
    from mlflow.exceptions import MlflowException

    if run_id is None:
        return None
    try:
        client.update_run(run_id, status="RUNNING")
    except MlflowException:  # the store was removed meanwhile
        return None
    return run_id


def _place(location: str) -> str:
    """A URI or path in one spelling; links to a folder are followed."""
    parsed = urlparse(location)
    return str(Path(unquote(parsed.path)).resolve()) if parsed.scheme in ("", "file") else location.rstrip("/")


@contextmanager
def _ended(client: Any, run_id: str) -> Iterator[Run]:
    """A run that ends with the block, whatever happens in it; a second Ctrl-C does not leave it RUNNING."""
    status = "FAILED"
    try:
        yield Run(run_id, client)
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    except Exception as error:
        client.set_tag(run_id, ERROR_TAG, str(error) if isinstance(error, MedfakeError) else type(error).__name__)
        raise
    finally:
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            client.set_terminated(run_id, status)
        finally:
            signal.signal(signal.SIGINT, previous)


def git_revision() -> str:
    """Short hash of HEAD, with "-dirty" when tracked files differ; "unknown" outside git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # a constant command
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def dvc_lock_sha256() -> str | None:
    """SHA-256 of dvc.lock, None before the first `dvc repro`."""
    return hashlib.sha256(DVC_LOCK.read_bytes()).hexdigest() if DVC_LOCK.exists() else None


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
