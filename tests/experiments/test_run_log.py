"""What MLflow knows of a training, and how far a study is by what it knows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from medfake.config import Params, TrackingParams
from medfake.experiments import status
from medfake.experiments.run_log import asked_for, flat
from medfake.experiments.training_run import train_once
from medfake.package.card import Learnt, read_card
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
    (run,) = Store(params.tracking).client.search_runs(["1"])
    assert run.data.params["max_depth"] == "3"
    assert run.data.params["data.labelling.tampered_mm"] == "16.0"
    assert run.data.params["data.split.protocol"] == "grouped"
    assert run.data.params["data.balance.tolerance"] == "0.02"
    assert run.data.params["data.view.name"] == "whole"
    assert run.data.metrics["fit_seconds"] > 0
    assert run.data.metrics["best_val_loss"] == run.data.metrics["val_loss"]
    assert {"val_auc", "test_auc", "val_scan_auc", "test_scan_accuracy"} <= run.data.metrics.keys()
    both = {"train_accuracy", "train_log_loss", "test_log_loss", "test_untampered_precision", "test_tampered_recall"}
    assert both <= run.data.metrics.keys()
    card = read_card(tmp_path / "out")
    assert card.both_classes["train"]["accuracy"] == run.data.metrics["train_accuracy"] == 1.0
    assert card.learnt == Learnt(slices=6, of=6)
    assert card.patients == {"val": 2, "test": 2}


def test_what_a_training_searches_is_logged_once_it_was_chosen(params: Params) -> None:
    known = asked_for({"max_depth": None, "pool": 8, "grid": {"max_depth": [2, 3]}}, params.datasets["toy"])
    store = Store(params.tracking)
    with training_run(store, "a run", known, {}) as run:
        assert "max_depth" not in store.client.get_run(run.run_id).data.params
        run.log_params({"max_depth": 2})
    logged = store.client.get_run(run.run_id).data.params
    assert (logged["max_depth"], logged["grid.max_depth"], logged["pool"]) == ("2", "[2, 3]", "8")


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
