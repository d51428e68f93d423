"""What MLflow knows of a training, and how far a study is by what it knows."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from medfake.config import Params, TrackingParams, TrainParams
from medfake.detectors.registry import validate_options
from medfake.experiments import status
from medfake.experiments.run_log import asked_for, flat, run_name
from medfake.experiments.training_run import train_once
from medfake.package.card import read_card
from medfake.package.measured import Learnt
from medfake.project import Project
from medfake.tracking.runs import begin_run, training_run
from medfake.tracking.store import Store

TREE = {"pool": 8, "max_depth": 3}


@pytest.fixture
def params(tracking: TrackingParams, toy_block: dict[str, Any]) -> Params:
    return Params.model_validate(
        {
            "study": "toy",
            "phantom": {},
            "forged": {},
            "inpainters": {},
            "banks": {},
            "datasets": {"toy": toy_block},
            "detectors": {"DecisionTree": TREE},
            "train": {"datasets": ["toy"], "detectors": ["DecisionTree"], "seeds": [1]},
            "evaluation": {"bootstrap": 100, "confidence": 0.95, "seed": 1},
            "nominate": {"metric": "auc"},
            "tracking": tracking.model_dump(),
        }
    )


def test_a_run_tells_what_was_asked_for_and_what_came_of_it(
    params: Params, tmp_path: Path, write_toy_set: Callable[..., None]
) -> None:
    write_toy_set(tmp_path / "data/slices/toy", size=96)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params.model_dump(mode="json")))
    train_once(Project(tmp_path), "toy", "DecisionTree", 1, tmp_path / "out")
    client = Store(params.tracking).client
    (run,) = client.search_runs(["1"], "tags.kind = 'training'")
    assert run.info.run_name == "DecisionTree"
    assert run.data.params == {
        "dataset": "toy",
        "detector": "DecisionTree",
        "seed": "1",
        "setting.max_depth": "3",
        "setting.pool": "8",
        "slices.classes": "2",
        "slices.labelling": "extent",
        "slices.protocol": "grouped",
        "slices.view": "whole",
    }
    assert run.data.metrics["cost/fit_seconds"] > 0
    assert "cost/waiting_share" not in run.data.metrics  # there are no steps
    assert run.data.tags["hardware"] == f"{os.cpu_count()} CPU cores"
    assert run.data.metrics["best_val_loss"] == pytest.approx(run.data.metrics["val_loss"], abs=1e-6)
    assert {"val/slice/auc", "test/slice/auc", "val/scan/auc", "test/scan/accuracy"} <= run.data.metrics.keys()
    card = read_card(tmp_path / "out")
    assert card.trained_on == f"{os.cpu_count()} CPU cores"
    assert run.data.metrics["test/slice/auc"] == round(card.metrics["test"]["auc"] or 0, 6)
    both = {"log_loss", "untampered_precision", "tampered_recall"}
    assert {"train/slice/accuracy"} | {f"test/slice/{name}" for name in both} <= run.data.metrics.keys()
    assert card.both_classes["train"]["accuracy"] == run.data.metrics["train/slice/accuracy"] == 1.0
    assert card.learnt == Learnt(slices=6, of=6)
    assert card.patients == {"val": 2, "test": 2}
    (study,) = client.search_runs(["1"], "tags.kind = 'study'")
    assert run.data.tags["mlflow.parentRunId"] == study.info.run_id


def test_what_stands_at_its_default_is_in_a_file_of_the_run(
    params: Params, tmp_path: Path, write_toy_set: Callable[..., None]
) -> None:
    write_toy_set(tmp_path / "data/slices/toy", size=96)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params.model_dump(mode="json")))
    train_once(Project(tmp_path), "toy", "DecisionTree", 1, tmp_path / "out")
    client = Store(params.tracking).client
    (run,) = client.search_runs(["1"], "tags.kind = 'training'")
    config = json.loads(Path(client.download_artifacts(run.info.run_id, "config.json")).read_text())
    assert config["options"]["min_samples_leaf"] == 1
    assert config["slices"]["balance"]["tolerance"] == 0.02
    assert "path" not in json.dumps(config)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "SVM"),
        ({"seeds": [1, 2]}, "SVM 1"),
        ({"repeat": {"best": 1, "by": "auc", "seeds": [2]}}, "SVM 1"),
        ({"datasets": ["a", "b"], "seeds": [1, 2]}, "SVM a 1"),
    ],
)
def test_a_run_is_called_by_what_tells_it_from_the_others_alone(changes: dict[str, Any], name: str) -> None:
    train = TrainParams.model_validate({"datasets": ["a"], "detectors": ["SVM"], "seeds": [1]} | changes)
    assert run_name(train, "a", "SVM", 1) == name


def test_what_a_training_searches_is_logged_once_it_was_chosen(params: Params) -> None:
    options = validate_options("DecisionTree", {"max_depth": None, "pool": 8, "grid": {"max_depth": [2, 3]}})
    known = asked_for(options, options.model_dump(mode="json"), params.datasets["toy"])
    store = Store(params.tracking)
    with training_run(store, "a run", known, {}) as run:
        assert "setting.max_depth" not in store.client.get_run(run.run_id).data.params
        run.log_params({"setting.max_depth": 2})
    logged = store.client.get_run(run.run_id).data.params
    assert {key: value for key, value in logged.items() if key.startswith("setting.")} == {
        "setting.max_depth": "2",
        "setting.grid.max_depth": "[2, 3]",
        "setting.pool": "8",
    }


def test_nested_options_get_dotted_keys() -> None:
    assert flat({"a": {"b": {"c": 1}, "d": [2]}, "e": None}) == {"a.b.c": 1, "a.d": [2], "e": None}


def test_the_lowest_loss_of_a_curve_is_told_with_its_epoch(tracking: TrackingParams) -> None:
    with training_run(Store(tracking), "a run", {}, {}) as run:
        for epoch, loss in enumerate((0.9, 0.4, 0.7), start=1):
            run.log_epoch(epoch, {"val_loss": loss})
        assert run.lowest("val_loss") == {"best_val_loss": 0.4, "best_epoch": 2.0}
        assert run.lowest("never_logged") == {}


def test_a_study_of_more_runs_than_a_page_loses_none_and_counts_no_trial(
    params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "_PAGE", 2)
    store = Store(params.tracking)
    for seed in range(1, 6):
        with training_run(store, "matrix", {"detector": "DecisionTree", "seed": seed}, {"dataset": "toy"}):
            pass
    parent = begin_run(store, "tune", {"kind": "tune"})
    tags = {"dataset": "toy", "mlflow.parentRunId": parent}
    with (
        pytest.raises(ValueError, match="broken"),
        training_run(store, "trial", {"detector": "DecisionTree", "seed": 1}, tags),
    ):
        raise ValueError("broken")
    assert set(status._last_runs(params.tracking)) == {("toy", "DecisionTree", str(seed)) for seed in range(1, 6)}
