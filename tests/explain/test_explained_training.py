"""One training explained whole: figures, gallery, record; on a data set of phantom chests."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from medfake.config import EvaluationParams, ExplainParams
from medfake.datasets.dataset import Dataset
from medfake.errors import ManifestError, MedfakeError
from medfake.explain.explained_training import explain_training, headline
from medfake.explain.gallery import choose_slices
from medfake.explain.heat_map import HeatMap
from medfake.explain.measure import ExplainedSlice, explain_package
from medfake.explain.record import FILE, Explained, read_record, write_record
from medfake.explain.registry import ExplainedPackage
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.predictions import COLUMNS, OPTIONAL, write_predictions
from medfake.metrics.within_slice import JudgedSlice
from medfake.package.card import ONNX_FILE, PREDICTIONS_FILE
from medfake.vocabulary import Manipulation
from tests.fixtures.place_detectors import place_detector

PARAMS = ExplainParams(slices=4)
EVALUATION = EvaluationParams(bootstrap=100, confidence=0.95, seed=1)


@pytest.fixture(scope="module")
def data(make_dataset: Callable[..., Dataset]) -> Dataset:
    """Every manipulated slice has a nodule at its site, brighter than the wall of the chest."""
    made = make_dataset({"train": 4, "val": 4, "test": 12})
    pixels = np.load(made.folder / "shard-000.npy")
    for row in made.manifest[made.manifest.label == 1].itertuples():
        pixels[row.row, int(row.site_y) - 6 : int(row.site_y) + 7, int(row.site_x) - 6 : int(row.site_x) + 7] = 300
    np.save(made.folder / "shard-000.npy", pixels)
    return replace(made, digest="e" * 64)


@pytest.fixture
def package(data: Dataset, make_package: Callable[..., Path]) -> Path:
    folder = make_package("places", detector="ResidualStatistics")
    onnx.save(place_detector(), folder / ONNX_FILE)
    rows = data.split("test").copy()
    rows["dataset"], rows["detector"], rows["seed"] = "made", "ResidualStatistics", 1
    rows["p_tampered"] = np.linspace(0.1, 0.9, len(rows))
    rows["pred_site_y"] = rows["pred_site_x"] = np.nan
    write_predictions(folder / PREDICTIONS_FILE, rows[[name for name in COLUMNS if name not in OPTIONAL]])
    return folder


@pytest.fixture
def found(data: Dataset, package: Path, tmp_path: Path) -> tuple[Path, Explained]:
    out = tmp_path / "out"
    return out, explain_training(out, data, package, PARAMS, EVALUATION, public=True)


def test_a_map_that_knows_the_site_hits_and_controls_do_not(found: tuple[Path, Explained]) -> None:
    _, said = found
    assert said.pointing is not None
    assert said.method == "own-map"
    assert (said.pointing.hit_rate.value, said.pointing.slices) == (1.0, 4)
    assert said.pointing.random.value is not None
    assert said.pointing.random.value < 0.2
    assert said.pointing.centre.value == 0.0
    assert headline(said).startswith("ResidualStatistics (seed 1) on made, own-map: the peak lies within 16 mm of the ")


def test_its_curves_are_better_than_those_of_random_maps(found: tuple[Path, Explained]) -> None:
    _, said = found
    assert said.curves is not None
    assert said.curves.deletion_gain.value is not None
    assert said.curves.deletion_gain.value > 0  # brightness alone decides, and blur takes it away


def test_the_gallery_shows_different_slices_each_with_its_reason(found: tuple[Path, Explained]) -> None:
    out, said = found
    assert [one.why for one in said.pictures] == ["best", "worst", "most uncertain"]
    best, worst, _ = said.pictures
    assert best.p_tampered > worst.p_tampered
    assert {path.name for path in out.iterdir()} == {FILE, *(one.file for one in said.pictures)}
    assert all((out / one.file).stat().st_size < 100_000 for one in said.pictures)
    assert all(one.hit and one.peak for one in said.pictures)


def test_its_record_is_read_back_as_it_was_and_stays_the_same_byte_for_byte(
    found: tuple[Path, Explained], data: Dataset, package: Path, tmp_path: Path
) -> None:
    out, said = found
    read = read_record(out)
    assert read is not None
    assert read.pointing is not None
    assert said.pointing is not None
    assert read.model_copy(update={"pointing": None, "curves": None, "pictures": ()}) == said.model_copy(
        update={"pointing": None, "curves": None, "pictures": ()}
    )
    assert read.pointing.hit_rate == said.pointing.hit_rate
    again = tmp_path / "again"
    explain_training(again, data, package, PARAMS, EVALUATION, public=True)
    for path in out.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes()


def test_no_slice_of_own_patients_is_shown_unless_params_say_so(data: Dataset, package: Path, tmp_path: Path) -> None:
    own = explain_training(tmp_path / "own", data, package, PARAMS, EVALUATION, public=False)
    assert own.pictures == ()
    assert own.no_pictures.startswith("slices of own patients are not shown")
    assert [path.name for path in (tmp_path / "own").iterdir()] == [FILE]
    shown = PARAMS.model_copy(update={"pictures": True, "curves": False})
    allowed = explain_training(tmp_path / "allowed", data, package, shown, EVALUATION, public=False)
    assert len(allowed.pictures) == 3
    assert allowed.curves is None


def test_without_a_site_there_are_no_figures_and_it_is_said(data: Dataset, package: Path, tmp_path: Path) -> None:
    nowhere = replace(data, manifest=data.manifest.assign(site_y=np.nan, site_x=np.nan))
    said = explain_package(nowhere, ExplainedPackage.open(package), PARAMS, Bootstrap(resamples=100)).found
    assert (said.pointing, said.curves) == (None, None)
    assert headline(said).endswith("no manipulated test slice has a known site, so that maps cannot be measured")


def test_a_method_that_does_not_fit_stops_it(data: Dataset, package: Path) -> None:
    wanted = PARAMS.model_copy(update={"method": "grad-cam"})
    with pytest.raises(MedfakeError, match="ResidualStatistics cannot be explained by grad-cam"):
        explain_package(data, ExplainedPackage.open(package), wanted, Bootstrap(resamples=100))


def test_a_study_that_leaves_explanations_out_has_a_record_that_says_so(tmp_path: Path) -> None:
    write_record(tmp_path, None)
    assert (tmp_path / FILE).read_text() == "null\n"
    assert read_record(tmp_path) is None


@pytest.mark.parametrize("text", ["{}", "[1]", "{", json.dumps({"schema_version": 1})])
def test_a_damaged_record_is_told_with_what_to_type(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "chest" / "SVM" / "seed-2"
    folder.mkdir(parents=True)
    (folder / FILE).write_text(text)
    with pytest.raises(ManifestError, match="this record of an explanation cannot be read") as caught:
        read_record(folder)
    assert caught.value.remedy == "dvc repro -s -f explain@chest-SVM-2"


def test_a_missing_record_is_told_with_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="this detector was not explained") as caught:
        read_record(tmp_path / "chest" / "SVM" / "seed-2")
    assert caught.value.remedy == "dvc repro explain@chest-SVM-2"


def test_the_least_sure_slice_is_the_nearest_to_the_threshold_in_log_odds() -> None:
    nothing = JudgedSlice("p", "s", Manipulation.REMOVED, (1.0, 1.0), np.array([[0.0, 0.0]]), None, None)
    empty = np.zeros((1, 1), np.int16)
    slices = [ExplainedSlice(name, empty, HeatMap(np.zeros((1, 1))), nothing) for name in "abcd"]
    p = {"a": 0.999, "b": 0.12, "c": 0.01, "d": 0.001}
    chosen = {why: one.slice_id for why, one in choose_slices(slices, p, 0.05)}
    assert chosen == {"best": "a", "worst": "d", "most uncertain": "b"}
    assert [one.slice_id for _, one in choose_slices(slices[:2], p, 0.05)] == ["a", "b"]
    assert list(choose_slices([], p, 0.05)) == []
