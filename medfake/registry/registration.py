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
from numpy.typing import NDArray

from medfake.errors import ExportMismatchError, RegistryError
from medfake.files import sha256_file
from medfake.package.card import (
    AGGREGATION_FILE,
    CARD_FILE,
    KERAS_FILE,
    LARGEST_DIFFERENCE,
    ONNX_FILE,
    PREDICTIONS_FILE,
    PROVENANCE_FILE,
    Card,
    graph_digests,
)
from medfake.package.reference import REFERENCE_FILE
from medfake.package.scorer import CLASSES_OUTPUT, EMBEDDING_OUTPUT, PLACE_OUTPUTS, SMALLEST_EDGE, Scorer, open_session
from medfake.registry import pyfunc_model_path
from medfake.registry.stored_files import PACKAGE
from medfake.remedies import Stage, rerun
from medfake.tracking.runs import begin_run
from medfake.tracking.store import Store
from medfake.vocabulary import Split, Task

_WHO = ("mlflow.user", "mlflow.source.name", "mlflow.source.type")  # MLflow's guesses at person and program
_REQUIREMENTS = ("mlflow", "numpy", "onnxruntime", "pandas")  # all that pyfunc_model.py imports
CARD_TEXT_FILE = "card.md"
MLMODEL_FILE = "MLmodel"
_LONGEST = 5000  # characters of a description, in the database of MLflow's registry
_ARTIFACTS = {
    "onnx": ONNX_FILE,
    "aggregation": AGGREGATION_FILE,
    "card": CARD_FILE,
    "keras": KERAS_FILE,
    "provenance": PROVENANCE_FILE,
    "reference": REFERENCE_FILE,
    "predictions": PREDICTIONS_FILE,  # of validation slices alone, for comparisons with later versions
    "card_text": CARD_TEXT_FILE,
}
_AIR_HU = -1000


def require_detector(card: Card, package: Path) -> None:
    """Let nothing be registered as a detector of tampering that answers another question.

    Raises:
        RegistryError: It does.
    """
    if card.task is not Task.TAMPERING:
        raise RegistryError(
            "only detectors of tampering are registered", where=package,
            received=f"{card.detector} of task {card.task}: {card.task.sentence}",
            remedy="nominate a detector of tampering (nominate.dataset in params.yaml)",
        )  # fmt: skip


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


def described(card: Card, package: Path) -> str:
    """The card in words, as far as a description holds it; it ends by saying where all of it lies, and as JSON."""
    whole = f"All of this card: artifacts/{CARD_TEXT_FILE} of the model; as JSON: artifacts/{CARD_FILE}.\n"
    text = _card_text(card, package)
    room = _LONGEST - len(whole) - 1
    if len(text) > room:
        paragraphs = text[:room].rpartition("\n\n")[0]
        text = f"{paragraphs}\n\n"
    return f"{text}\n{whole}"


def _card_text(card: Card, package: Path) -> str:
    from medfake.reports.model_card import card_text

    return card_text(card, graph_digests(package))


def log_package(store: Store, package: Path, card: Card) -> tuple[str, str, dict[str, str]]:
    """Log a package as a pyfunc that loads without medfake.

    Args:
        store: Where.
        package: Folder with detector.onnx and card.json.
        card: Of the package.

    Returns:
        The run that it belongs to, the logged model's URI, and the SHA-256 of its files, by their paths in the model.
    """
    with store.session() as client:
        run_id = _run_of(card, client, store)
        return run_id, *_log_model(client, run_id, package, card)


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


def _log_model(client: Any, run_id: str, package: Path, card: Card) -> tuple[str, dict[str, str]]:
    import mlflow

    with warnings.catch_warnings(), _reopened(client, run_id), _gathered(package, card) as gathered:
        warnings.simplefilter("ignore")  # MLflow would infer a signature from type hints; ours is explicit
        code = pyfunc_model_path().name
        there = {name: gathered / file for name, file in _ARTIFACTS.items() if (gathered / file).exists()}
        logged = mlflow.pyfunc.log_model(
            name="detector",
            python_model=str(gathered / code),
            artifacts={name: str(path) for name, path in there.items()},
            signature=_signature(package),
            input_example=input_example(package),
            pip_requirements=[f"{name}=={version(name)}" for name in _REQUIREMENTS],
        )
        files = {f"{PACKAGE}/{path.name}": sha256_file(path) for path in there.values()}
        files |= {code: sha256_file(gathered / code), MLMODEL_FILE: _stored_sha256(client, logged.model_id)}
    for key in set(_WHO) & set(client.get_logged_model(logged.model_id).tags):
        client.delete_logged_model_tag(logged.model_id, key)
    return str(logged.model_uri), files


def input_example(package: Path) -> NDArray[np.int16]:
    """A slice of air that the graph takes: small, because it is kept as JSON with every model.

    Args:
        package: Folder with detector.onnx; classical models know one size, that of the slices which they learnt from.

    Returns:
        (1, rows, cols) int16, in HU air; dark in the units of any modality.
    """
    rows, cols = Scorer(package / ONNX_FILE).fixed_size or (SMALLEST_EDGE, SMALLEST_EDGE)
    return np.full((1, rows, cols), _AIR_HU, np.int16)


def _stored_sha256(client: Any, model_id: str) -> str:
    """Of what MLflow wrote of the model: it names the code that runs when the model is loaded."""
    import mlflow

    with tempfile.TemporaryDirectory() as folder:
        uri = f"{client.get_logged_model(model_id).artifact_location}/{MLMODEL_FILE}"
        return sha256_file(Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=folder)))


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
def _gathered(package: Path, card: Card) -> Iterator[Path]:
    """What is stored, copied into a folder of no name: MLflow keeps paths that it is given, and follows no links."""
    sources = [pyfunc_model_path(), *(package / file for file in _ARTIFACTS.values() if file != PREDICTIONS_FILE)]
    with tempfile.TemporaryDirectory() as folder:
        gathered = Path(folder)
        for source in sources:
            if source.exists():
                shutil.copyfile(source, gathered / source.name)
        (gathered / CARD_TEXT_FILE).write_text(_card_text(card, package), encoding="utf-8")
        if (package / PREDICTIONS_FILE).exists():
            _keep_validation(package / PREDICTIONS_FILE, gathered / PREDICTIONS_FILE)
        yield gathered


def _keep_validation(predictions: Path, path: Path) -> None:
    """The test split is looked at by nobody who decides."""
    from medfake.metrics.predictions import read_predictions, write_predictions

    rows = read_predictions(predictions)
    val = rows[rows["split"] == Split.VAL]
    if not val.empty:
        write_predictions(path, val)


def _signature(package: Path) -> Any:
    """Slices in units of the card in, a row a slice out; the graph says its columns, but for maps and embeddings."""
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
