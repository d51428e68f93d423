from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from medfake.config import TrackingParams
from medfake.project import Project
from medfake.tracking.experiment import experiment_id, require_experiment
from medfake.tracking.runs import begin_run
from medfake.tracking.store import Store
from medfake.tracking.study_run import EXPERIMENT_VARIABLE, adopt, study_label, study_run
from medfake.tracking.tags import PARENT_TAG, is_training

PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"


@pytest.fixture
def project(tracking: TrackingParams, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The default study with an empty store of its own."""
    params = yaml.safe_load(PARAMS.read_text()) | {"tracking": tracking.model_dump()}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    monkeypatch.delenv(EXPERIMENT_VARIABLE, raising=False)
    return Project(tmp_path)


def _client(project: Project) -> Any:
    return Store(project.params.tracking).client


def test_a_study_has_one_run_that_waits_and_is_found_again(project: Project) -> None:
    first = study_run(project)
    assert study_run(project) == first
    run = _client(project).get_run(first)
    assert (run.info.run_name, run.info.status) == ("quickstart", "SCHEDULED")


def test_trainings_that_begin_at_once_share_one_run(project: Project) -> None:
    _ = project.params
    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(study_run, [project] * 4))
    assert len(found) == 1


def test_a_deleted_run_of_a_study_is_replaced(project: Project) -> None:
    first = study_run(project)
    _client(project).delete_run(first)
    second = study_run(project)
    assert second != first
    assert study_run(project) == second


def test_an_experiment_of_dvc_has_a_run_of_its_own(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first = study_run(project)
    monkeypatch.setenv(EXPERIMENT_VARIABLE, "deeper")
    second = study_run(project)
    assert second != first
    assert _client(project).get_run(second).info.run_name == study_label("quickstart") == "quickstart-deeper"


def test_a_training_goes_below_a_study_where_it_was_below_nothing_or_below_what_was_deleted(project: Project) -> None:
    store, parent = Store(project.params.tracking), study_run(project)
    free, orphan = begin_run(store, "free", {}), begin_run(store, "orphan", {PARENT_TAG: "0" * 32})
    for run_id in (free, orphan):
        adopt(store.client, run_id, parent)
        assert store.client.get_run(run_id).data.tags[PARENT_TAG] == parent


def test_a_training_stays_below_the_study_that_it_was_made_for(project: Project) -> None:
    store = Store(project.params.tracking)
    own, other = begin_run(store, "own", {}), begin_run(store, "other", {})
    run_id = begin_run(store, "a training", {PARENT_TAG: own})
    adopt(store.client, run_id, other)
    assert store.client.get_run(run_id).data.tags[PARENT_TAG] == own
    adopt(store.client, run_id, other, instead_of=own)
    assert store.client.get_run(run_id).data.tags[PARENT_TAG] == other


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ({"kind": "training", PARENT_TAG: "a"}, True),
        ({}, True),  # older than kinds
        ({PARENT_TAG: "a"}, False),  # a trial older than kinds
        ({"kind": "trial", PARENT_TAG: "a"}, False),
        ({"kind": "study"}, False),
        ({"kind": "seeds"}, False),
    ],
)
def test_trainings_are_told_from_searches_and_groups(tags: dict[str, str], told: bool) -> None:
    assert is_training(tags) is told


def test_an_experiment_that_somebody_made_by_hand_gets_the_kind_that_opens_the_runs(project: Project) -> None:
    store = Store(project.params.tracking)
    assert experiment_id(store) is None
    made = store.client.create_experiment(store.experiment, artifact_location=store.artifact_root)
    assert require_experiment(store) == made == experiment_id(store)
    assert store.client.get_experiment(made).tags["mlflow.experimentKind"] == "custom_model_development"


def test_a_deleted_experiment_has_no_id(project: Project) -> None:
    store = Store(project.params.tracking)
    store.client.delete_experiment(require_experiment(store))
    assert experiment_id(store) is None
