import pytest

from medfake.errors import ManifestError
from medfake.metrics.predictions import write_predictions
from medfake.package.card import CARD_FILE, PREDICTIONS_FILE
from medfake.reports.entry import Absent, read_entries


@pytest.fixture
def models(make_package, predict, tmp_path):
    """Two packages of a study that has three."""
    for detector in ("ResidualCNN", "RandomForest"):
        package = make_package(f"chest/{detector}/seed-1", detector=detector)
        write_predictions(package / PREDICTIONS_FILE, predict(detector=detector, patients=2, slices=2))
    names = ("ResidualCNN", "VGG19", "RandomForest")
    return [tmp_path / "packages" / "chest" / name / "seed-1" for name in names]


def test_a_missing_package_is_named_and_stops_no_other(models):
    entries, absent = read_entries(models)
    assert [entry.name for entry in entries] == ["chest/ResidualCNN/seed-1", "chest/RandomForest/seed-1"]
    assert absent == [Absent("chest", "VGG19", "seed-1")]
    assert absent[0].name == "chest/VGG19/seed-1"


@pytest.mark.parametrize("file", [CARD_FILE, PREDICTIONS_FILE])
def test_a_package_that_is_there_and_cannot_be_read_is_an_error(models, file):
    (models[0] / file).write_text("{")
    with pytest.raises(ManifestError):
        read_entries(models)


def test_a_package_without_predictions_is_an_error(models):
    (models[0] / PREDICTIONS_FILE).unlink()
    with pytest.raises(ManifestError, match="no predictions"):
        read_entries(models)
