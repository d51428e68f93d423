"""What MLflow knows of a study after its last stage: parents, means of seeds, reports, and a view of all."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from medfake.config import TrackingParams
from medfake.project import Project
from medfake.tracking.comparison_link import comparison_link
from medfake.tracking.runs import training_run
from medfake.tracking.shared_view import view_key
from medfake.tracking.store import Store
from medfake.tracking.study_run import EXPERIMENT_VARIABLE, study_run
from medfake.tracking.tags import KIND_TAG, PARENT_TAG, Kind
from medfake.tracking.track import track

PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"
Train = Callable[..., str]


@pytest.fixture
def project(tracking: TrackingParams, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The default study with two seeds of two detectors, nothing trained."""
    params = yaml.safe_load(PARAMS.read_text()) | {"tracking": tracking.model_dump()}
    params["train"] = {"datasets": ["chest"], "detectors": ["ResidualCNN", "RandomForest"], "seeds": [1, 2]}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    (tmp_path / "reports/probes").mkdir(parents=True)
    (tmp_path / "reports/comparison.json").write_text("{}\n")
    points = [{"fpr": 0.0, "tpr": 0.0, "run": "chest/ResidualCNN/seed-1"}]
    (tmp_path / "reports/roc.json").write_text(json.dumps(points))
    (tmp_path / "reports/probes/chest.json").write_text("{}\n")
    (tmp_path / "reports/probes/of-another-study.json").write_text("{}\n")
    monkeypatch.delenv(EXPERIMENT_VARIABLE, raising=False)
    return Project(tmp_path)


@pytest.fixture
def train(project: Project, make_package: Callable[..., Path]) -> Train:
    """Log a training with its figures and leave its package where the stage `train` would."""

    def one(detector: str, seed: int, auc: float, val: float, **card: object) -> str:
        tags = {KIND_TAG: Kind.TRAINING, PARENT_TAG: study_run(project)}
        facts = {"detector": detector, "seed": seed}
        with training_run(Store(project.params.tracking), f"{detector} {seed}", facts, tags) as run:
            run.log_epoch(1, {"val_loss": 0.5})
            run.log_metrics({"test/slice/auc": auc, "val/slice/auc": val})
        made = make_package(
            f"{detector}-{seed}", detector=detector, seed=seed, val=val, mlflow_run_id=run.run_id, **card
        )
        package = project.package_of("chest", detector, seed)
        package.parent.mkdir(parents=True, exist_ok=True)
        made.rename(package)
        return run.run_id

    return one


def _client(project: Project) -> Any:
    return Store(project.params.tracking).client


def _files(client: Any, run_id: str, folder: str) -> set[str]:
    return {one.path for one in client.list_artifacts(run_id, folder)}


def test_seeds_go_below_a_run_with_the_means_of_their_metrics(project: Project, train: Train) -> None:
    seeds = [train("ResidualCNN", seed, auc, 0.5) for seed, auc in ((1, 0.9), (2, 0.8))]
    alone = train("RandomForest", 1, 0.7, 0.5)
    tracked, client = track(project), _client(project)
    (group,) = client.search_runs(["1"], "tags.kind = 'seeds'")
    assert group.info.run_name == "ResidualCNN seeds"
    assert group.info.status == "FINISHED"
    assert group.data.metrics == {"test/slice/auc": 0.85, "val/slice/auc": 0.5}  # curves have no means
    assert group.data.tags[PARENT_TAG] == tracked.run_id
    assert group.data.tags["seeds"] == "1, 2"
    assert {client.get_run(one).data.tags[PARENT_TAG] for one in seeds} == {group.info.run_id}
    assert client.get_run(alone).data.tags[PARENT_TAG] == tracked.run_id


def test_detectors_of_another_task_are_best_only_among_their_like(project: Project, train: Train) -> None:
    train("ResidualCNN", 1, 0.9, 0.9, task="nodules")
    client, parent = _client(project), track(project).run_id
    assert client.get_run(parent).data.tags["best_on_validation"] == "chest/ResidualCNN/seed-1"
    train("RandomForest", 1, 0.6, 0.6)
    track(project)
    assert client.get_run(parent).data.tags["best_on_validation"] == "chest/RandomForest/seed-1"


def test_the_studys_run_has_the_metrics_of_the_best_on_validation_and_the_reports(
    project: Project, train: Train
) -> None:
    train("ResidualCNN", 1, auc=0.6, val=0.9)
    train("RandomForest", 1, auc=0.9, val=0.6)  # better on the test split, which chooses nothing
    tracked, client = track(project), _client(project)
    run = client.get_run(tracked.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["test/slice/auc"] == 0.6
    assert run.data.tags["best_on_validation"] == "chest/ResidualCNN/seed-1"
    assert "Phantom figures are no clinical evidence" in run.data.tags["mlflow.note.content"]
    assert [one.dataset.name for one in run.inputs.dataset_inputs] == ["chest"]
    assert "reports/comparison.json" in _files(client, tracked.run_id, "reports")
    assert _files(client, tracked.run_id, "plots") == {"plots/roc-chest.svg"}
    assert _files(client, tracked.run_id, "reports/probes") == {"reports/probes/chest.json"}


def test_the_view_has_the_trainings_and_the_metrics_that_they_have(project: Project, train: Train) -> None:
    ids = {train("ResidualCNN", 1, 0.9, 0.5), train("RandomForest", 1, 0.8, 0.5)}
    tracked, client = track(project), _client(project)
    experiment = client.get_experiment_by_name("medfake")
    state = json.loads(json.loads(experiment.tags[view_key("quickstart")])["state"])
    assert all(one in state["searchFilter"] for one in ids)
    assert state["selectedColumns"] == [
        "params.`detector`",
        "params.`seed`",
        "metrics.`test/slice/auc`",
        "metrics.`val/slice/auc`",
    ]
    assert tracked.path.endswith("viewStateShareKey=quickstart")
    link = comparison_link(Store(project.params.tracking), "quickstart")
    assert link is not None
    assert (link.path, link.saved, link.study_run) == (tracked.path, True, tracked.run_id)


def test_a_study_that_is_not_compared_yet_has_a_link_whose_view_is_not_saved(project: Project) -> None:
    store = Store(project.params.tracking)
    assert comparison_link(store, "quickstart") is None
    study_run(project)
    link = comparison_link(store, "quickstart")
    assert link is not None
    assert not link.saved


def test_tracking_again_makes_no_run_anew(project: Project, train: Train) -> None:
    for seed in (1, 2):
        train("ResidualCNN", seed, 0.9, 0.5)
    first = track(project)
    before = {run.info.run_id for run in _client(project).search_runs(["1"])}
    assert track(project) == first
    assert {run.info.run_id for run in _client(project).search_runs(["1"])} == before


def test_another_best_leaves_nothing_of_the_one_before(project: Project, train: Train) -> None:
    old = train("ResidualCNN", 1, auc=0.6, val=0.9)
    _client(project).log_metric(old, "test/site/hit_rate", 0.7)
    track(project)
    train("RandomForest", 1, auc=0.5, val=0.95)
    metrics = _client(project).get_run(track(project).run_id).data.metrics
    assert metrics["test/slice/auc"] == 0.5
    assert math.isnan(metrics["test/site/hit_rate"])


def test_trainings_of_a_deleted_study_go_below_its_new_run(project: Project, train: Train) -> None:
    run_id, client = train("ResidualCNN", 1, 0.9, 0.5), _client(project)
    old = study_run(project)
    client.delete_run(old)
    tracked = track(project)
    assert tracked.run_id != old
    assert client.get_run(run_id).data.tags[PARENT_TAG] == tracked.run_id


def test_a_training_of_another_store_is_told_and_stops_nothing(
    project: Project, train: Train, make_package: Callable[..., Path]
) -> None:
    train("ResidualCNN", 1, 0.9, 0.5)
    package = project.package_of("chest", "RandomForest", 1)
    package.parent.mkdir(parents=True)
    make_package("elsewhere", detector="RandomForest", mlflow_run_id="0" * 32).rename(package)
    tracked = track(project)
    assert tracked.compared == 1
    assert tracked.elsewhere == ("chest/RandomForest/seed-1",)


def test_a_study_of_whose_trainings_no_run_is_here_has_a_view_of_nothing(project: Project) -> None:
    tracked = track(project)
    assert (tracked.compared, tracked.elsewhere) == (0, ())
    experiment = _client(project).get_experiment_by_name("medfake")
    state = json.loads(json.loads(experiment.tags[view_key("quickstart")])["state"])
    assert state["searchFilter"] == "tags.`study` = 'quickstart'"
