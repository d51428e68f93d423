"""Where MLflow's UI shows the trainings of a study side by side."""

from dataclasses import dataclass

from medfake.tracking.experiment import experiment_id
from medfake.tracking.shared_view import view_key, view_path
from medfake.tracking.store import Store
from medfake.tracking.study_run import find_run, study_label, study_tags


@dataclass(frozen=True)
class ComparisonLink:
    """The view of a study.

    Attributes:
        experiment_id: Of MLflow.
        path: Below the address of MLflow's UI, e.g. "/#/experiments/1/runs?...".
        saved: Whether stage `track` has saved the view that the path names.
        study_run: Id of the study's run, "" before its first training.
    """

    experiment_id: str
    path: str
    saved: bool
    study_run: str


def comparison_link(store: Store, study: str) -> ComparisonLink | None:
    """The link of a study; None before the first run of its experiment.

    Args:
        store: Of its runs.
        study: As params.yaml calls it.
    """
    found, name = experiment_id(store), study_label(study)
    if found is None:
        return None
    with store.session() as client:
        saved = view_key(name) in client.get_experiment(found).tags
    return ComparisonLink(found, view_path(found, name), saved, find_run(store, study_tags(study)) or "")
