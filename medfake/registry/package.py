"""A model package as a version of the registered model."""

import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from medfake.config import TrackingParams
from medfake.detectors.card import KERAS_FILE, LARGEST_DIFFERENCE, ONNX_FILE, Card, read_card
from medfake.errors import ExportMismatchError
from medfake.files import sha256_file
from medfake.registry import pyfunc_model_path
from medfake.registry.tracking import connect

MODEL_NAME = "medfake-detector"
_REQUIREMENTS = ("mlflow", "numpy", "onnxruntime", "pandas", "pydantic", "pydicom")


def package_sha256(package: Path) -> str:
    """What names a package: the digest of its graph."""
    return sha256_file(package / ONNX_FILE)


def register(package: Path, metric: str, tracking: TrackingParams) -> int:
    """Log a package as a pyfunc under its training's run and register it.

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
    import mlflow

    with warnings.catch_warnings(), mlflow.start_run(run_id=card.mlflow_run_id):
        warnings.simplefilter("ignore")  # MLflow would infer a signature from type hints; ours is explicit
        logged = mlflow.pyfunc.log_model(
            name="detector",
            python_model=str(pyfunc_model_path()),
            artifacts=_artifacts(package),
            signature=_signature(),
            pip_requirements=[f"{name}=={version(name)}" for name in _REQUIREMENTS],
        )
    if not client.search_registered_models(f"name = '{MODEL_NAME}'"):
        client.create_registered_model(MODEL_NAME, description="Detectors of tampered chest CT. Research use only.")
    created = client.create_model_version(
        MODEL_NAME, logged.model_uri, run_id=card.mlflow_run_id, tags=_tags(card, package, metric)
    )
    return int(created.version)


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
    }
