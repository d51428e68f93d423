"""Many folders through the detector: by one process, by several, by a cluster, the same findings in the same order."""

import doctest
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from medfake.config import TrackingParams
from medfake.dicom.folders import Folder
from medfake.errors import DataError
from medfake.package.scan_scorer import ScanScorer
from medfake.phantom import write_patient
from medfake.serving import archive
from medfake.serving.archive import How, scan_archive, scan_folders, suited
from medfake.serving.found import FolderFound, FolderKept, Found, ScanFound, ScanKept
from medfake.serving.model import Model, open_model
from medfake.serving.scan import scan_paths
from medfake.serving.task import ScanAnswer, ScanTask
from tests.fixtures.deadly import DEADLY, score_or_die

MakePackage = Callable[..., Path]
WriteScan = Callable[..., Path]


@pytest.fixture
def model(make_package: MakePackage, tracking: TrackingParams) -> Model:
    return open_model(str(make_package()), None)


@pytest.fixture
def tree(write_scan: WriteScan, tmp_path: Path) -> Path:
    """Six scans, a folder of notes, and a file beside the third scan that is none."""
    for number in range(6):
        write_scan(tmp_path / f"in/{number}", [-200 + 90 * number] * 9, f"P{number}")
    (tmp_path / "in/2/notes.txt").write_text("x")
    (tmp_path / "in/notes").mkdir()
    (tmp_path / "in/notes/a.txt").write_text("x")
    return tmp_path / "in"


@pytest.fixture
def processes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start them for a few small scans, too."""
    monkeypatch.setattr(archive, "WORTH_PROCESSES", 1)


def scans(found: list[Found]) -> list[ScanFound]:
    return [one for one in found if isinstance(one, ScanFound)]


def test_each_folder_ends_behind_its_scans_with_what_is_in_none(model: Model, tree: Path) -> None:
    found = list(scan_archive([tree], How(model)))
    assert [type(one).__name__ for one in found] == ["FolderFound", *["ScanFound", "FolderFound"] * 6, "FolderFound"]
    third = found[6]
    assert isinstance(third, FolderFound)
    assert [Path(one.path).name for one in third.skipped] == ["notes.txt"]
    assert third.n_files == 10
    assert third.scans == ((scans(found)[2].verdict.scan_id, scans(found)[2].files_sha256),)


def test_what_streams_is_what_a_report_holds(model: Model, tree: Path) -> None:
    report = scan_paths([tree], model)
    found = list(scan_archive([tree], How(model)))
    assert tuple(one.verdict for one in scans(found)) == report.scans
    assert {one.path for one in report.skipped} == {str(tree / "2/notes.txt"), str(tree / "notes/a.txt")}


def test_several_processes_find_the_same_in_the_same_order(model: Model, tree: Path, processes_at_once: None) -> None:
    assert list(scan_archive([tree], How(model, jobs=2))) == list(scan_archive([tree], How(model)))


def test_few_slices_start_no_process(
    model: Model, tree: Path, write_scan: WriteScan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "score_task", score_or_die)
    write_scan(tree / DEADLY, [-200] * 9)  # would end the process that scores it, were there one
    assert len(scans(list(scan_archive([tree], How(model, jobs=2))))) == 7


def test_a_scan_that_ends_its_process_is_skipped_and_the_others_are_not(
    model: Model, tree: Path, write_scan: WriteScan, processes_at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scan(tree / DEADLY, [-200] * 9)
    monkeypatch.setattr(archive, "score_task", score_or_die)
    found = list(scan_archive([tree], How(model, jobs=2)))
    assert len(scans(found)) == 6
    (died,) = [one for one in found if isinstance(one, FolderFound) and not one.files_sha256]
    assert [Path(one.path).name for one in died.skipped] == [f"{number}.dcm" for number in range(9)]
    assert {one.reason for one in died.skipped} == {
        "processes that scored this scan died (signal 9): too little memory, or a fault in what decodes its pixels"
    }


def test_what_is_finished_is_passed_over_until_a_file_changes(model: Model, tree: Path, write_scan: WriteScan) -> None:
    class Before:
        """What the first look found."""

        def __init__(self, found: list[Found]) -> None:
            self.folders = {one.files_sha256 for one in found if isinstance(one, FolderFound)}
            self.scans = {(one.verdict.scan_id, one.files_sha256) for one in scans(found)}

        def has_folder(self, files_sha256: str) -> bool:
            return files_sha256 in self.folders

        def has_scan(self, scan_id: str, files_sha256: str) -> bool:
            return (scan_id, files_sha256) in self.scans

    before = Before(list(scan_archive([tree], How(model))))
    again = How(model, finished=before)
    assert {type(one) for one in scan_archive([tree], again)} == {FolderKept}
    (tree / "1/more.txt").write_text("x")
    write_scan(tree / "4", [200] * 9, "P4")
    found = [one for one in scan_archive([tree], again) if not isinstance(one, FolderKept)]
    assert [type(one) for one in found] == [ScanKept, FolderFound, ScanFound, FolderFound]
    assert scans(found)[0].verdict.verdict == "tampered"


def test_a_file_that_may_be_readable_next_time_leaves_its_folder_unfinished(model: Model, tree: Path) -> None:
    listed = Folder(tree / "0", (*sorted((tree / "0").iterdir()), tree / "0/gone.dcm"))
    scan, folder = scan_folders([listed], How(model))
    assert isinstance(scan, ScanFound)
    assert isinstance(folder, FolderFound)
    assert (scan.verdict.n_slices, bool(scan.files_sha256)) == (9, True)
    assert [(Path(one.path).name, one.reason) for one in folder.skipped] == [("gone.dcm", "the file is gone")]
    assert folder.files_sha256 == ""


def test_the_detector_of_an_archive_is_chosen_by_headers_alone(model: Model, tree: Path) -> None:
    assert suited([tree], model) is model
    assert suited([tree], replace(model, by_default=True)).name == "the built-in detector"
    assert replace(model, by_default=True).suited_to_whatever_comes().chosen == (
        "package a learnt from the phantom alone, and scans may come that are not the phantom's "
        "(--model champion takes it all the same)"
    )


def test_a_scan_that_may_be_whole_next_time_leaves_its_folder_unfinished(
    model: Model, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slice that vanishes between its header and its pixels: the folder is looked at again."""
    whole = archive.answer

    def without_a_slice(task: ScanTask, scorer: ScanScorer) -> ScanAnswer:
        (tree / "3/4.dcm").unlink(missing_ok=True)
        return whole(task, scorer)

    monkeypatch.setattr(archive, "answer", without_a_slice)
    scan, folder = scan_archive([tree / "3"], How(model))
    assert isinstance(scan, ScanFound)
    assert isinstance(folder, FolderFound)
    assert [one.reason for one in scan.skipped] == ["the file is gone"]
    assert (scan.verdict.n_slices, scan.files_sha256, folder.files_sha256) == (8, "", "")


def test_the_example_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_patient(tmp_path / "scan", 1, 24, None)
    monkeypatch.chdir(tmp_path)
    (example,) = doctest.DocTestFinder(recurse=False).find(scan_archive, "scan_archive", globs={})
    assert doctest.DocTestRunner().run(example).failed == 0


@pytest.mark.slow
def test_a_cluster_finds_the_same_in_the_same_order(model: Model, tree: Path, dask_scheduler: str) -> None:
    found = list(scan_archive([tree], How(model, dask=dask_scheduler)))
    assert found == list(scan_archive([tree], How(model)))


@pytest.mark.slow
def test_a_scan_that_ends_workers_of_a_cluster_is_skipped(
    model: Model, tree: Path, write_scan: WriteScan, dask_scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scan(tree / DEADLY, [-200] * 9)
    monkeypatch.setattr(archive, "score_task", score_or_die)
    found = list(scan_archive([tree], How(model, dask=dask_scheduler)))
    assert len(scans(found)) == 6
    reasons = {skip.reason for one in found if isinstance(one, FolderFound) for skip in one.skipped}
    assert any(reason.startswith("processes that scored this scan died (4 workers)") for reason in reasons)


def test_a_cluster_that_does_not_answer_is_told_with_the_option(
    model: Model, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed", reason="Dask is not installed: pip install 'medfake[dask]'")
    monkeypatch.setattr("medfake.datasets.parallel._CONNECT_S", 1)
    with pytest.raises(DataError, match="no Dask scheduler answers") as caught:
        list(scan_archive([tree], How(model, dask="tcp://127.0.0.1:9")))
    assert "medfake scan: --dask" in str(caught.value.remedy)


def test_a_cluster_is_not_called_on_where_there_is_no_work(model: Model, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/notes.txt").write_text("x")
    (folder,) = scan_archive([tmp_path / "in"], How(model, dask="tcp://127.0.0.1:9"))
    assert isinstance(folder, FolderFound)
    assert folder.n_files == 1
