"""Trainings over folds, for real: what was scored out of fold is stored, and a kill repeats no fold that was done."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from medfake.datasets.dataset import Dataset
from medfake.datasets.folds import dataset_of_fold
from medfake.detectors.backbone import features as features_module
from medfake.experiments import folds as folds_module
from medfake.experiments.training_run import train_once
from medfake.metrics.predict import predict
from medfake.metrics.predictions import read_predictions
from medfake.package.card import read_card
from medfake.project import Project
from medfake.reports.entry import read_entries

PROJECT = Path(__file__).resolve().parents[2]
DETECTORS: Mapping[str, Mapping[str, Any]] = {
    "RandomForest": {"pool": 8, "trees": 5},
    "CustomCNN": {"weights": "none", "input_size": 32, "head": [4], "epochs": 2, "fine_tune": {"epochs": 0}},
}


@pytest.fixture
def project(tmp_path: Path, write_toy_set, write_table, toy_block, empty_database, monkeypatch) -> Project:
    """A toy set of six patients in three folds, without a test split."""
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(empty_database, tmp_path / "mlflow.db")
    folder = tmp_path / "data/slices/toy"
    write_toy_set(folder, size=96)
    manifest = pd.read_parquet(folder / "manifest.parquet")
    fold = manifest.patient_id.str[-1].astype("int32")
    write_table(folder, manifest.assign(fold=fold, split=fold.map({0: "train", 1: "train", 2: "val"})))
    split = {"protocol": "grouped", "val": 0.2, "test": 0.0, "seed": 1, "folds": 3}
    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    params |= {"phantom": {}, "datasets": {"toy": toy_block | {"split": split}}, "detectors": dict(DETECTORS)}
    params["train"] = {"datasets": ["toy"], "detectors": list(DETECTORS), "seeds": [1]}
    params["evaluation"]["bootstrap"] = 100
    params["tracking"]["uri"] = f"sqlite:///{tmp_path}/mlflow.db"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    (tmp_path / ".medfake").mkdir(mode=0o700)
    return Project(tmp_path)


def _train(project: Project, detector: str = "RandomForest") -> Path:
    package = project.package_of("toy", detector, 1)
    train_once(project, "toy", detector, 1, package)
    return package


def test_every_slice_is_scored_once_by_the_graph_of_its_fold(project: Project) -> None:
    package, dataset = _train(project), Dataset.open(project.slices / "toy")
    rows = read_predictions(package / "folds.parquet")
    assert sorted(rows.slice_id) == sorted(dataset.manifest.slice_id)
    for number, own in rows.groupby("fold"):
        fold = dataset_of_fold(dataset, int(number))
        again = predict(fold, package / f"folds/fold-{int(number)}", ["test"], "RandomForest", 1)
        expected = again.set_index("slice_id").p_tampered[own.slice_id]
        np.testing.assert_allclose(own.p_tampered, expected, atol=1e-6)
        assert set(own.patient_id) == set(fold.split("test").patient_id)


def test_the_card_and_the_comparison_have_figures_over_folds_in_place_of_a_test_split(project: Project) -> None:
    package = _train(project)
    card = read_card(package)
    assert card.folds is not None
    assert card.folds.stand_for_test
    assert card.metrics["test"] == card.folds.pooled
    aucs = [one.metrics["auc"] for one in card.folds.each]
    assert card.folds.mean["auc"] == pytest.approx(np.mean(aucs))
    assert set(read_predictions(package / "predictions.parquet").split) == {"val"}
    (entry,), _ = read_entries([package])
    assert len(entry.split("test")) == 18
    assert list((project.root / ".medfake/interrupted").glob("[!.]*.npz")) == []


def test_a_training_that_was_killed_between_folds_repeats_none_and_ends_with_the_same_figures(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _train(project)
    shutil.move(whole, project.root / "whole")
    real, fitted = folds_module.fit, list[set[str]]()

    def fit(context: Any) -> Any:
        tested = set(context.dataset.split("test").patient_id)
        if len(fitted) == 1 and "killed" not in project.root.joinpath("said").read_text():
            project.root.joinpath("said").write_text("killed")
            raise KeyboardInterrupt
        fitted.append(tested)
        return real(context)

    project.root.joinpath("said").write_text("")
    monkeypatch.setattr(folds_module, "fit", fit)
    with pytest.raises(KeyboardInterrupt):
        _train(project)
    assert not whole.exists()
    again = _train(project)
    assert len(fitted) == 3
    assert sorted(set.union(*fitted)) == sorted(p for one in fitted for p in one)
    frames = [read_predictions(folder / "folds.parquet") for folder in (project.root / "whole", again)]
    pd.testing.assert_frame_equal(*frames)
    assert list((project.root / ".medfake/interrupted").glob(".*")) == []


@pytest.mark.slow
def test_folds_of_a_backbone_share_its_features(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[str] = []
    real = features_module._compute
    monkeypatch.setattr(features_module, "_compute", lambda *given: computed.append(given[0].name) or real(*given))
    package = _train(project, "CustomCNN")
    assert computed == ["CustomCNN"]
    assert len(read_predictions(package / "folds.parquet")) == 18
