"""Trainings over folds, for real: what was scored out of fold is stored, and a kill repeats no fold that was done."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

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


def _train(folded_project: Project, detector: str = "RandomForest") -> Path:
    package = folded_project.package_of("toy", detector, 1)
    train_once(folded_project, "toy", detector, 1, package)
    return package


def test_every_slice_is_scored_once_by_the_graph_of_its_fold(folded_project: Project) -> None:
    package, dataset = _train(folded_project), Dataset.open(folded_project.slices / "toy")
    rows = read_predictions(package / "folds.parquet")
    assert sorted(rows.slice_id) == sorted(dataset.manifest.slice_id)
    for number, own in rows.groupby("fold"):
        fold = dataset_of_fold(dataset, int(number))
        again = predict(fold, package / f"folds/fold-{int(number)}", ["test"], "RandomForest", 1).rows
        expected = again.set_index("slice_id").p_tampered[own.slice_id]
        np.testing.assert_allclose(own.p_tampered, expected, atol=1e-6)
        assert set(own.patient_id) == set(fold.split("test").patient_id)


def test_the_card_and_the_comparison_have_figures_over_folds_in_place_of_a_test_split(folded_project: Project) -> None:
    package = _train(folded_project)
    card = read_card(package)
    assert card.folds is not None
    assert card.folds.stand_for_test
    assert card.metrics["test"] == card.folds.pooled
    aucs = [one.metrics["auc"] for one in card.folds.each]
    assert card.folds.mean["auc"] == pytest.approx(np.mean(aucs))
    assert set(read_predictions(package / "predictions.parquet").split) == {"val"}
    (entry,), _ = read_entries([package])
    assert len(entry.split("test")) == 18
    assert list((folded_project.root / ".medfake/interrupted").glob("[!.]*.npz")) == []


def test_a_training_that_was_killed_between_folds_repeats_none_and_ends_with_the_same_figures(
    folded_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _train(folded_project)
    shutil.move(whole, folded_project.root / "whole")
    real, fitted = folds_module.fit, list[set[str]]()

    def fit(context: Any) -> Any:
        tested = set(context.dataset.split("test").patient_id)
        if len(fitted) == 1 and "killed" not in folded_project.root.joinpath("said").read_text():
            folded_project.root.joinpath("said").write_text("killed")
            raise KeyboardInterrupt
        fitted.append(tested)
        return real(context)

    folded_project.root.joinpath("said").write_text("")
    monkeypatch.setattr(folds_module, "fit", fit)
    with pytest.raises(KeyboardInterrupt):
        _train(folded_project)
    assert not whole.exists()
    again = _train(folded_project)
    assert len(fitted) == 3
    assert sorted(set.union(*fitted)) == sorted(p for one in fitted for p in one)
    frames = [read_predictions(folder / "folds.parquet") for folder in (folded_project.root / "whole", again)]
    pd.testing.assert_frame_equal(*frames)
    assert list((folded_project.root / ".medfake/interrupted").glob(".*")) == []


@pytest.mark.slow
def test_folds_of_a_backbone_share_its_features(folded_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[str] = []
    real = features_module._compute
    monkeypatch.setattr(features_module, "_compute", lambda *given: computed.append(given[0].name) or real(*given))
    package = _train(folded_project, "CustomCNN")
    assert computed == ["CustomCNN"]
    assert len(read_predictions(package / "folds.parquet")) == 18
