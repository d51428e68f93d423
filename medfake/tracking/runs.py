"""MLflow runs: one a training, ended FINISHED, FAILED or KILLED, never left RUNNING."""

import json
import math
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medfake.errors import MedfakeError
from medfake.tracking.experiment import require_experiment
from medfake.tracking.store import Store
from medfake.tracking.tags import ERROR_TAG

_DIGEST_DIGITS = 36  # MLflow's limit
_DIGITS = 6  # of final metrics: what differs between processors lies behind them
_PARAMS_AT_ONCE, _METRICS_AT_ONCE = 100, 1000  # MLflow's limits


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

    def log_params(self, facts: Mapping[str, object]) -> None:
        """Log params; the values of a run that goes on must be those of before."""
        from mlflow.entities import Param

        params = [Param(key, str(value)) for key, value in facts.items()]
        for at in range(0, len(params), _PARAMS_AT_ONCE):
            self._client.log_batch(self.run_id, params=params[at : at + _PARAMS_AT_ONCE])

    def log_epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        """Log curves, one point an epoch."""
        self._log_metrics(figures, epoch)

    def log_metrics(self, metrics: Mapping[str, float | None]) -> None:
        """Log final metrics, six digits behind the point as in reports; undefined ones are left out."""
        self._log_metrics({name: round(value, _DIGITS) for name, value in metrics.items() if value is not None}, 0)

    def expect_metric(self, name: str) -> None:
        """Say at the start, as NaN, which metric matters: MLflow's page of a comparison draws the one logged first."""
        self._log_metrics({name: math.nan}, 0)

    def lowest(self, curve: str) -> dict[str, float]:
        """`best_<curve>` and `best_epoch` of a logged curve, epochs before a restart included; empty without one."""
        points = self._client.get_metric_history(self.run_id, curve)
        if not points:
            return {}
        best = min(points, key=lambda point: (point.value, point.step))
        return {f"best_{curve}": best.value, "best_epoch": float(best.step)}

    def log_tag(self, name: str, value: str) -> None:
        """Set a tag."""
        self._client.set_tag(self.run_id, name, value)

    def log_text(self, name: str, text: str) -> None:
        """Log a text as an artifact of that file name."""
        self._client.log_text(self.run_id, text, name)

    def log_folder(self, folder: Path, name: str) -> None:
        """Log a folder as artifacts below `name`."""
        self._client.log_artifacts(self.run_id, str(folder), name)

    def _log_metrics(self, figures: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        points = [Metric(name, value, now, step) for name, value in figures.items()]
        for at in range(0, len(points), _METRICS_AT_ONCE):
            self._client.log_batch(self.run_id, points[at : at + _METRICS_AT_ONCE])


@contextmanager
def training_run(
    store: Store, name: str, facts: Mapping[str, object], tags: Mapping[str, str], run_id: str | None = None
) -> Iterator[Run]:
    """Log a training as an MLflow run.

    Ctrl-C and SIGTERM end it KILLED, any other exception FAILED; both go on to the caller.

    Args:
        store: Where runs are kept.
        name: Of the run; no identifiers.
        facts: Params of the run.
        tags: Data set digest and revisions.
        run_id: Of a run that was cut short and goes on; a new one begins when the store does not know it.

    Raises:
        StorageError: The database cannot be written.
        RegistryError: MLflow refuses, or the project was moved away from its artifacts.
    """
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with (
            store.session() as client,
            _ended(client, continued(client, run_id) or begin_run(store, name, tags)) as run,
        ):
            run.log_params(facts)
            yield run
    finally:
        signal.signal(signal.SIGTERM, previous)


def begin_run(store: Store, name: str, tags: Mapping[str, str]) -> str:
    """Create a run in the study's experiment; who ran it and on which machine is not kept.

    Returns:
        The run's id.

    Raises:
        RegistryError: The experiment was deleted, or keeps its artifacts at another place than the study says.
    """
    experiment = require_experiment(store)
    with store.session() as client:
        return str(client.create_run(experiment, run_name=name, tags=dict(tags)).info.run_id)


def continued(client: Any, run_id: str | None) -> str | None:
    """Set a run that was cut short running again.

    Returns:
        Its id; None when the store knows it no longer, or it was deleted.
    """
    if run_id is None or status_of(client, run_id) is None:
        return None
    client.update_run(run_id, status="RUNNING")
    return run_id


def status_of(client: Any, run_id: str) -> str | None:
    """Status of a run, e.g. "RUNNING"; None when the store knows it no longer, or it was deleted."""
    from mlflow.exceptions import MlflowException

    try:
        info = client.get_run(run_id).info
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
    return str(info.status) if info.lifecycle_stage == "active" else None


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


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
