"""A model package as a version of the registered model."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from medfake.config import TrackingParams
from medfake.errors import ExportMismatchError
from medfake.files import sha256_file
from medfake.package.card import KERAS_FILE, LARGEST_DIFFERENCE, ONNX_FILE, Card, read_card
from medfake.registry import pyfunc_model_path
from medfake.tracking.runs import begin_run, connect
from medfake.tracking.store_errors import translated

MODEL_NAME = "medfake-detector"
_WHO = ("mlflow.user", "mlflow.source.name", "mlflow.source.type")  # MLflow's guesses at person and program
FIGURE = "val_"  # tags with the validation figures that promotion may compare
_REQUIREMENTS = ("mlflow", "numpy", "onnxruntime", "pandas", "pydantic", "pydicom")


def package_sha256(package: Path) -> str:
    """What names a package: the digest of its graph."""
    return sha256_file(package / ONNX_FILE)


def register(package: Path, metric: str, tracking: TrackingParams) -> int:
    """Log a package as a pyfunc under its training's run and register it.

    A package whose run is not in this store (it came with `dvc pull`, or the store is new) gets a run of its own.

    Args:
        package: Folder with detector.onnx and card.json.
        metric: The validation figure that promotion will compare.
        tracking: Where.

    Returns:
        The new version.

    Raises:
        ExportMismatchError: The card does not vouch for agreement within 1e-4.
    """
    card = read_card(package)
    if not card.agreement.max_abs_difference <= LARGEST_DIFFERENCE:
        raise ExportMismatchError(
            f"a model whose forms differ by more than {LARGEST_DIFFERENCE} is not registered",
            where=package,
            received=card.agreement.max_abs_difference,
            remedy="dvc repro -f train",
        )
    client = connect(tracking)
    with translated(tracking.uri):
        run_id = _run_of(card, client, tracking)
        return _create_version(client, run_id, _log_model(client, run_id, package), _tags(card, package, metric))


def _run_of(card: Card, client: Any, tracking: TrackingParams) -> str:
    from mlflow.exceptions import MlflowException

    try:
        if card.mlflow_run_id and client.get_run(card.mlflow_run_id).info.lifecycle_stage == "active":
            return card.mlflow_run_id
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
    tags = {"dataset_sha256": card.dataset_sha256, "git_revision": card.git_revision, "trained": "elsewhere"}
    run_id = begin_run(client, tracking, f"{card.detector} {card.dataset} seed {card.seed}", tags)
    client.set_terminated(run_id)
    return run_id


def _log_model(client: Any, run_id: str, package: Path) -> str:
    import mlflow

    with warnings.catch_warnings(), _reopened(client, run_id):
        warnings.simplefilter("ignore")  # MLflow would infer a signature from type hints; ours is explicit
        logged = mlflow.pyfunc.log_model(
            name="detector",
            python_model=str(pyfunc_model_path()),
            artifacts=_artifacts(package),
            signature=_signature(),
            pip_requirements=[f"{name}=={version(name)}" for name in _REQUIREMENTS],
        )
    for key in set(_WHO) & set(client.get_logged_model(logged.model_id).tags):
        client.delete_logged_model_tag(logged.model_id, key)
    return str(logged.model_uri)


@contextmanager
def _reopened(client: Any, run_id: str) -> Iterator[None]:
    """Make a run the active one; its status and end, which say how the training went, stay as they were."""
    import mlflow

    ended = client.get_run(run_id).info
    try:
        with mlflow.start_run(run_id=run_id):
            yield
    finally:
        client.set_terminated(run_id, ended.status, ended.end_time)


def _create_version(client: Any, run_id: str, model_uri: str, tags: dict[str, str]) -> int:
    if not client.search_registered_models(f"name = '{MODEL_NAME}'"):
        client.create_registered_model(MODEL_NAME, description="Detectors of tampered chest CT. Research use only.")
    return int(client.create_model_version(MODEL_NAME, model_uri, run_id=run_id, tags=tags).version)


def _artifacts(package: Path) -> dict[str, str]:
    files = {"onnx": ONNX_FILE, "card": "card.json", "keras": KERAS_FILE}
    return {name: str(package / file) for name, file in files.items() if (package / file).exists()}


def _signature() -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    return ModelSignature(inputs=Schema([TensorSpec(np.dtype(np.int16), (-1, -1, -1), name=None)]))


def _tags(card: Card, package: Path, metric: str) -> dict[str, str]:
    return {
        "detector": card.detector,
        "dataset": card.dataset,
        "dataset_sha256": card.dataset_sha256,
        "evidence": card.evidence,
        "package_sha256": package_sha256(package),
        "metric": metric,
        "value": repr(card.metrics["val"].get(metric)),
        **{f"{FIGURE}{name}": repr(value) for name, value in card.metrics["val"].items() if value is not None},
    }
