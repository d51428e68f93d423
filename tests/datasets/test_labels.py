"""Label files: the published ones, and each way in which one can be wrong."""

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from medfake.datasets.sources.labels import read_labels, require_place_inside
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


def test_the_recorded_counts_are_those_of_the_reference() -> None:
    rows = COUNTS.groupby("file").rows.sum()
    assert rows.to_dict() == {"labels_exp1.csv": 133, "labels_exp2.csv": 36}
    assert COUNTS[COUNTS.type.isin(["FB", "FM"])].rows.sum() == 113


@with_published
@pytest.mark.parametrize("name", ["labels_exp1.csv", "labels_exp2.csv"])
def test_published_files_have_the_published_counts(name: str) -> None:
    rows = read_labels(PUBLISHED / name, "uuid")
    expected = COUNTS[COUNTS.file == name]
    assert Counter(row.kind for row in rows) == dict(zip(expected.type, expected.rows, strict=True))
    scans = Counter(kind for kind, _ in {(row.kind, row.scan) for row in rows})
    assert scans == dict(zip(expected.type, expected.scans, strict=True))


@with_published
def test_published_files_name_98_patients_and_two_of_them_twice() -> None:
    first, second = ({row.scan for row in read_labels(PUBLISHED / name, "uuid")} for name in sorted(set(COUNTS.file)))
    assert len(first | second) == 98
    assert first & second == {"6031", "7507"}


@with_published
def test_published_patients_in_both_experiments_are_real_first_and_tampered_then() -> None:
    for name, kind in (("labels_exp1.csv", "TM"), ("labels_exp2.csv", "FB")):
        rows = read_labels(PUBLISHED / name, "uuid")
        assert {row.kind for row in rows if row.scan in ("6031", "7507")} == {kind}


@pytest.mark.parametrize("column", ["slice", "z"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_both_column_names_both_line_ends_and_a_byte_order_mark_are_read(
    tmp_path: Path, column: str, end: str, mark: str
) -> None:
    path = _write(tmp_path, f"{mark}type,uuid,{column},x,y{end}FB,1280,100,323,381{end}")
    (row,) = read_labels(path, "uuid")
    assert row.site is not None
    assert (row.scan, row.kind, row.site.z_index, row.site.x, row.site.y) == ("1280", "FB", 100, 323, 381)


def test_a_row_of_type_tb_is_no_place(tmp_path: Path) -> None:
    (row,) = read_labels(_write(tmp_path, "type,uuid,slice,x,y\nTB,7,0,0,0\n"), "uuid")
    assert row.site is None


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = _write(tmp_path, "type,scan,x,y\nFM,a,1,2\n")
    with pytest.raises(LabelError, match="is missing") as caught:
        read_labels(path, "scan")
    assert str(path) in str(caught.value)
    assert "next:" in str(caught.value)


def test_an_unknown_type_is_named_with_its_line(tmp_path: Path) -> None:
    path = _write(tmp_path, "type,scan,slice,x,y\nFM,a,1,2,3\nXX,a,1,2,3\n")
    with pytest.raises(LabelError, match="FM, FB, TM, TB") as caught:
        read_labels(path, "scan")
    assert "line 3" in str(caught.value)
    assert "XX" in str(caught.value)


@pytest.mark.parametrize("value", ["", "many", "1.5"])
def test_a_number_that_is_none_is_named_with_line_and_column(tmp_path: Path, value: str) -> None:
    path = _write(tmp_path, f"type,scan,slice,x,y\nFM,a,1,{value},3\n")
    with pytest.raises(LabelError) as caught:
        read_labels(path, "scan")
    assert "line 2, column x" in str(caught.value)


@pytest.mark.parametrize(
    ("numbers", "inside"),
    [("0,0,0", True), ("15,63,63", True), ("16,0,0", False), ("0,64,0", False), ("0,0,64", False), ("-1,0,0", False)],
)
def test_a_place_must_be_a_voxel_of_its_scan(tmp_path: Path, numbers: str, inside: bool) -> None:
    path = _write(tmp_path, f"type,scan,slice,x,y\nFM,a,{numbers}\n")
    (row,) = read_labels(path, "scan")
    if inside:
        require_place_inside(path, row, slices=16, rows=64, cols=64)
    else:
        with pytest.raises(LabelError, match="16 slices of 64 x 64") as caught:
            require_place_inside(path, row, slices=16, rows=64, cols=64)
        assert "line 2" in str(caught.value)
