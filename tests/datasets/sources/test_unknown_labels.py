"""Label rows that find no scan: it would count as real, so the build stops, or leaves out what they may mean."""

import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from medfake.config import DatasetParams
from medfake.datasets.reading import SourceRules, read_source
from medfake.datasets.scans import SCANS_FILE, collect_scans
from medfake.datasets.survey import survey
from medfake.errors import LabelError

LEAVE_OUT = SourceRules(unknown_labels="leave_out")
WriteScan = Callable[..., None]


@pytest.fixture
def own(tmp_path: Path, write_scan: WriteScan) -> Path:
    """Four scans of one's own."""
    for seed, name in enumerate(("007", "101", "102", "203")):
        write_scan(tmp_path / "own" / name, f"P{seed}", seed + 70, slices=6)
    return tmp_path / "own"


def _label(root: Path, *rows: str) -> None:
    (root / "labels.csv").write_text("scan,type,slice,x,y\n" + "".join(f"{row}\n" for row in rows), encoding="utf-8")


def _manipulations(root: Path, rules: SourceRules | None = None) -> dict[str, str]:
    scans = read_source("folder", root, 1, rules=rules).scans
    return {scan.series.folder.name: scan.manipulation for scan in scans}


def test_a_lost_zero_stops_the_build_with_line_near_match_and_remedy(own: Path) -> None:
    _label(own, "7,FM,2,20,30", "101,FM,2,20,30")
    with pytest.raises(LabelError, match="names in label files that no scan has: 1") as caught:
        read_source("folder", own, 1)
    assert caught.value.exit_code == 5
    assert caught.value.where == str(own)
    assert caught.value.received == "labels.csv, line 2: no scan lies in a folder '7', did you mean '007'?"
    assert "unknown_labels: leave_out" in str(caught.value.remedy)


def test_left_out_with_its_row_is_every_scan_that_it_may_mean(own: Path) -> None:
    _label(own, "7,FM,2,20,30", "101,FM,2,20,30")
    assert _manipulations(own, LEAVE_OUT) == {"101": "injected", "102": "none", "203": "none"}


def test_of_similar_names_those_with_rows_of_their_own_stay(own: Path) -> None:
    _label(own, "103,FM,2,20,30", "101,FM,2,20,30", "203,TB,0,0,0")
    assert _manipulations(own, LEAVE_OUT) == {"007": "none", "101": "injected", "203": "none"}


def test_a_near_scan_is_doubtful_even_with_rows_of_its_own(own: Path) -> None:
    _label(own, "0101,FM,2,20,30", "101,TB,0,0,0")
    assert _manipulations(own, LEAVE_OUT) == {"007": "none", "102": "none", "203": "none"}


def test_a_row_without_a_name_may_mean_any_scan_that_has_no_rows(own: Path) -> None:
    _label(own, ",FM,2,20,30", "101,FM,2,20,30")
    assert _manipulations(own, LEAVE_OUT) == {"101": "injected"}


def test_a_row_that_cannot_be_read_stops_the_build_too_where_its_name_is_nobodys(own: Path) -> None:
    _label(own, "7,XX,2,20,30")
    with pytest.raises(LabelError, match="that no scan has"):
        read_source("folder", own, 1)


def test_all_names_are_told_up_to_a_bound(own: Path) -> None:
    _label(own, *(f"absent-{number},FM,2,20,30" for number in range(12)))
    with pytest.raises(LabelError, match="no scan has: 12") as caught:
        read_source("folder", own, 1)
    assert "line 11: " in str(caught.value.received)
    assert str(caught.value.received).endswith("; and 2 more")


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        (unicodedata.normalize("NFD", "Müller"), unicodedata.normalize("NFC", "Müller")),
        ("hospital/s1", "hospital\\s1"),
        ("s1", "./s1/"),
        ("s1", " s1 "),
    ],
)
def test_spellings_that_say_nothing_find_their_scan(
    tmp_path: Path, write_scan: WriteScan, folder: str, name: str
) -> None:
    write_scan(tmp_path / folder, "someone", 1, slices=6)
    _label(tmp_path, f"{name},FM,2,20,30")
    (scan,) = read_source("folder", tmp_path, 1).scans
    assert (scan.manipulation, len(scan.sites)) == ("injected", 1)


def test_two_spellings_of_one_scan_come_together(own: Path) -> None:
    _label(own, "101,FM,2,20,30", "./101/,FM,4,20,30")
    scan = next(one for one in read_source("folder", own, 1).scans if one.series.folder.name == "101")
    assert [site.z_index for site in scan.sites] == [2, 4]
    assert scan.label_rows == 2


def test_a_label_file_of_another_case_is_read(own: Path) -> None:
    _label(own, "101,FM,2,20,30")
    (own / "labels.csv").rename(own / "Labels.CSV")
    assert _manipulations(own)["101"] == "injected"


def test_inspect_goes_on_and_says_that_the_build_would_stop(own: Path) -> None:
    _label(own, "7,FM,2,20,30")
    found = survey(own)
    told = [str(one) for one in found.problems]
    assert (
        told[0] == "label files: names in them that no scan has: 1; dvc repro stops, unless unknown_labels is leave_out"
    )
    assert "labels.csv, line 2: 1 scans may be meant by it; they are left out" in told
    assert found.scans == 3


def test_a_ct_gan_scan_that_is_not_there_stops_the_build_unless_told_otherwise(trees: Path, tmp_path: Path) -> None:
    root = shutil.copytree(trees / "CT-GAN", tmp_path / "copy")
    (root / "CT_Scans" / "EXP1_blind" / "1001").rename(root / "CT_Scans" / "EXP1_blind" / "01001")
    with pytest.raises(LabelError) as caught:
        read_source("ct_gan", root, 1)
    assert caught.value.received == (
        "EXP1_blind/1001: the folder is missing, did you mean '01001'?, but labels_exp1.csv names it"
    )
    reading = read_source("ct_gan", root, 1, rules=LEAVE_OUT)
    assert {scan.key for scan in reading.scans} == {"1/1000", "1/1002", "1/1003", "1/1004", "2/1004"}
    assert (reading.label_rows.read, reading.label_rows.left_out) == (6, 1)


def test_ct_gan_label_files_of_another_case_are_read_and_an_experiment_without_one_is_told(
    trees: Path, tmp_path: Path
) -> None:
    root = shutil.copytree(trees / "CT-GAN", tmp_path / "copy")
    (root / "labels_exp1.csv").rename(root / "Labels_EXP1.CSV")
    (root / "labels_exp2.csv").unlink()
    reading = read_source("ct_gan", root, 1)
    assert len(reading.scans) == 5
    assert [str(one) for one in reading.problems] == ["EXP2_open: there is no labels_exp2.csv; its scans are left out"]


def test_two_ct_gan_label_files_that_differ_are_refused(trees: Path, tmp_path: Path) -> None:
    root = shutil.copytree(trees / "CT-GAN", tmp_path / "copy")
    (root / "old").mkdir()
    shutil.copy(root / "labels_exp1.csv", root / "old")
    assert len(read_source("ct_gan", root, 1).scans) == 6
    with (root / "old" / "labels_exp1.csv").open("a") as file:
        file.write("TB,1003,0,0,0\n")
    with pytest.raises(LabelError, match="differ"):
        read_source("ct_gan", root, 1)


@pytest.mark.parametrize(
    ("rows", "counts"),
    [
        (("101,FM,2,20,30", "101,FM,2,20,30", "102,TB,0,0,0"), (3, 3, 0)),
        (("101,FM,2,20,30", "", ",,,,", "102,TM,99,20,30"), (2, 1, 1)),
        (("101,FM,99,20,30", "101,FM,2,20,30"), (2, 0, 2)),
        (("101,XX,2,20,30", "101,FM,2,20,30"), (2, 0, 2)),
        (("7,FM,2,20,30", "007,TB,0,0,0", "101,TB,0,0,0"), (3, 1, 2)),
    ],
)
def test_every_row_is_counted_as_used_or_as_left_out(own: Path, rows: tuple[str, ...], counts: tuple[int, ...]) -> None:
    _label(own, *rows)
    reading = read_source("folder", own, 1, rules=LEAVE_OUT)
    used = sum(scan.label_rows for scan in reading.scans)
    assert (reading.label_rows.read, used, reading.label_rows.left_out) == counts


def test_params_say_what_unknown_labels_do(own: Path, trees: Path, make_params: Callable[..., DatasetParams]) -> None:
    _label(own, "7,FM,2,20,30", "101,FM,2,20,30")
    fakes = {"kind": "folder", "path": str(own)}
    with pytest.raises(LabelError):
        collect_scans(make_params(trees, fakes=fakes), own / "out")
    collect_scans(make_params(trees, fakes={**fakes, "unknown_labels": "leave_out"}), own / "out")
    slices = pd.read_parquet(own / "out" / SCANS_FILE)
    assert slices[slices.source == "folder"].scan_id.nunique() == 3


@pytest.mark.parametrize("name", ["labels.csv", "Labels.csv", "ward/labels.csv", "labels_exp1.csv"])
def test_labels_in_a_tree_whose_kind_reads_none_are_refused(tmp_path: Path, write_scan: WriteScan, name: str) -> None:
    write_scan(tmp_path / "LIDC-IDRI-1", "LIDC-IDRI-1", 1, slices=4)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("scan,type,slice,x,y\n")
    with pytest.raises(LabelError, match="kind lidc reads no label file") as caught:
        read_source("lidc", tmp_path, 1)
    assert "kind: folder" in str(caught.value.remedy)
