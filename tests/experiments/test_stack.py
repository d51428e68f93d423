"""Stacks of trained detectors: a package like any other, whose validation figures no member's patients flatter."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from medfake.config import TrackingParams
from medfake.datasets.dataset import Dataset
from medfake.errors import ConfigError, ReproductionError, TrainingError
from medfake.experiments.reproduce import reproduce
from medfake.experiments.stack import left_out, stack_all
from medfake.experiments.training_run import train_once
from medfake.metrics.predict import predict
from medfake.metrics.predictions import read_predictions
from medfake.package.card import read_card
from medfake.project import Project
from medfake.tracking.store import Store
from medfake.vocabulary import Split

MEMBERS = {"DecisionTree": {"pool": 8, "max_depth": 3}, "RandomForest": {"pool": 8, "trees": 10}}


@pytest.fixture
def project(
    tracking: TrackingParams, toy_block: dict[str, Any], tmp_path: Path, write_toy_set: Callable[..., None]
) -> Project:
    """Two trained members, and a study that stacks them."""
    params = {
        "study": "toy",
        "phantom": {},
        "forged": {},
        "datasets": {"toy": toy_block},
        "detectors": MEMBERS,
        "train": {"datasets": ["toy"], "detectors": list(MEMBERS), "seeds": [1]},
        "stacks": {"Both": {"of": list(MEMBERS)}},
        "evaluation": {"bootstrap": 100, "confidence": 0.95, "seed": 1},
        "nominate": {"metric": "auc"},
        "tracking": tracking.model_dump(),
    }
    write_toy_set(tmp_path / "data/slices/toy", size=96)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    made = Project(tmp_path)
    for member in MEMBERS:
        train_once(made, "toy", member, 1, made.package_of("toy", member, 1))
    return made


def test_a_stack_is_a_package_and_a_run_like_any_other(project: Project) -> None:
    (package,) = stack_all(project)
    assert package == project.stacked / "toy/Both/seed-1"
    card = read_card(package)
    assert (card.detector, card.options["of"], card.parameters) == ("Both", list(MEMBERS), None)
    assert set(card.chosen) == {"weight_DecisionTree", "weight_RandomForest", "bias", "validation_folds"}
    assert card.agreement.max_abs_difference < 1e-5
    runs = Store(project.tracking).client.search_runs(["1"])
    (run,) = [one for one in runs if one.info.run_id == card.mlflow_run_id]
    assert run.info.status == "FINISHED"
    assert run.data.params["setting.weight_RandomForest"] == str(card.chosen["weight_RandomForest"])
    assert package in project.packages()


def test_test_slices_are_scored_by_the_graph_and_validation_slices_without_their_patient(project: Project) -> None:
    (package,) = stack_all(project)
    stored = read_predictions(package / "predictions.parquet").set_index("slice_id").p_tampered
    dataset = Dataset.open(project.slices / "toy")
    served = predict(dataset, package, (Split.VAL, Split.TEST), "Both", 1).rows.set_index("slice_id").p_tampered
    val, test = (dataset.split(split).slice_id for split in (Split.VAL, Split.TEST))
    assert stored[test].to_numpy() == pytest.approx(served[test].to_numpy(), abs=1e-6)
    folds = read_card(package).chosen["validation_folds"]
    assert folds == 1  # one patient of each class: nobody can be left out
    assert stored[val].to_numpy() == pytest.approx(served[val].to_numpy(), abs=1e-5)
    assert np.isfinite(stored).all()


def test_a_member_that_is_missing_is_named_with_what_trains_it(project: Project) -> None:
    (project.package_of("toy", "RandomForest", 1) / "card.json").unlink()
    with pytest.raises(TrainingError, match="no package of RandomForest") as caught:
        stack_all(project)
    assert "dvc repro train@toy-RandomForest-1" in str(caught.value)


def test_a_stack_is_left_out_where_the_study_does_not_train_all_of_its_members(project: Project) -> None:
    params = yaml.safe_load(project.params_file.read_text())
    params["train"]["detectors"] = ["DecisionTree"]
    project.params_file.write_text(yaml.safe_dump(params))
    changed = Project(project.root)
    assert left_out(changed.params) == {"Both": ["RandomForest"]}
    assert stack_all(changed) == []


def test_a_member_that_is_no_detector_is_told_with_a_near_match(project: Project) -> None:
    params = yaml.safe_load(project.params_file.read_text())
    params["stacks"]["Both"]["of"] = ["DecisionTree", "RandomFores"]
    project.params_file.write_text(yaml.safe_dump(params))
    with pytest.raises(ConfigError, match=r"stacks\.Both\.of\.1 = 'RandomFores'.*did you mean 'RandomForest'"):
        _ = Project(project.root).params


def test_what_is_no_longer_stacked_is_removed(project: Project) -> None:
    (package,) = stack_all(project)
    params = yaml.safe_load(project.params_file.read_text()) | {"stacks": {}}
    project.params_file.write_text(yaml.safe_dump(params))
    assert stack_all(Project(project.root)) == []
    assert not package.exists()


def test_a_stack_is_not_done_again_and_its_members_are_named(project: Project) -> None:
    (package,) = stack_all(project)
    with pytest.raises(ReproductionError, match="only trainings can be done again") as caught:
        reproduce(project, package)
    assert caught.value.received == "DecisionTree, RandomForest"
