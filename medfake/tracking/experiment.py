"""The MLflow experiment that a study's runs lie in."""

from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlparse

from medfake.errors import RegistryError
from medfake.tracking.store import Store

_TAGS: Final = {"mlflow.experimentKind": "custom_model_development"}  # MLflow's pages then open with the runs


def experiment_id(store: Store) -> str | None:
    """Id of the study's experiment; None where there is none yet, or it was deleted."""
    if not store.exists():
        return None
    with store.session() as client:
        experiment = client.get_experiment_by_name(store.experiment)
    return str(experiment.experiment_id) if experiment and experiment.lifecycle_stage == "active" else None


def require_experiment(store: Store) -> str:
    """Id of the study's experiment, which is made where there is none.

    Raises:
        RegistryError: It was deleted, or keeps its artifacts at another place than the study says.
    """
    with store.session() as client:
        experiment = client.get_experiment_by_name(store.experiment)
        if experiment is None:
            return str(client.create_experiment(store.experiment, artifact_location=store.artifact_root, tags=_TAGS))
        if experiment.lifecycle_stage != "active":
            raise RegistryError(
                "the experiment of this study was deleted",
                where=f"experiment {store.experiment} in {store.name}",
                remedy=f"MLFLOW_TRACKING_URI={store.name} mlflow experiments restore -x {experiment.experiment_id}, "
                "or give tracking.experiment in params.yaml a new name",
            )
        if store.artifact_root is not None and _place(experiment.artifact_location) != _place(store.artifact_root):
            raise RegistryError(
                "this experiment keeps its artifacts at another place: the project was moved or copied",
                where=f"experiment {store.experiment} in {store.name}",
                received=f"{experiment.artifact_location}, not {store.artifact_root}",
                remedy="move it back, or give tracking.experiment in params.yaml a new name",
            )
        for key, value in _TAGS.items():  # of an experiment that somebody else made
            if key not in experiment.tags:
                client.set_experiment_tag(experiment.experiment_id, key, value)
        return str(experiment.experiment_id)


def _place(location: str) -> str:
    """A URI or path in one spelling; links to a folder are followed."""
    parsed = urlparse(location)
    return str(Path(unquote(parsed.path)).resolve()) if parsed.scheme in ("", "file") else location.rstrip("/")
