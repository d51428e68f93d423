"""Label files: the published ones, and each way in which one can be wrong."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from medfake.datasets.sources.labels import LabelRow, read_labels
from medfake.datasets.sources.slice_numbers import place_sites
from medfake.dicom.series import find_series
from medfake.errors import LabelError

COUNTS = pd.read_csv(Path(__file__).with_name("label_counts.csv"))
PUBLISHED = Path(__file__).resolve().parents[2].parent / "shared" / "ct-gan-labels"
with_published = pytest.mark.skipif(
    not PUBLISHED.is_dir(), reason="the published label files are not beside the project"
)


def _write(folder: Path, text: str) -> Path:
    path = folder / "labels.csv"
    path.write_bytes(text.encode())
    return path


def _rows(path: Path, scan_column: str) -> list[LabelRow]:
    return [row for rows in read_labels(path, scan_column).rows.values() for row in rows]


def test_the_recorded_counts_are_those_of_the_reference() -> None:
    rows = COUNTS.groupby("file").rows.sum()
    assert rows.to_dict() == {"labels_exp1.csv": 133, "labels_exp2.csv": 36}
    assert COUNTS[COUNTS.type.isin(["FB", "FM"])].rows.sum() == 113


@with_published
@pytest.mark.parametrize("name", ["labels_exp1.csv", "labels_exp2.csv"])
def test_published_files_have_the_published_counts(name: str) -> None:
    rows = _rows(PUBLISHED / name, "uuid")
    expected = COUNTS[COUNTS.file == name]
    assert Counter(row.kind for row in rows) == dict(zip(expected.type, expected.rows, strict=True))
    scans = Counter(kind for kind, _ in {(row.kind, row.scan) for row in rows})
    assert scans == dict(zip(expected.type, expected.scans, strict=True))


@with_published
def test_the_files_label_seven_removals_more_than_solaiyappan_and_wen_count() -> None:
    rows = [(name, row) for name in set(COUNTS.file) for row in _rows(PUBLISHED / name, "uuid")]
    places = {(row.kind, name, row.scan, row.site.z_index) for name, row in rows if row.site}
    slices = {kind: sum(one == kind for one, *_ in places) for kind in ("FB", "FM")}
    assert slices == {"FB": 65 + 7, "FM": 41}  # their Table 1: 65 FB, 41 FM


@with_published
def test_published_files_name_98_patients_and_two_of_them_twice() -> None:
    first, second = ({row.scan for row in _rows(PUBLISHED / name, "uuid")} for name in sorted(set(COUNTS.file)))
    assert len(first | second) == 98
    assert first & second == {"6031", "7507"}


@with_published
def test_published_patients_in_both_experiments_are_real_first_and_tampered_then() -> None:
    for name, kind in (("labels_exp1.csv", "TM"), ("labels_exp2.csv", "FB")):
        rows = _rows(PUBLISHED / name, "uuid")
        assert {row.kind for row in rows if row.scan in ("6031", "7507")} == {kind}


@pytest.mark.parametrize("column", ["slice", "z"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_both_column_names_both_line_ends_and_a_byte_order_mark_are_read(
    tmp_path: Path, column: str, end: str, mark: str
) -> None:
    path = _write(tmp_path, f"{mark}type,uuid,{column},x,y{end}FB,1280,100,323,381{end}")
    (row,) = _rows(path, "uuid")
    assert row.site is not None
    assert (row.scan, row.kind, row.site.z_index, row.site.x, row.site.y) == ("1280", "FB", 100, 323, 381)


def test_a_row_of_type_tb_is_no_place(tmp_path: Path) -> None:
    (row,) = _rows(_write(tmp_path, "type,uuid,slice,x,y\nTB,7,0,0,0\n"), "uuid")
    assert row.site is None


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = _write(tmp_path, "type,scan,x,y\nFM,a,1,2\n")
    with pytest.raises(LabelError, match="is missing") as caught:
        read_labels(path, "scan")
    assert str(path) in str(caught.value)
    assert "next:" in str(caught.value)


def test_what_is_no_csv_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(b"type,scan,slice,x,y\nFM,\xff\xfe,1,2,3\n")
    with pytest.raises(LabelError, match="no CSV in UTF-8") as caught:
        read_labels(path, "scan")
    assert "medfake data template" in str(caught.value)


def test_an_unknown_type_is_told_with_its_line_and_spoils_its_scan(tmp_path: Path) -> None:
    path = _write(tmp_path, "type,scan,slice,x,y\nFM,a,1,2,3\nXX,a,1,2,3\nFM,b,1,2,3\n")
    labels = read_labels(path, "scan")
    (problem,) = labels.problems
    assert problem.where == "labels.csv, line 3"
    assert problem.what == "type 'XX' is unknown, expected one of FM, FB, TM, TB"
    assert labels.spoilt == {"a"}


@pytest.mark.parametrize(
    ("separator", "number"), [(",", "323.0"), (";", "323"), (";", "323,0"), ("\t", "323"), ("|", " 323 ")]
)
@pytest.mark.parametrize("first", ["", "sep={}\n"])
def test_any_usual_separator_is_read_and_whole_numbers_may_have_a_point(
    tmp_path: Path, separator: str, number: str, first: str
) -> None:
    columns = ("Type", "SCAN", "slice", "x", "y")
    lines = [separator.join(columns), separator.join(("fm", "a, b", "1e1", number, "381"))]
    if separator == ",":
        lines[1] = lines[1].replace("a, b", '"a, b"')
    path = _write(tmp_path, first.format(separator) + "\n".join(lines))
    (row,) = _rows(path, "scan")
    assert row.site is not None
    assert (row.scan, row.kind, row.site.z_index, row.site.x, row.site.y) == ("a, b", "FM", 10, 323, 381)


def test_blank_rows_are_passed_over_and_lines_still_count_them(tmp_path: Path) -> None:
    path = _write(tmp_path, "\r\n type , scan,slice,x,y\r\n\r\n , ,,,\r\nFM,a,1,2,3,,\r\n,,,,\r\n")
    labels = read_labels(path, "scan")
    assert (labels.count, labels.problems) == (1, [])
    assert labels.lines == {"a": [5]}


def test_the_separator_is_named_where_a_column_is_missing(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="column 'x' is missing") as caught:
        read_labels(_write(tmp_path, "type;scan;slice;y\n"), "scan")
    assert caught.value.received == "type, scan, slice, y; they are told apart by a semicolon"


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="column 'x' is there twice"):
        read_labels(_write(tmp_path, "type,scan,slice,x,y,X\n"), "scan")


def test_a_row_of_more_values_than_columns_spoils_its_scan(tmp_path: Path) -> None:
    labels = read_labels(_write(tmp_path, "type,scan,slice,x,y\nFM,a,1,0,2,0\n"), "scan")
    assert [one.what for one in labels.problems] == ["6 values for 5 columns, told apart by a comma"]
    assert labels.spoilt == {"a"}


@pytest.mark.parametrize("value", ["", "many", "1.5", "1_0", "inf", "nan", "1,0"])
def test_a_number_that_is_none_is_told_with_line_and_column(tmp_path: Path, value: str) -> None:
    path = _write(tmp_path, f'type,scan,slice,x,y\nFM,a,1,"{value}",3\n')
    (problem,) = read_labels(path, "scan").problems
    assert (problem.where, problem.what) == ("labels.csv, line 2", f"column x must be a whole number, but is {value!r}")


@pytest.mark.parametrize(
    ("numbers", "inside"),
    [("0,0,0", True), ("15,63,63", True), ("16,0,0", False), ("0,64,0", False), ("0,0,64", False), ("-1,0,0", False)],
)
def test_a_place_must_be_a_voxel_of_its_scan(
    tmp_path: Path, write_scan: Callable[..., None], numbers: str, inside: bool
) -> None:
    write_scan(tmp_path / "a", "someone", 1)
    ((series,), _) = find_series(tmp_path / "a")
    path = _write(tmp_path, f"type,scan,slice,x,y\nFM,a,{numbers}\n")
    placed = place_sites(read_labels(path, "scan"), _rows(path, "scan"), series, by_stem=False)
    assert (placed.sites is not None) is inside
    assert bool(placed.problems) is not inside


@pytest.mark.parametrize(("first", "by_stem", "index"), [(0, False, 3), (1, False, 3), (1, True, 2), (0, True, 3)])
def test_stems_count_where_files_are_numbered_from_0_or_the_source_says_so(
    tmp_path: Path, write_scan: Callable[..., None], first: int, by_stem: bool, index: int
) -> None:
    write_scan(tmp_path / "a", "someone", 1)
    for number in range(15, -1, -1):
        (tmp_path / "a" / f"{number}.dcm").rename(tmp_path / "a" / f"{number + first}.dcm")
    ((series,), _) = find_series(tmp_path / "a")
    path = _write(tmp_path, "type,scan,slice,x,y\nFM,a,3,10,10\n")
    sites = place_sites(read_labels(path, "scan"), _rows(path, "scan"), series, by_stem=by_stem).sites
    assert sites is not None
    assert sites[0].z_index == index
