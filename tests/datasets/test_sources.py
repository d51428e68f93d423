"""Trees of the public sets and one's own folders: recognised by looking, every trap of the published form met."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.datasets.reading import SourceRules, read_source
from medfake.datasets.sources.ct_gan import read_ct_gan
from medfake.datasets.sources.folder import read_folder
from medfake.datasets.sources.lidc import read_lidc
from medfake.datasets.sources.registry import Reading
from medfake.datasets.survey import survey
from medfake.dicom.series import find_series
from medfake.errors import SourceError


def _uci_copy(trees: Path, folder: Path) -> Path:
    target = folder / "some" / "prefix" / "data" / "Tampered Scans"
    shutil.copytree(trees / "CT-GAN" / "CT_Scans" / "EXP1_blind", target / "Experiment 1 - Blind")
    shutil.copytree(trees / "CT-GAN" / "CT_Scans" / "EXP2_open", target / "Experiment 2 - Open")
    for labels in (trees / "CT-GAN").glob("*.csv"):
        shutil.copy(labels, target)
    return folder


def test_both_published_layouts_are_recognised_by_looking(trees: Path, tmp_path: Path) -> None:
    kaggle = read_ct_gan(trees / "CT-GAN", find_series).scans
    uci = read_ct_gan(_uci_copy(trees, tmp_path), find_series).scans
    assert len(kaggle) == 6
    told = [[(scan.experiment, scan.group, scan.manipulation, scan.sites) for scan in scans] for scans in (kaggle, uci)]
    assert told[0] == told[1]


def test_a_uuid_in_both_experiments_is_two_scans_of_one_patient(trees: Path) -> None:
    scans = read_ct_gan(trees / "CT-GAN", find_series).scans
    first, second = (scan for scan in scans if scan.series.folder.name == "1004")
    assert first.group == second.group
    assert (first.experiment, first.manipulation) == ("1", "none")
    assert (second.experiment, second.manipulation) == ("2", "removed")
    assert len({scan.group for scan in scans}) == 5


def test_equal_patient_ids_do_not_melt_ct_gan_scans_into_one_patient(trees: Path) -> None:
    scans = read_ct_gan(trees / "CT-GAN", find_series).scans
    assert {scan.series.headers[0].patient_id for scan in scans} == {"CT-GAN"}
    assert len({scan.group for scan in scans}) == 5


def test_slices_follow_z_and_not_the_file_names_in_lexical_order(trees: Path) -> None:
    scans = read_ct_gan(trees / "CT-GAN", find_series).scans
    assert [header.path.stem for header in scans[0].series.headers] == [str(index) for index in range(16)]


def test_types_become_manipulations_and_only_fakes_have_a_generator(trees: Path) -> None:
    scans = read_ct_gan(trees / "CT-GAN", find_series).scans
    told = {(scan.experiment, scan.series.folder.name): (scan.manipulation, bool(scan.generator)) for scan in scans}
    assert told["1", "1000"] == ("removed", True)
    assert told["1", "1001"] == ("injected", True)
    assert told["1", "1003"] == ("none", False)


def test_a_scan_of_type_tb_has_no_site(trees: Path) -> None:
    scans = read_ct_gan(trees / "CT-GAN", find_series).scans
    assert next(scan for scan in scans if scan.series.folder.name == "1003").sites == ()


def test_a_repeated_label_row_is_one_site(trees: Path, tmp_path: Path) -> None:
    root = shutil.copytree(trees / "CT-GAN", tmp_path / "copy")
    labels = root / "labels_exp1.csv"
    labels.write_bytes(labels.read_bytes() + b"FB,1000,5,20,30\r\n")
    scans = read_ct_gan(root, find_series).scans
    assert len(next(scan for scan in scans if scan.series.folder.name == "1000").sites) == 1


def _change(root: Path, name: str, text: str) -> Reading:
    (root / name).write_text(f"type,uuid,slice,x,y\n{text}")
    return read_ct_gan(root, find_series)


@pytest.fixture
def copy(trees: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trees / "CT-GAN", tmp_path / "copy")


def _keys(reading: Reading) -> set[str]:
    return {scan.key for scan in reading.scans}


def test_a_tampered_place_outside_its_scan_leaves_the_scan_out_and_is_told_with_its_line(copy: Path) -> None:
    reading = _change(copy, "labels_exp2.csv", "FB,1004,16,22,32\n")
    (problem,) = reading.problems
    assert str(problem) == (
        "labels_exp2.csv, line 2: slice 16, y 32, x 22 is no voxel of its 16 slices of 64 x 64; the scan is left out"
    )
    assert "2/1004" not in _keys(reading)


def test_a_real_nodule_outside_its_scan_leaves_only_its_row_out(copy: Path) -> None:
    reading = _change(copy, "labels_exp2.csv", "TM,1004,5,64,32\nTM,1004,5,22,32\n")
    (problem,) = reading.problems
    assert problem.done == "the row is left out"
    assert [len(scan.sites) for scan in reading.scans if scan.key == "2/1004"] == [1]


@pytest.mark.parametrize("row", ["XX,1004,5,22,32", "FB,1004,five,22,32", "FB,1004,5,,32"])
def test_a_row_that_cannot_be_read_leaves_its_scan_out(copy: Path, row: str) -> None:
    reading = _change(copy, "labels_exp2.csv", f"FB,1004,5,22,32\n{row}\n")
    (problem,) = reading.problems
    assert problem.where == "labels_exp2.csv, line 3"
    assert problem.done == "its scan is left out"
    assert "2/1004" not in _keys(reading)


def test_rows_of_both_polarities_leave_their_scan_out(copy: Path) -> None:
    reading = _change(copy, "labels_exp2.csv", "FB,1004,5,22,32\nTM,1004,9,22,32\n")
    assert [problem.what for problem in reading.problems] == ["rows of types FB, TM"]
    assert "2/1004" not in _keys(reading)


def test_a_repeated_row_is_told_and_counts_once(copy: Path) -> None:
    reading = _change(copy, "labels_exp2.csv", "FB,1004,5,22,32\nFB,1004,5,22,32\n")
    assert [str(problem) for problem in reading.problems] == [
        "labels_exp2.csv, line 3: the row repeats another; it counts once"
    ]


def test_repeated_placeholders_of_type_tb_are_no_fault(copy: Path) -> None:
    assert _change(copy, "labels_exp2.csv", "TB,1004,0,0,0\nTB,1004,0,0,0\n").problems == []


def test_a_uuid_without_a_folder_is_told_and_the_rest_is_read(copy: Path) -> None:
    shutil.rmtree(copy / "CT_Scans" / "EXP1_blind" / "1001")
    reading = read_ct_gan(copy, find_series)
    assert [problem.where for problem in reading.problems] == ["EXP1_blind/1001"]
    assert len(reading.scans) == 5


def test_an_experiment_without_its_scans_leaves_the_other_to_be_read(copy: Path) -> None:
    shutil.rmtree(copy / "CT_Scans" / "EXP2_open")
    assert {scan.experiment for scan in read_ct_gan(copy, find_series).scans} == {"1"}


def test_no_labelled_scan_at_all_is_refused(copy: Path) -> None:
    shutil.rmtree(copy / "CT_Scans")
    with pytest.raises(SourceError, match="none of the labelled scans is here"):
        read_ct_gan(copy, find_series)


def test_a_folder_without_rows_is_told(copy: Path, write_scan: Callable[..., None]) -> None:
    write_scan(copy / "CT_Scans" / "EXP1_blind" / "1999", "CT-GAN", 1999)
    (problem,) = read_ct_gan(copy, find_series).problems
    assert (problem.where, problem.done) == ("EXP1_blind/1999", "it is left out")


def test_a_second_series_in_a_labelled_folder_is_told_and_left_out(
    copy: Path, tmp_path: Path, write_scan: Callable[..., None]
) -> None:
    write_scan(tmp_path / "other", "CT-GAN", 5, slices=3)
    for path in (tmp_path / "other").iterdir():
        shutil.copy(path, copy / "CT_Scans" / "EXP1_blind" / "1000" / f"other-{path.name}")
    reading = read_ct_gan(copy, find_series)
    (problem,) = reading.problems
    assert (problem.what, problem.done) == ("2 series in one folder", "3 slices are left out")
    assert len(next(scan for scan in reading.scans if scan.key == "1/1000").series.headers) == 16


def test_a_missing_slice_shifts_no_label(copy: Path) -> None:
    (copy / "CT_Scans" / "EXP1_blind" / "1000" / "2.dcm").unlink()
    scan = next(scan for scan in read_ct_gan(copy, find_series).scans if scan.key == "1/1000")
    assert scan.series.headers[scan.sites[0].z_index].path.stem == "5"


def test_a_missing_first_slice_shifts_no_label_either(copy: Path) -> None:
    (copy / "CT_Scans" / "EXP1_blind" / "1000" / "0.dcm").unlink()
    scan = next(scan for scan in read_ct_gan(copy, find_series).scans if scan.key == "1/1000")
    assert scan.series.headers[scan.sites[0].z_index].path.stem == "5"


def test_keys_are_the_same_in_both_layouts(trees: Path, tmp_path: Path) -> None:
    assert _keys(read_ct_gan(trees / "CT-GAN", find_series)) == _keys(
        read_ct_gan(_uci_copy(trees, tmp_path), find_series)
    )


def test_lidc_scans_come_in_the_same_order_and_by_the_same_names_from_any_layout(trees: Path, tmp_path: Path) -> None:
    for number, name in enumerate(("z", "y", "x", "w")):
        shutil.copytree(trees / "LIDC-IDRI" / f"LIDC-{number}" / "study" / "series", tmp_path / name)
    told = [[scan.key for scan in read_lidc(root, find_series).scans] for root in (trees / "LIDC-IDRI", tmp_path)]
    assert told[0] == told[1]


def test_a_folder_without_label_files_is_no_ct_gan_tree(trees: Path) -> None:
    with pytest.raises(SourceError, match=r"labels_exp1\.csv"):
        read_ct_gan(trees / "LIDC-IDRI", find_series)


def test_lidc_is_read_at_any_depth_with_the_patient_from_the_header(trees: Path, tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b" / "c"
    shutil.copytree(trees / "LIDC-IDRI" / "LIDC-2", deep / "renamed")
    scans = read_lidc(tmp_path, find_series).scans
    assert [scan.group for scan in scans] == ["LIDC-2"]


def test_two_series_of_a_patient_are_two_scans(trees: Path, tmp_path: Path, write_scan: Callable[..., None]) -> None:
    for name in ("first", "second"):
        write_scan(tmp_path / "patient" / name, "LIDC-9", 9, slices=4)
    scans = read_lidc(tmp_path, find_series).scans
    assert [scan.group for scan in scans] == ["LIDC-9", "LIDC-9"]


@pytest.mark.parametrize(("slices", "kept"), [(2, 0), (3, 1)])
def test_a_series_of_fewer_than_three_slices_is_skipped_and_listed(
    trees: Path, tmp_path: Path, write_scan: Callable[..., None], slices: int, kept: int
) -> None:
    write_scan(tmp_path / "whole", "LIDC-8", 8, slices=4)
    write_scan(tmp_path / "stray", "LIDC-9", 9, slices=slices)
    reading = read_source("lidc", tmp_path, 1)
    assert len(reading.scans) == 1 + kept
    assert len(reading.skipped) == (0 if kept else slices)
    said = ["1 series of fewer than 3 slices are left out (1 of 2 slices); min_slices sets this"]
    assert reading.notes == ([] if kept else said)


@pytest.mark.parametrize(("kind", "min_slices", "kept"), [("lidc", 1, 3), ("folder", None, 3), ("folder", 2, 2)])
def test_how_short_a_series_may_be_is_the_sources_to_say_or_the_users(
    tmp_path: Path, write_scan: Callable[..., None], kind: str, min_slices: int | None, kept: int
) -> None:
    for slices in (1, 2, 4):
        write_scan(tmp_path / f"of-{slices}", f"P{slices}", slices, slices=slices)
    reading = read_source(kind, tmp_path, 1, rules=SourceRules(min_slices))
    assert len(reading.scans) == kept


def test_where_every_series_is_too_short_the_error_says_what_to_set(
    tmp_path: Path, write_scan: Callable[..., None]
) -> None:
    for number in range(3):
        write_scan(tmp_path / str(number), f"P{number}", number, slices=1 + number % 2)
    with pytest.raises(SourceError, match="no series has 3 slices or more") as caught:
        read_source("lidc", tmp_path, 1)
    assert "3 series of fewer than 3 slices are left out (2 of 1, 1 of 2 slices)" in str(caught.value.received)
    assert str(caught.value.remedy).startswith("set min_slices: 2 beside the path in params.yaml")


def test_a_stray_file_is_listed_with_its_reason(trees: Path, tmp_path: Path) -> None:
    root = shutil.copytree(trees / "LIDC-IDRI", tmp_path / "copy")
    (root / "notes.txt").write_text("not an image")
    reading = read_lidc(root, find_series)
    assert len(reading.scans) == 4
    assert [one.path.name for one in reading.skipped] == ["notes.txt"]
    assert reading.skipped[0].reason
    assert reading.problems == []


@pytest.mark.parametrize("read", [read_lidc, read_folder])
def test_an_empty_folder_is_refused_with_the_next_thing_to_do(tmp_path: Path, read: object) -> None:
    with pytest.raises(SourceError, match="no CT series") as caught:
        read(tmp_path, find_series)  # type: ignore[operator]  # both readers take a root and a finder
    assert "next:" in str(caught.value)


def test_ones_own_scans_without_labels_are_real(trees: Path) -> None:
    scans = read_folder(trees / "LIDC-IDRI", find_series).scans
    assert [scan.manipulation for scan in scans] == ["none"] * 4


def test_labels_name_ones_own_scans_by_their_folder(tmp_path: Path, write_scan: Callable[..., None]) -> None:
    for name in ("a/ct", "b"):
        write_scan(tmp_path / name, f"patient of {name}", len(name), slices=4)
    (tmp_path / "labels.csv").write_text("scan,type,slice,x,y\na/ct,FM,2,10,11\n")
    reading = read_folder(tmp_path, find_series)
    assert [(scan.manipulation, len(scan.sites)) for scan in reading.scans] == [("injected", 1), ("none", 0)]
    assert reading.skipped == []


def test_labels_may_name_what_made_a_tampered_place(tmp_path: Path, write_scan: Callable[..., None]) -> None:
    for name in ("a", "b", "c"):
        write_scan(tmp_path / name, f"patient of {name}", ord(name), slices=4)
    rows = ["a,FM,1,10,11,poisson", "a,FM,2,10,11,", "a,TM,3,5,5,poisson", "b,FB,2,10,11,removal", "c,TM,1,5,5,x"]
    (tmp_path / "labels.csv").write_text("scan,type,slice,x,y,manipulation\n" + "\n".join(rows))
    scans = read_folder(tmp_path, find_series).scans
    assert [scan.generator for scan in scans] == ["poisson + unknown", "removal", ""]
    assert [site.generator for site in scans[0].sites] == ["poisson", "unknown", ""]


def test_a_row_that_names_no_folder_is_told_with_its_line_and_a_near_match(
    tmp_path: Path, write_scan: Callable[..., None]
) -> None:
    write_scan(tmp_path / "scan-a", "someone", 1, slices=4)
    (tmp_path / "labels.csv").write_text("scan,type,slice,x,y\nscan_a,FM,2,10,11\n")
    (problem,) = read_folder(tmp_path, find_series).problems
    assert problem.where == "labels.csv, line 2"
    assert "did you mean 'scan-a'?" in problem.what


def test_two_series_in_a_labelled_folder_are_told_and_the_rows_count_for_the_larger(
    tmp_path: Path, write_scan: Callable[..., None]
) -> None:
    write_scan(tmp_path / "a", "someone", 1, slices=6)
    write_scan(tmp_path / "b", "someone", 2, slices=4)
    for path in (tmp_path / "b").iterdir():
        path.rename(tmp_path / "a" / f"b{path.name}")
    (tmp_path / "labels.csv").write_text("scan,type,slice,x,y\na,FM,2,10,11\n")
    reading = read_folder(tmp_path, find_series)
    assert [len(scan.series.headers) for scan in reading.scans] == [6]
    assert [problem.where for problem in reading.problems] == ["a"]


@pytest.mark.parametrize(("patient_id", "group"), [("someone", "someone"), ("", "a")])
def test_a_patient_is_the_headers_or_else_the_folders(
    tmp_path: Path, write_scan: Callable[..., None], patient_id: str, group: str
) -> None:
    write_scan(tmp_path / "a", patient_id, 1, slices=4)
    (scan,) = read_folder(tmp_path, find_series).scans
    assert scan.group == group


@pytest.mark.parametrize("kind", ["folder", "lidc"])
def test_headers_that_say_anonymous_are_told_apart_from_one_patient(
    tmp_path: Path, write_scan: Callable[..., None], kind: str
) -> None:
    for name, patient in (("anonymous", "ANONYMOUS"), ("one", "DOE")):
        for number in range(3):
            write_scan(tmp_path / name / str(number), patient, number, slices=4)
    anonymous, one = (read_source(kind, tmp_path / name, 1) for name in ("anonymous", "one"))
    assert [len({scan.group for scan in reading.scans}) for reading in (anonymous, one)] == [3, 1]
    (problem,) = anonymous.problems
    assert problem.what == "3 scans have a Patient ID that an anonymiser gives to everybody"
    assert problem.done.startswith("each of their folders counts as a patient of its own")
    assert (one.problems, anonymous.notes) == ([], [])
    assert one.notes == ["all 3 scans have the same Patient ID: they count as one patient"]


@pytest.mark.parametrize(
    ("kind", "name"), [("lidc", "LIDC-IDRI"), ("ct_gan", "UCI Machine Learning Repository (no. 520)")]
)
def test_a_public_set_that_is_not_there_is_told_with_where_to_get_and_to_put_it(
    tmp_path: Path, kind: str, name: str
) -> None:
    for look in (lambda: read_source(kind, tmp_path / "raw", 1), lambda: survey(tmp_path / "raw", kind)):
        with pytest.raises(SourceError, match="the source folder is missing") as caught:
            look()
        assert name in str(caught.value.remedy)
        assert f"unpack it into {tmp_path / 'raw'}" in str(caught.value.remedy)


def test_of_an_unknown_folder_that_is_not_there_both_public_sets_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="the source folder is missing") as caught:
        survey(tmp_path / "raw")
    remedy = str(caught.value.remedy)
    assert remedy.startswith("for ct_gan get ")
    assert "for lidc get " in remedy


def test_a_folder_of_ones_own_that_is_not_there_sends_nobody_to_an_archive(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        read_source("folder", tmp_path / "raw", 1)
    assert str(caught.value.remedy).startswith("mend the path")
