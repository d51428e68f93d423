"""A slice number hits the same image whatever else lies beside the slices, or the row is refused with a reason."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest

from medfake.datasets.reading import read_source
from medfake.datasets.sources.registry import Reading

WriteScan = Callable[..., None]


@pytest.fixture
def scan(tmp_path: Path, write_scan: WriteScan) -> Path:
    """A labelled scan of ten slices; its files are named as exports name them, not by their numbers."""
    folder = tmp_path / "tree" / "a"
    write_scan(folder, "someone", 1, slices=10)
    for number in range(10):
        (folder / f"{number}.dcm").rename(folder / f"IM{number:04d}.dcm")
    _label(folder, "a,FM,6,10,11")
    return folder


def _label(scan: Path, row: str, columns: str = "scan,type,slice,x,y") -> None:
    (scan.parent / "labels.csv").write_text(f"{columns}\n{row}\n")


def _labelled(reading: Reading) -> list[str]:
    return [scan.series.headers[site.z_index].path.name for scan in reading.scans for site in scan.sites]


def _change(path: Path, **values: object) -> None:
    dataset = pydicom.dcmread(path)
    for keyword, value in values.items():
        if value is None:
            del dataset[keyword]
        else:
            setattr(dataset, keyword, value)
    dataset.save_as(path)


def test_a_slice_that_cannot_be_used_still_counts(scan: Path) -> None:
    _change(scan / "IM0002.dcm", PixelSpacing=[99, 99])
    reading = read_source("folder", scan.parent, 1)
    assert len(reading.scans[0].series.headers) == 9
    assert _labelled(reading) == ["IM0006.dcm"]


def test_a_label_on_a_slice_that_cannot_be_used_leaves_its_scan_out(scan: Path, write_scan: WriteScan) -> None:
    write_scan(scan.parent / "b", "someone", 4, slices=10)
    _change(scan / "IM0006.dcm", PixelSpacing=[99, 99])
    reading = read_source("folder", scan.parent, 1)
    assert [one.series.folder.name for one in reading.scans] == ["b"]
    assert [one.done for one in reading.problems] == ["the scan is left out"]


def test_an_instance_that_is_there_twice_counts_once(scan: Path) -> None:
    for number in range(1, 5):
        shutil.copy(scan / f"IM{number:04d}.dcm", scan / f"IM{number:04d} (1).dcm")
    assert _labelled(read_source("folder", scan.parent, 1)) == ["IM0006.dcm"]


@pytest.mark.parametrize("how", ["position", "truncated", "garbage"])
def test_where_slices_cannot_be_counted_the_scan_is_left_out_with_the_reason(scan: Path, how: str) -> None:
    broken = scan / "IM0002.dcm"
    if how == "position":
        _change(broken, ImagePositionPatient=None)
    else:
        broken.write_bytes(broken.read_bytes()[:400] if how == "truncated" else b"nothing")
    (scan.parent / "b").mkdir()
    for path in scan.iterdir():
        if path != broken:
            shutil.copy(path, scan.parent / "b")
    reading = read_source("folder", scan.parent, 1)
    assert [one.series.folder.name for one in reading.scans] == ["b"]
    (problem,) = (one for one in reading.problems if one.where == "labels.csv, line 2")
    assert problem.what.startswith("slices cannot be counted, because of IM0002.dcm: ")
    assert problem.done == "the scan is left out"


def test_files_that_are_no_slices_of_the_series_do_not_count(scan: Path, write_scan: WriteScan) -> None:
    (scan / "note.txt").write_text("a note")
    (scan / "DICOMDIR").write_bytes(b"none")
    write_scan(scan / "other", "someone", 2, slices=3)
    shutil.move(scan / "other" / "0.dcm", scan / "other.dcm")
    _change(scan / "other.dcm", PixelSpacing=[99, 99])
    shutil.rmtree(scan / "other")
    assert _labelled(read_source("folder", scan.parent, 1)) == ["IM0006.dcm"]


def test_files_numbered_from_0_keep_their_numbers_whatever_is_missing_or_broken(scan: Path) -> None:
    for number in range(10):
        (scan / f"IM{number:04d}.dcm").rename(scan / f"{number}.dcm")
    (scan / "2.dcm").unlink()
    (scan / "3.dcm").write_bytes(b"nothing")
    assert _labelled(read_source("folder", scan.parent, 1)) == ["6.dcm"]


def test_slices_of_another_size_in_the_same_series_count(scan: Path, write_scan: WriteScan, tmp_path: Path) -> None:
    write_scan(tmp_path / "large", "someone", 3, slices=3, size=80)
    uid = pydicom.dcmread(scan / "IM0000.dcm").SeriesInstanceUID
    for number in range(3):
        (scan / f"IM{number:04d}.dcm").unlink()
        _change(tmp_path / "large" / f"{number}.dcm", SeriesInstanceUID=uid)
        shutil.move(tmp_path / "large" / f"{number}.dcm", scan / f"IM{number:04d}.dcm")
    assert _labelled(read_source("folder", scan.parent, 1)) == ["IM0006.dcm"]


@pytest.mark.parametrize("number", ["", "0"])
def test_an_instance_uid_names_its_slice_whatever_its_number(scan: Path, number: str) -> None:
    (scan / "IM0002.dcm").write_bytes(b"nothing")
    uid = pydicom.dcmread(scan / "IM0006.dcm").SOPInstanceUID
    _label(scan, f"a,FM,{number},10,11,{uid}", "scan,type,slice,x,y,sop_uid")
    assert _labelled(read_source("folder", scan.parent, 1)) == ["IM0006.dcm"]


def test_an_instance_uid_chooses_among_the_series_of_a_folder(
    scan: Path, write_scan: WriteScan, tmp_path: Path
) -> None:
    write_scan(tmp_path / "longer", "someone", 2, slices=12)
    for path in (tmp_path / "longer").iterdir():
        shutil.move(path, scan / f"other-{path.name}")
    assert _labelled(read_source("folder", scan.parent, 1)) == ["other-6.dcm"]
    uid = pydicom.dcmread(scan / "IM0006.dcm").SOPInstanceUID
    _label(scan, f"a,FM,,10,11,{uid}", "scan,type,slice,x,y,sop_uid")
    assert _labelled(read_source("folder", scan.parent, 1)) == ["IM0006.dcm"]


def test_rows_that_may_speak_of_either_of_two_series_leave_both_out(
    scan: Path, write_scan: WriteScan, tmp_path: Path
) -> None:
    write_scan(scan.parent / "b", "someone", 4, slices=10)
    write_scan(tmp_path / "alike", "someone", 2, slices=10)
    for path in (tmp_path / "alike").iterdir():
        shutil.move(path, scan / f"other-{path.name}")
    reading = read_source("folder", scan.parent, 1)
    assert [one.series.folder.name for one in reading.scans] == ["b"]
    (problem,) = reading.problems
    assert str(problem) == (
        "a: 2 series in one labelled folder, 2 of them of 10 slices; "
        "all are left out: which one the rows speak of is not known"
    )


def test_an_instance_uid_of_several_slices_names_none(scan: Path, write_scan: WriteScan) -> None:
    write_scan(scan.parent / "b", "someone", 4, slices=10)
    _change(scan / "IM0005.dcm", SOPInstanceUID="1.2.3")
    _change(scan / "IM0006.dcm", SOPInstanceUID="1.2.3")
    _label(scan, "a,FM,6,10,11,1.2.3", "scan,type,slice,x,y,sop_uid")
    reading = read_source("folder", scan.parent, 1)
    assert [one.series.folder.name for one in reading.scans] == ["b"]
    assert "several slices of the scan have this SOP Instance UID" in [one.what for one in reading.problems]


@pytest.mark.parametrize(
    ("keyword", "values"), [("ImageOrientationPatient", (0.000499, 0.000501)), ("PixelSpacing", (0.7, 0.7000001))]
)
def test_rounding_of_a_header_shifts_no_label(scan: Path, keyword: str, values: tuple[float, float]) -> None:
    for number in range(10):
        odd = values[number % 2]
        value = [0.7, odd] if keyword == "PixelSpacing" else [1, odd, 0, -odd, 1, 0]
        _change(scan / f"IM{number:04d}.dcm", **{keyword: value})
    reading = read_source("folder", scan.parent, 1)
    assert [len(one.series.headers) for one in reading.scans] == [10]
    assert _labelled(reading) == ["IM0006.dcm"]
