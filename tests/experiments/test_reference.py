"""What a training leaves of how its scans look."""

from pathlib import Path

import pytest

from medfake.datasets.dataset import Dataset
from medfake.experiments.reference import write_training_reference
from medfake.experiments.training_run import train_once
from medfake.metrics.predictions import read_predictions
from medfake.package.card import read_card
from medfake.package.reference import REFERENCE_FILE, Reference, read_reference
from medfake.project import Project


@pytest.fixture
def package(folded_project: Project) -> Path:
    folder = folded_project.package_of("toy", "RandomForest", 1)
    train_once(folded_project, "toy", "RandomForest", 1, folder)
    return folder


def stored(package: Path) -> Reference:
    reference = read_reference(package / REFERENCE_FILE)
    assert reference is not None
    return reference


def test_a_package_tells_how_the_scans_looked_that_it_learnt_from(package: Path, folded_project: Project) -> None:
    reference = stored(package)
    dataset = Dataset.open(folded_project.slices / "toy")
    learnt = dataset.manifest[dataset.manifest.split.isin(["train", "val"])]
    assert reference.scans == learnt.scan_id.nunique()
    assert reference.words["maker"] == {"maker": reference.scans}
    assert reference.words["kernel"] == {"soft": reference.scans}
    assert set(reference.numbers["thickness_mm"]) == {2.5}
    assert not reference.whole
    assert reference.evidence == "phantom"
    assert "data set toy (phantom)" in reference.of


def test_scores_are_of_untampered_scans_that_it_has_not_seen(package: Path) -> None:
    rows = read_predictions(package / "predictions.parquet")
    untampered = rows.groupby("scan_id").label.max().eq(0).sum()
    reference = stored(package)
    assert len(reference.numbers["p_tampered"]) == untampered > 0
    assert sum(reference.words["verdict"].values()) == untampered


def test_nothing_in_it_names_a_scan_or_a_patient(package: Path, folded_project: Project) -> None:
    text = (package / REFERENCE_FILE).read_text()
    manifest = Dataset.open(folded_project.slices / "toy").manifest
    names = {*manifest.scan_id, *manifest.patient_id, *manifest.slice_id}
    assert [name for name in names if name in text] == []


def test_the_same_scans_give_the_same_bytes(package: Path, folded_project: Project) -> None:
    before = (package / REFERENCE_FILE).read_bytes()
    dataset = Dataset.open(folded_project.slices / "toy")
    rows = read_predictions(package / "predictions.parquet")
    write_training_reference(dataset, rows.sample(frac=1, random_state=1), read_card(package), package)
    assert (package / REFERENCE_FILE).read_bytes() == before
