"""What detectors of nodules lose on deepfakes: figures that are known, and what cannot be measured."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medfake.config import ViewParams
from medfake.datasets.dataset import Dataset
from medfake.datasets.sources.generated import COLUMNS, TABLE_FILE
from medfake.datasets.views.resized import ResizedView
from medfake.dicom.writer import SeriesTemplate, write_series
from medfake.errors import DataError, LabelError, ManifestError
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.deepfakes import Deepfakes, read_deepfakes
from medfake.metrics.drop import measure_drop
from medfake.metrics.drop_report import DropReport, read_drop
from medfake.metrics.predict import predict
from medfake.metrics.predictions import SCORED, write_predictions
from medfake.package.card import PREDICTIONS_FILE
from medfake.vocabulary import Evidence

BRIGHT, DARK, DOUBTFUL = 400, -400, 1  # HU of the whole slice; the detector calls what is above 0 a nodule
FEW = Bootstrap(resamples=500)
IMAGES = 200
EDGE = 96  # px, the least that detectors take


@pytest.fixture
def nodules(tmp_path: Path, write_chest_set: Callable[..., None]) -> Dataset:
    """A data set whose slices with a nodule are bright, and all others dark."""
    write_chest_set(tmp_path / "nodules", size=EDGE)
    data = Dataset.open(tmp_path / "nodules")
    hu = np.where(data.manifest.label.to_numpy() == 1, BRIGHT, DARK)[:, None, None]
    np.save(tmp_path / "nodules/shard-000.npy", np.broadcast_to(hu, (len(hu), EDGE, EDGE)).astype("<i2"))
    return data


@pytest.fixture
def package(nodules: Dataset, make_package: Callable[..., Path]) -> Callable[..., Path]:
    """A detector that tells bright slices from dark ones, with what it says of the data set."""

    def make(name: str = "a", threshold: float = 0.5) -> Path:
        folder = make_package(name, val=None, dataset="nodules", task="nodules", detector=name, threshold=threshold)
        write_predictions(folder / PREDICTIONS_FILE, predict(nodules, folder, SCORED, name, 1).rows)
        return folder

    return make


def deepfakes(hu: list[int], asked: list[int]) -> Deepfakes:
    pixels = np.broadcast_to(np.array(hu)[:, None, None], (len(hu), EDGE, EDGE)).astype(np.int16)
    return Deepfakes(pixels, np.array(asked, np.int8), np.full(len(hu), 0.7))


def measure(nodules: Dataset, made: Deepfakes, **packages: Path) -> DropReport:
    named = {f"nodules/{name}/seed-1": one for name, one in packages.items()}
    return measure_drop("dcgan", nodules, "dcgan", made, named, FEW)


def test_deepfakes_of_which_half_show_the_other_class_cost_half_of_the_accuracy(
    nodules: Dataset, package: Callable[..., Path]
) -> None:
    asked = [0, 1] * (IMAGES // 2)
    hu = [BRIGHT if one == (number < IMAGES // 2) else DARK for number, one in enumerate(asked)]
    report = measure(nodules, deepfakes(hu, asked), a=package())
    (one,) = report.runs.values()
    assert (one.originals.accuracy.value, one.deepfakes.accuracy.value, one.drop.value) == (1.0, 0.5, 0.5)
    assert (one.deepfakes.sensitivity.value, one.deepfakes.specificity.value, one.called) == (0.5, 0.5, 0.5)
    assert one.drop.interval is not None
    reach = 1.96 * 0.5 / IMAGES**0.5  # originals are all right, so that images alone spread it
    assert one.drop.interval.low == pytest.approx(0.5 - reach, abs=0.02)
    assert one.drop.interval.high == pytest.approx(0.5 + reach, abs=0.02)
    assert (report.slices, report.patients, report.deepfakes, report.asked) == (20, 2, IMAGES, IMAGES // 2)


def test_one_patient_gives_no_interval(nodules: Dataset, make_package: Callable[..., Path]) -> None:
    rows = nodules.manifest
    one = replace(nodules, manifest=rows[(rows.split != "test") | (rows.patient_id == "patient-test0")])
    folder = make_package("a", val=None, dataset="nodules", task="nodules", detector="a")
    write_predictions(folder / PREDICTIONS_FILE, predict(one, folder, SCORED, "a", 1).rows)
    (found,) = measure(one, deepfakes([DARK, BRIGHT, DARK], [0, 1, 1]), a=folder).runs.values()
    assert found.originals.accuracy.value == 1.0
    assert (found.originals.accuracy.interval, found.drop.interval) == (None, None)
    assert found.deepfakes.accuracy.interval is not None


def test_deepfakes_that_are_as_originals_cost_nothing(nodules: Dataset, package: Callable[..., Path]) -> None:
    report = measure(nodules, deepfakes([DARK, BRIGHT] * 10, [0, 1] * 10), a=package())
    (one,) = report.runs.values()
    assert one.drop.value == 0.0
    assert one.doubt_auc.value == 0.5


def test_doubt_tells_deepfakes_without_knowing_a_class(nodules: Dataset, package: Callable[..., Path]) -> None:
    report = measure(nodules, deepfakes([-DOUBTFUL, DOUBTFUL] * 10, [0, 1] * 10), a=package())
    (one,) = report.runs.values()
    assert (one.drop.value, one.doubt_auc.value) == (0.0, 1.0)


def test_one_number_of_the_pixels_tells_what_it_tells(nodules: Dataset, package: Callable[..., Path]) -> None:
    """Flat slices have no fine structure; half of the originals are as bright as the brightest deepfakes."""
    made = measure(nodules, deepfakes([BRIGHT - 1, DARK] * 10, [1, 0] * 10), a=package()).single_numbers
    assert {name: one.value for name, one in made.items()} == {
        "highest HU": pytest.approx(0.375), "lowest HU": pytest.approx(0.375), "fine structure": 0.5,
        "share of pixels from 100 HU on": 0.5, "share of pixels from 300 HU on": 0.5,
    }  # fmt: skip


def test_where_all_detectors_agree_against_the_class_asked_for_is_counted(
    nodules: Dataset, package: Callable[..., Path]
) -> None:
    """One calls a nodule from P 0.5 on, the other from 0.9 on, which is 220 HU."""
    made = deepfakes([DARK] * 4 + [100] * 4 + [BRIGHT] * 2, [1, 1, 1, 0, 1, 1, 0, 0, 1, 1])
    shares = measure(nodules, made, a=package("a"), b=package("b", 0.9)).agreement
    assert shares.detectors == 2
    assert shares.deepfakes.against_label.value == pytest.approx(0.3)
    assert shares.deepfakes.split.value == pytest.approx(0.4)
    assert shares.deepfakes.with_label.value == pytest.approx(0.3)
    assert (shares.originals.with_label.value, shares.originals.against_label.value) == (1.0, 0.0)


def test_validation_chooses_who_is_told_of(nodules: Dataset, package: Callable[..., Path]) -> None:
    report = measure(nodules, deepfakes([DARK, BRIGHT], [0, 1]), a=package("a"), b=package("b"))
    runs = {
        key: replace(one, val_accuracy=accuracy)
        for (key, one), accuracy in zip(report.runs.items(), (0.7, 0.9), strict=True)
    }
    assert replace(report, runs=runs).chosen.detector == "b"


def test_the_report_is_read_as_written_and_equal_figures_are_equal_bytes(
    nodules: Dataset, package: Callable[..., Path], tmp_path: Path
) -> None:
    made, one = deepfakes([DARK, BRIGHT, BRIGHT], [0, 1, 0]), package()
    for name in ("a.json", "b.json"):
        measure(nodules, made, a=one).write(tmp_path / name)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    report = read_drop(tmp_path / "a.json")
    assert report.evidence is Evidence.PHANTOM
    report.write(tmp_path / "c.json")
    assert (tmp_path / "c.json").read_bytes() == (tmp_path / "a.json").read_bytes()


def test_a_data_set_of_fakes_has_no_drop(nodules: Dataset, package: Callable[..., Path]) -> None:
    forged = replace(nodules, facts={**nodules.facts, "task": "tampering"})
    with pytest.raises(DataError, match="detectors of nodules"):
        measure(forged, deepfakes([DARK, BRIGHT], [0, 1]), a=package())


def test_without_packages_there_is_no_drop(nodules: Dataset) -> None:
    with pytest.raises(DataError) as caught:
        measure(nodules, deepfakes([DARK, BRIGHT], [0, 1]))
    assert caught.value.received == "0 packages of task nodules"


@pytest.mark.parametrize("text", ["", "{}", json.dumps({"schema_version": 9})])
def test_a_file_that_is_none_of_ours_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "dcgan.json").write_text(text)
    with pytest.raises(ManifestError, match="cannot be read") as caught:
        read_drop(tmp_path / "dcgan.json")
    assert caught.value.remedy == "dvc repro -s -f drop@dcgan"


@pytest.fixture
def write_deepfakes(tmp_path: Path) -> Callable[..., Path]:
    """A folder as stage `generate` writes it: slice n is n HU."""

    def write(asked: list[int], size: int = 64) -> Path:
        folder = tmp_path / "dcgan"
        lines = []
        for number, nodule in enumerate(asked):
            template = SeriesTemplate(
                patient_id=f"GENERATED-{number}", manufacturer="medfake", model="dcgan", kernel="", thickness_mm=1.0,
                spacing_mm=(5.5, 5.5),
            )  # fmt: skip
            hu = np.full((1, size, size), number, np.int16)
            write_series(folder / f"{number:04d}", hu, np.zeros((1, 3)), template, uid_seed=str(number),
                         synthetic=Evidence.PHANTOM)  # fmt: skip
            lines.append((f"{number:04d}/0.dcm", nodule, number, "dcgan"))
        with (folder / TABLE_FILE).open("w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *lines])
        return folder

    return write


def test_deepfakes_are_read_with_the_class_that_was_asked_for(write_deepfakes: Callable[..., Path]) -> None:
    made = read_deepfakes(write_deepfakes([0, 1, 1]), ViewParams(name="whole"))
    assert made.hu[:, 0, 0].tolist() == [0, 1, 2]
    assert made.asked.tolist() == [0, 1, 1]


@pytest.mark.parametrize(("size", "fits"), [(63, False), (64, True), (128, True)])
def test_deepfakes_are_seen_through_the_view_of_the_data_set(
    size: int, fits: bool, write_deepfakes: Callable[..., Path]
) -> None:
    folder, view = write_deepfakes([0, 1], size), ResizedView(name="resized", size=64)
    if fits:
        assert read_deepfakes(folder, view).hu.shape == (2, 64, 64)
    else:
        with pytest.raises(DataError, match="nothing for the view"):
            read_deepfakes(folder, view)


def test_deepfakes_of_one_class_say_nothing(write_deepfakes: Callable[..., Path]) -> None:
    with pytest.raises(DataError) as caught:
        read_deepfakes(write_deepfakes([1, 1]), ViewParams(name="whole"))
    assert caught.value.received == "2 of class 1"


def test_deepfakes_without_a_table_are_refused(write_deepfakes: Callable[..., Path]) -> None:
    folder = write_deepfakes([0, 1])
    (folder / TABLE_FILE).unlink()
    with pytest.raises(LabelError):
        read_deepfakes(folder, ViewParams(name="whole"))
