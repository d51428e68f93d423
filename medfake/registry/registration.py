"""A model package as a logged MLflow model, under the run of its training."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from medfake.errors import ExportMismatchError
from medfake.package.card import (
    AGGREGATION_FILE,
    CARD_FILE,
    KERAS_FILE,
    LARGEST_DIFFERENCE,
    ONNX_FILE,
    PROVENANCE_FILE,
    Card,
)
from medfake.package.reference import REFERENCE_FILE
from medfake.package.scorer import CLASSES_OUTPUT, EMBEDDING_OUTPUT, PLACE_OUTPUTS, SMALLEST_EDGE, open_session
from medfake.registry import pyfunc_model_path
from medfake.remedies import Stage, rerun
from medfake.tracking.runs import begin_run
from medfake.tracking.store import Store

_WHO = ("mlflow.user", "mlflow.source.name", "mlflow.source.type")  # MLflow's guesses at person and program
_REQUIREMENTS = ("mlflow", "numpy", "onnxruntime", "pandas")  # all that pyfunc_model.py imports
_ARTIFACTS = {
    "onnx": ONNX_FILE,
    "aggregation": AGGREGATION_FILE,
    "card": CARD_FILE,
    "keras": KERAS_FILE,
    "provenance": PROVENANCE_FILE,
    "reference": REFERENCE_FILE,
}
_AIR_HU = -1000


def require_agreement(card: Card, package: Path) -> None:
    """Let nothing be registered whose ONNX form is not the trained model.

    Raises:
        ExportMismatchError: The card does not vouch for agreement within 1e-4.
    """
    if not card.agreement.max_abs_difference <= LARGEST_DIFFERENCE:
        raise ExportMismatchError(
            f"a model whose forms differ by more than {LARGEST_DIFFERENCE} is not registered",
            where=package,
            received=card.agreement.max_abs_difference,
            remedy=rerun(Stage.TRAIN, card.dataset, card.detector, card.seed),
        )


def log_package(store: Store, package: Path, card: Card) -> tuple[str, str]:
    """Log a package as a pyfunc that loads without medfake.

    Args:
        store: Where.
        package: Folder with detector.onnx and card.json.
        card: Of the package.

    Returns:
        The run that it belongs to, and the logged model's URI.
    """
    with store.session() as client:
        run_id = _run_of(card, client, store)
        return run_id, _log_model(client, run_id, package)


def _run_of(card: Card, client: Any, store: Store) -> str:
    from mlflow.exceptions import MlflowException

    try:
        if card.mlflow_run_id and client.get_run(card.mlflow_run_id).info.lifecycle_stage == "active":
            return card.mlflow_run_id
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
    tags = {"dataset_sha256": card.dataset_sha256, "git_revision": card.git_revision, "trained": "elsewhere"}
    run_id = begin_run(store, f"{card.detector} {card.dataset} seed {card.seed}", tags)
    client.set_terminated(run_id)
    return run_id


def _log_model(client: Any, run_id: str, package: Path) -> str:
    import mlflow

    with warnings.catch_warnings(), _reopened(client, run_id), _gathered(package) as gathered:
        warnings.simplefilter("ignore")  # MLflow would infer a signature from type hints; ours is explicit
        logged = mlflow.pyfunc.log_model(
            name="detector",
            python_model=str(gathered / pyfunc_model_path().name),
            artifacts={name: str(gathered / file) for name, file in _ARTIFACTS.items() if (gathered / file).exists()},
            signature=_signature(package),
            input_example=np.full((1, SMALLEST_EDGE, SMALLEST_EDGE), _AIR_HU, np.int16),  # small: it is kept as JSON
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


@contextmanager
def _gathered(package: Path) -> Iterator[Path]:
    """What is stored, copied into a folder of no name: MLflow keeps paths that it is given, and follows no links."""
    sources = [pyfunc_model_path(), *(package / file for file in _ARTIFACTS.values())]
    with tempfile.TemporaryDirectory() as folder:
        for source in sources:
            if source.exists():
                shutil.copyfile(source, Path(folder) / source.name)
        yield Path(folder)


def _signature(package: Path) -> Any:
    """Slices in Hounsfield units in, one row a slice out; the graph says its columns, but for maps and embeddings."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    outputs = [output.name for output in open_session(package / ONNX_FILE).get_outputs()]
    columns = [
        column
        for name in outputs if name not in (EMBEDDING_OUTPUT, *PLACE_OUTPUTS)
        for column in (("p_removed", "p_injected") if name == CLASSES_OUTPUT else (name,))
    ]  # fmt: skip
    return ModelSignature(
        inputs=Schema([TensorSpec(np.dtype(np.int16), (-1, -1, -1), name=None)]),
        outputs=Schema([ColSpec("float", column) for column in columns]),
    )
