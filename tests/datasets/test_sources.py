"""Trees of the public sets and one's own folders: recognised by looking, every trap of the published form met."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.datasets.sources.ct_gan import read_ct_gan
from medfake.datasets.sources.folder import read_folder
from medfake.datasets.sources.lidc import read_lidc
from medfake.errors import LabelError, SourceError


def _uci_copy(trees: Path, folder: Path) -> Path:
    target = folder / "some" / "prefix" / "data" / "Tampered Scans"
    shutil.copytree(trees / "CT-GAN" / "CT_Scans" / "EXP1_blind", target / "Experiment 1 - Blind")
    shutil.copytree(trees / "CT-GAN" / "CT_Scans" / "EXP2_open", target / "Experiment 2 - Open")
    for labels in (trees / "CT-GAN").glob("*.csv"):
        shutil.copy(labels, target)
    return folder


def test_both_published_layouts_are_recognised_by_looking(trees: Path, tmp_path: Path) -> None:
    kaggle, _ = read_ct_gan(trees / "CT-GAN", 1)
    uci, _ = read_ct_gan(_uci_copy(trees, tmp_path), 1)
    assert len(kaggle) == 6
    told = [[(scan.experiment, scan.group, scan.manipulation, scan.sites) for scan in scans] for scans in (kaggle, uci)]
    assert told[0] == told[1]


def test_a_uuid_in_both_experiments_is_two_scans_of_one_patient(trees: Path) -> None:
    scans, _ = read_ct_gan(trees / "CT-GAN", 1)
    first, second = (scan for scan in scans if scan.series.folder.name == "1004")
    assert first.group == second.group
    assert (first.experiment, first.manipulation) == ("1", "none")
    assert (second.experiment, second.manipulation) == ("2", "removed")
    assert len({scan.group for scan in scans}) == 5


def test_equal_patient_ids_do_not_melt_ct_gan_scans_into_one_patient(trees: Path) -> None:
    scans, _ = read_ct_gan(trees / "CT-GAN", 1)
    assert {scan.series.headers[0].patient_id for scan in scans} == {"CT-GAN"}
    assert len({scan.group for scan in scans}) == 5


def test_slices_follow_z_and_not_the_file_names_in_lexical_order(trees: Path) -> None:
    scans, _ = read_ct_gan(trees / "CT-GAN", 1)
    assert [header.path.stem for header in scans[0].series.headers] == [str(index) for index in range(16)]


def test_types_become_manipulations_and_only_fakes_have_a_generator(trees: Path) -> None:
    scans, _ = read_ct_gan(trees / "CT-GAN", 1)
    told = {(scan.experiment, scan.series.folder.name): (scan.manipulation, bool(scan.generator)) for scan in scans}
    assert told["1", "1000"] == ("removed", True)
    assert told["1", "1001"] == ("injected", True)
    assert told["1", "1003"] == ("none", False)


def test_a_scan_of_type_tb_has_no_site(trees: Path) -> None:
    scans, _ = read_ct_gan(trees / "CT-GAN", 1)
    assert next(scan for scan in scans if scan.series.folder.name == "1003").sites == ()


def test_a_repeated_label_row_is_one_site(trees: Path, tmp_path: Path) -> None:
    root = shutil.copytree(trees / "CT-GAN", tmp_path / "copy")
    labels = root / "labels_exp1.csv"
    labels.write_bytes(labels.read_bytes() + b"FB,1000,5,20,30\r\n")
    scans, _ = read_ct_gan(root, 1)
    assert len(next(scan for scan in scans if scan.series.folder.name == "1000").sites) == 1


def test_a_place_outside_its_scan_names_file_and_line(trees: Path, tmp_path: Path) -> None:
    root = shutil.copytree(trees / "CT-GAN", tmp_path / "copy")
    (root / "labels_exp2.csv").write_text("type,uuid,slice,x,y\nFB,1004,16,22,32\n")
    with pytest.raises(LabelError) as caught:
        read_ct_gan(root, 1)
    assert "labels_exp2.csv, line 2" in str(caught.value)


def test_a_folder_without_label_files_is_no_ct_gan_tree(trees: Path) -> None:
    with pytest.raises(SourceError, match=r"labels_exp1\.csv"):
        read_ct_gan(trees / "LIDC-IDRI", 1)


def test_lidc_is_read_at_any_depth_with_the_patient_from_the_header(trees: Path, tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b" / "c"
    shutil.copytree(trees / "LIDC-IDRI" / "LIDC-2", deep / "renamed")
    scans, _ = read_lidc(tmp_path, 1)
    assert [scan.group for scan in scans] == ["LIDC-2"]


def test_two_series_of_a_patient_are_two_scans(trees: Path, tmp_path: Path, write_scan: Callable[..., None]) -> None:
    for name in ("first", "second"):
        write_scan(tmp_path / "patient" / name, "LIDC-9", 9, slices=4)
    scans, _ = read_lidc(tmp_path, 1)
    assert [scan.group for scan in scans] == ["LIDC-9", "LIDC-9"]


@pytest.mark.parametrize(("slices", "kept"), [(2, 0), (3, 1)])
def test_a_series_of_fewer_than_three_slices_is_skipped_and_listed(
    trees: Path, tmp_path: Path, write_scan: Callable[..., None], slices: int, kept: int
) -> None:
    write_scan(tmp_path / "whole", "LIDC-8", 8, slices=4)
    write_scan(tmp_path / "stray", "LIDC-9", 9, slices=slices)
    scans, skipped = read_lidc(tmp_path, 1)
    assert len(scans) == 1 + kept
    assert len(skipped) == (0 if kept else slices)


def test_a_stray_file_is_listed_with_its_reason(trees: Path, tmp_path: Path) -> None:
    root = shutil.copytree(trees / "LIDC-IDRI", tmp_path / "copy")
    (root / "notes.txt").write_text("not an image")
    scans, skipped = read_lidc(root, 1)
    assert len(scans) == 4
    assert [one.path.name for one in skipped] == ["notes.txt"]
    assert skipped[0].reason


@pytest.mark.parametrize("read", [read_lidc, read_folder])
def test_an_empty_folder_is_refused_with_the_next_thing_to_do(tmp_path: Path, read: object) -> None:
    with pytest.raises(SourceError, match="no CT series") as caught:
        read(tmp_path, 1)  # type: ignore[operator]  # both readers take a root and a number of jobs
    assert "next:" in str(caught.value)


def test_ones_own_scans_without_labels_are_real(trees: Path) -> None:
    scans, _ = read_folder(trees / "LIDC-IDRI", 1)
    assert [scan.manipulation for scan in scans] == ["none"] * 4


def test_labels_name_ones_own_scans_by_their_folder(tmp_path: Path, write_scan: Callable[..., None]) -> None:
    for name in ("a/ct", "b"):
        write_scan(tmp_path / name, f"patient of {name}", len(name), slices=4)
    (tmp_path / "labels.csv").write_text("scan,type,slice,x,y\na/ct,FM,2,10,11\n")
    scans, skipped = read_folder(tmp_path, 1)
    assert [(scan.manipulation, len(scan.sites)) for scan in scans] == [("injected", 1), ("none", 0)]
    assert skipped == []


def test_a_row_that_names_no_folder_is_refused_with_its_line(tmp_path: Path, write_scan: Callable[..., None]) -> None:
    write_scan(tmp_path / "a", "someone", 1, slices=4)
    (tmp_path / "labels.csv").write_text("scan,type,slice,x,y\nz,FM,2,10,11\n")
    with pytest.raises(LabelError) as caught:
        read_folder(tmp_path, 1)
    assert "line 2" in str(caught.value)


@pytest.mark.parametrize(("patient_id", "group"), [("someone", "someone"), ("", "a")])
def test_a_patient_is_the_headers_or_else_the_folders(
    tmp_path: Path, write_scan: Callable[..., None], patient_id: str, group: str
) -> None:
    write_scan(tmp_path / "a", patient_id, 1, slices=4)
    (scan,), _ = read_folder(tmp_path, 1)
    assert scan.group == group
