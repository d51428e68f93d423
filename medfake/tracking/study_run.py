"""The run of a study: one for all its trainings and searches, found again by whatever stage comes later."""

import os
from collections.abc import Mapping
from typing import Any, Final

from medfake.locks import waiting_turn
from medfake.project import Project
from medfake.tracking.experiment import require_experiment
from medfake.tracking.runs import begin_run, status_of
from medfake.tracking.store import Store
from medfake.tracking.tags import KIND_TAG, PARENT_TAG, STUDY_TAG, Kind

EXPERIMENT_VARIABLE: Final = "DVC_EXP_NAME"  # DVC's own: the name of the experiment whose stage this is
WAITING: Final = "SCHEDULED"  # MLflow's word: trainings have begun, and are not compared yet


def study_label(study: str) -> str:
    """Name of a study's run; each experiment of `dvc exp run` is a variant with a run of its own.

    Args:
        study: As params.yaml calls it.
    """
    variant = os.environ.get(EXPERIMENT_VARIABLE)
    return f"{study}-{variant}" if variant else study


def study_tags(study: str) -> dict[str, str]:
    """Tags that a study's run alone has."""
    return {KIND_TAG: Kind.STUDY, STUDY_TAG: study_label(study)}


def study_run(project: Project) -> str:
    """Id of the study's run, which is made where there is none; a deleted one is replaced.

    Its trainings may be begun by several processes of this machine at once: the first one makes it.

    Args:
        project: Its study, and where it keeps runs.

    Raises:
        RegistryError: The experiment was deleted, or keeps its artifacts elsewhere.
    """
    store, tags = Store(project.params.tracking), study_tags(project.params.study)
    with waiting_turn(project.private / "study-run"):
        return find_run(store, tags) or begin_group(store, tags[STUDY_TAG], tags)


def begin_group(store: Store, name: str, tags: Mapping[str, str]) -> str:
    """Create a run that only others are below of; it is never RUNNING, so that a kill leaves nothing behind."""
    run_id = begin_run(store, name, tags)
    with store.session() as client:
        client.update_run(run_id, status=WAITING)
    return run_id


def find_run(store: Store, tags: Mapping[str, str]) -> str | None:
    """Id of the first run with these tags that was not deleted; None without one."""
    condition = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
    experiment = require_experiment(store)
    with store.session() as client:
        found = client.search_runs([experiment], condition, max_results=1, order_by=["attributes.start_time ASC"])
    return str(found[0].info.run_id) if found else None


def adopt(client: Any, run_id: str, parent: str, instead_of: str | None = None) -> None:
    """Put a run below another where it is below none that is there, or below one that it is to leave.

    A training that `dvc exp run` takes over from the study as it is stays where it was made.

    Args:
        client: mlflow.MlflowClient.
        run_id: Of the run.
        parent: That it goes below.
        instead_of: That it may leave.
    """
    before = client.get_run(run_id).data.tags.get(PARENT_TAG)
    if before is None or before == instead_of or status_of(client, before) is None:
        client.set_tag(run_id, PARENT_TAG, parent)
