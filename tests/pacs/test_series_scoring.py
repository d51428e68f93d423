"""One series in a scoring process: what is written beside it, and what is said of odd ones."""

import json
import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from medfake.dicom.quiet import quiet_pydicom
from medfake.errors import ScanError, StorageError
from medfake.pacs.arrivals import FOLDER_OF_FILES
from medfake.pacs.judged import JUDGED, ORDER, Judged, Order, read_judged, result_files
from medfake.pacs.results.kinds import ResultKind
from medfake.pacs.series_scoring import SeriesScoring
from medfake.pacs.settings import Route
from medfake.phantom import write_patient
from medfake.serving.calibration import write_calibration
from medfake.serving.model import Model, open_builtin
from medfake.serving.scoring.job_files import Bad
from medfake.serving.scoring.limits import ScoringLimits
from medfake.serving.scoring.worker_messages import Package, Start
from medfake.vocabulary import Modality
from tests.serving.test_calibration import calibration_of

SLICES = 24
DIGEST = "d" * 64
REPORT = "1.2.840.10008.5.1.4.1.1.88.34"
Judge = Callable[..., Judged]


@pytest.fixture(scope="session")
def model() -> Model:
    return open_builtin("")


@pytest.fixture(scope="session")
def tampered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A phantom into which a nodule was injected."""
    folder = tmp_path_factory.mktemp("tampered")
    write_patient(folder, 3, SLICES, "injection")
    return folder


class Series:
    """A series in its folder, and what is told of it.

    Attributes:
        told: By the scoring process, in order.
    """

    def __init__(self, folder: Path, scan: Path, model: Model) -> None:
        self.folder, self._model = folder, model
        self.told: list[dict[str, Any]] = []
        (folder / FOLDER_OF_FILES).mkdir(parents=True)
        for number, file in enumerate(sorted(scan.rglob("*.dcm"))):
            shutil.copyfile(file, folder / FOLDER_OF_FILES / f"{number:06d}.dcm")

    @property
    def files(self) -> list[Path]:
        return sorted((self.folder / FOLDER_OF_FILES).iterdir())

    def judge(self, *routes: Route, caller: str = "CT1", digest: str = DIGEST, **more: Any) -> Judged:
        """What is said of it."""
        self.told = []
        values: dict[str, Any] = {"pixels": {}, "judged_keys": ()} | more
        Order(caller=caller, routes=routes, **values).write(self.folder / ORDER)
        limits = Start.of(Package("", "", "", by_default=False, digest=digest, since=""), ScoringLimits(), 1)
        SeriesScoring(self.folder, self._model, digest, limits, lambda **said: self.told.append(said)).run()
        judged = read_judged(self.folder)
        assert judged
        return judged

    def change(self, **values: object) -> None:
        """Set elements of all files."""
        for file in self.files:
            with quiet_pydicom():
                dataset = pydicom.dcmread(file)
                for keyword, value in values.items():
                    setattr(dataset, keyword, value)
                dataset.save_as(file)

    @property
    def report(self) -> pydicom.Dataset:
        return next(one for one in map(pydicom.dcmread, result_files(self.folder)) if one.SOPClassUID == REPORT)

    @property
    def words(self) -> str:
        """All that the report says and all codes in it, a line each."""
        return "\n".join(str(one.value) for one in self.report.iterall() if one.VR not in ("SQ", "OB"))


@pytest.fixture
def series(tampered: Path, tmp_path: Path, model: Model) -> Series:
    return Series(tmp_path / "series", tampered, model)


def test_a_tampered_series_has_a_verdict_and_objects_of_each_kind(series: Series) -> None:
    judged = series.judge()
    assert (judged.verdict, judged.modality, judged.reason, judged.other_pixels) == ("tampered", "CT", None, 0)
    assert judged.p_tampered is not None
    assert judged.p_tampered > 0.5
    kinds = [pydicom.dcmread(one).Modality for one in result_files(series.folder)]
    assert kinds == ["SEG", "SR", "OT", "OT", "OT"]
    assert judged.objects == len(kinds)
    assert len(judged.pixels) == SLICES
    assert series.told[-1] == {"done": True, "skipped": {}}
    assert [one["scored"] for one in series.told if one.get("scored") is not None] == ["tampered"]


def test_nothing_kept_of_it_holds_an_identifier(series: Series) -> None:
    header = pydicom.dcmread(series.files[0], stop_before_pixels=True)
    series.judge()
    kept = (series.folder / JUDGED).read_text() + (series.folder / ORDER).read_text()
    told = json.dumps(series.told)
    for uid in (header.StudyInstanceUID, header.SeriesInstanceUID, header.SOPInstanceUID, str(header.PatientID)):
        assert uid not in kept
        assert uid not in told


def test_the_same_files_are_judged_once(series: Series) -> None:
    first = series.judge()
    (series.folder / JUDGED).unlink()
    again = series.judge(judged_keys=(first.key,))
    assert (again.key, again.objects, again.verdict) == (first.key, 0, None)
    assert again.reason == "it came before as it is, and was judged then"


@pytest.mark.parametrize("other", [{"digest": "e" * 64}, {"routes": (Route(name="x", results=(ResultKind.SR,)),)}])
def test_another_detector_or_other_results_judge_the_same_files_anew(series: Series, other: dict[str, Any]) -> None:
    first = series.judge()
    (series.folder / JUDGED).unlink()
    again = series.judge(*other.pop("routes", ()), judged_keys=(first.key,), **other)
    assert again.verdict == "tampered"
    assert again.key != first.key


def test_what_was_written_before_a_kill_is_not_made_again(series: Series) -> None:
    first = series.judge()
    made = [one.read_bytes() for one in result_files(series.folder)]
    for file in series.files:
        file.unlink()  # nothing could be judged any more
    assert series.judge() == first
    assert [one.read_bytes() for one in result_files(series.folder)] == made
    assert series.told == [{"done": True, "skipped": {}}]


@pytest.mark.parametrize("left", [0, SLICES - 1])
def test_a_series_some_of_whose_files_are_gone_is_not_judged(series: Series, left: int) -> None:
    for file in series.files[left:]:
        file.unlink()
    with pytest.raises(StorageError, match="files of a series are gone"):
        series.judge(files=SLICES)
    assert read_judged(series.folder) is None


def test_a_series_without_its_folder_is_not_judged(series: Series) -> None:
    shutil.rmtree(series.folder / "files")
    with pytest.raises(StorageError, match="files of a series are gone"):
        series.judge()


def test_results_are_on_disk_before_anybody_is_told_that_they_are_there(
    series: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    really = os.fsync

    def sync(handle: int) -> None:
        synced.append(Path(f"/proc/self/fd/{handle}").readlink().relative_to(series.folder.parent).as_posix())
        really(handle)

    monkeypatch.setattr(os, "fsync", sync)
    judged = series.judge()
    order = synced.index(f"{series.folder.name}")  # its name, after what there is to do
    after = synced[order + 1 :]
    assert len([one for one in after if one.endswith(".dcm")]) == judged.objects
    folders = [place for place, one in enumerate(after) if one == series.folder.name]
    first_name, last_name = folders[0], folders[-1]  # of the results, and of what says that they are there
    assert all(place < first_name for place, one in enumerate(after) if one.endswith(".dcm"))
    assert first_name < next(place for place, one in enumerate(after) if JUDGED in one) < last_name


def test_other_pixels_under_the_same_uids_are_said_in_the_report(series: Series) -> None:
    first = series.judge()
    (series.folder / JUDGED).unlink()
    dataset = pydicom.dcmread(series.files[5])
    pixels = dataset.pixel_array.copy()
    pixels[0, 0] += 1
    dataset.PixelData = pixels.tobytes()
    dataset.save_as(series.files[5])
    again = series.judge(pixels=first.pixels)
    assert again.other_pixels == 1
    assert "1 of its images came before under the same UIDs with other pixels" in series.words
    assert "OTHER_PIXELS" in series.words


def test_other_headers_and_another_compression_are_no_other_pixels(series: Series) -> None:
    first = series.judge()
    (series.folder / JUDGED).unlink()
    for file in series.files:
        dataset = pydicom.dcmread(file)
        dataset.InstitutionName = "elsewhere"
        dataset.compress("1.2.840.10008.1.2.5", generate_instance_uid=False)
        dataset.save_as(file)
    again = series.judge(pixels=first.pixels)
    assert (again.other_pixels, again.pixels) == (0, first.pixels)


def test_images_that_have_not_come_are_said_in_the_report(series: Series) -> None:
    series.judge(missing=7)
    assert "7 of its images have not come" in series.words


def test_a_route_may_leave_a_series_alone(series: Series) -> None:
    judged = series.judge(Route(name="no CT", modalities=(Modality.CT,), scan=False))
    assert (judged.verdict, judged.objects) == (None, 0)
    assert f"{SLICES} x the route 'no CT' of pacs.yaml judges none of its series" in str(judged.reason)


def test_a_route_says_which_objects_are_made(series: Series) -> None:
    series.judge(Route(name="reports", results=(ResultKind.SR,)))
    assert [pydicom.dcmread(one).Modality for one in result_files(series.folder)] == ["SR"]


def test_a_calibration_of_another_detector_is_not_used_and_that_is_said(series: Series, tmp_path: Path) -> None:
    judged = series.judge(Route(name="site", calibration=tmp_path / "gone.json"))
    assert judged.verdict == "tampered"
    assert "judged with the detector's own thresholds and not with those of this site" in series.words


def test_a_calibration_that_is_a_folder_is_not_used_either(series: Series, tmp_path: Path) -> None:
    judged = series.judge(Route(name="site", calibration=tmp_path))
    assert judged.verdict == "tampered"
    assert "not with those of this site: is a directory" in series.words


def test_an_mr_series_has_no_verdict_and_a_reason(tmp_path: Path, model: Model) -> None:
    write_patient(tmp_path / "scan", 3, SLICES, None, modality=Modality.MR)
    judged = Series(tmp_path / "series", tmp_path / "scan", model).judge()
    assert (judged.verdict, judged.objects, judged.modality) == (None, 0, "MR")
    assert "the detector ResidualStatistics learnt from CT" in str(judged.reason)


def test_files_that_are_no_images_are_counted_with_their_reason(series: Series) -> None:
    for file in series.files[:5]:
        file.write_bytes(b"no DICOM")
    judged = series.judge()
    assert judged.verdict == "tampered"
    assert judged.reason == "5 x not a DICOM file"
    assert series.told[-1]["skipped"] == {"NotDicom": 5}


def test_a_series_of_nothing_that_can_be_read_is_done_with_a_reason(series: Series) -> None:
    for file in series.files:
        file.write_bytes(b"no DICOM")
    judged = series.judge()
    assert (judged.verdict, judged.modality, judged.objects) == (None, "", 0)
    assert judged.reason == f"{SLICES} x not a DICOM file"


def test_a_file_that_ended_a_process_is_not_opened_again(series: Series) -> None:
    name = series.files[3].name
    Bad(files={name: "it ended a process"}).write(series.folder)
    judged = series.judge()
    assert judged.verdict == "tampered"
    assert judged.reason == "1 x it ended a process"
    assert name not in [one.get("file") for one in series.told]


def test_a_series_that_no_process_survives_is_an_error_and_not_done(series: Series) -> None:
    Bad(files={file.name: "the scoring process did not survive it" for file in series.files}).write(series.folder)
    with pytest.raises(ScanError, match="no scoring process survives"):
        series.judge()
    assert not (series.folder / JUDGED).exists()


def test_a_series_whose_uids_are_none_keeps_its_verdict(series: Series) -> None:
    series.change(StudyInstanceUID="not a uid")
    judged = series.judge()
    assert judged.verdict == "tampered"
    assert judged.objects == 0
    assert "UID" in str(judged.reason)
    assert "not a uid" not in str(judged.reason)


def test_two_scans_in_one_series_have_a_verdict_each_and_the_gravest_counts(series: Series, tmp_path: Path) -> None:
    """As where a series holds two stacks of slices."""
    write_patient(tmp_path / "real", 9, SLICES, None)
    uid = pydicom.dcmread(series.files[0]).SeriesInstanceUID
    study = pydicom.dcmread(series.files[0]).StudyInstanceUID
    for number, file in enumerate(sorted((tmp_path / "real").rglob("*.dcm"))):
        dataset = pydicom.dcmread(file)
        dataset.SeriesInstanceUID, dataset.StudyInstanceUID = uid, study
        dataset.ImageOrientationPatient = [1, 0, 0, 0, np.cos(0.1), np.sin(0.1)]
        dataset.save_as(series.folder / FOLDER_OF_FILES / f"1{number:05d}.dcm")
    judged = series.judge()
    scored = [one["scored"] for one in series.told if one.get("scored")]
    assert len(scored) == 2
    assert judged.verdict == "tampered"
    assert len({pydicom.dcmread(one).SOPInstanceUID for one in result_files(series.folder)}) == judged.objects


def test_what_came_later_says_that_the_rest_was_judged_apart(series: Series) -> None:
    series.judge(pixels={"image-of-before": "a" * 64})
    assert "1 other images of its series came before and were judged apart from these" in series.words


def test_results_are_dated_by_the_clock_on_the_wall(series: Series, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PACS shows times as they stand, and those of scans are local."""
    monkeypatch.setenv("TZ", "Etc/GMT-9")
    time.tzset()
    try:
        series.judge()
        ahead = datetime.now(UTC).astimezone(timezone(timedelta(hours=9)))
    finally:
        monkeypatch.undo()
        time.tzset()
    said = datetime.strptime(f"{series.report.ContentDate}{series.report.ContentTime[:6]}+0900", "%Y%m%d%H%M%S%z")
    assert abs((ahead - said).total_seconds()) < 120


def test_a_route_has_the_thresholds_of_its_site(series: Series, tmp_path: Path, model: Model) -> None:
    """A site whose scans alarm for nothing calls less of them tampered."""
    high = 0.99
    calibration = calibration_of(model, high)
    write_calibration(calibration, tmp_path / "site.json")
    judged = series.judge(Route(name="site", calibration=tmp_path / "site.json"))
    assert judged.p_tampered is not None
    assert model.card.scan_threshold_high < judged.p_tampered < high
    assert judged.verdict == "uncertain"
    assert calibration.sentence in series.words
