"""Folders and files that overlap: each image once, under the name by which it was reached first."""

from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.errors import ScanError
from medfake.serving.find import find_scans, given_folders

WriteScan = Callable[..., Path]


def files(*paths: Path) -> list[Path]:
    return [path for folder in given_folders(paths) for path in folder.files]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a/1", "a/2", "a/below/3", "b/4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_a_folder_within_an_earlier_one_comes_once(tree: Path) -> None:
    assert files(tree / "a", tree, tree / "a/below") == [tree / name for name in ("a/1", "a/2", "a/below/3", "b/4")]


def test_a_folder_and_a_link_to_it_come_once(tree: Path) -> None:
    (tree / "link").symlink_to(tree / "a")
    assert files(tree / "link", tree / "a") == [tree / name for name in ("link/1", "link/2", "link/below/3")]


def test_a_file_given_before_its_folder_is_one_of_the_folder(tree: Path) -> None:
    folders = list(given_folders([tree / "a/2", tree / "a"]))
    assert [folder.files for folder in folders] == [(tree / "a/1", tree / "a/2"), (tree / "a/below/3",)]


def test_files_given_one_by_one_are_one_folder_a_place(tree: Path) -> None:
    folders = list(given_folders([tree / "a/2", tree / "b/4", tree / "a/1", tree / "a/1"]))
    assert [folder.files for folder in folders] == [(tree / "a/1", tree / "a/2"), (tree / "b/4",)]


def test_a_file_given_through_a_link_elsewhere_is_not_read_again_in_its_folder(tree: Path) -> None:
    (tree / "b/link").symlink_to(tree / "a/1")
    assert files(tree / "b/link", tree / "a") == [tree / "b/link", tree / "a/2", tree / "a/below/3"]


def test_a_given_link_is_one_of_its_folder_and_not_left_out_there(tree: Path) -> None:
    (tree / "b/link").symlink_to(tree / "a/1")
    (folder,) = given_folders([tree / "b", tree / "b/link"])
    assert folder.files == (tree / "b/link", tree / "b/4")  # in the order of numbers
    assert folder.left_out == ()


def test_a_file_whose_folder_was_given_before_comes_once(tree: Path) -> None:
    (tree / "b/link").symlink_to(tree / "a/1")
    assert files(tree / "a", tree / "a/1", tree / "b/link") == [tree / name for name in ("a/1", "a/2", "a/below/3")]


def test_a_missing_path_is_told_before_any_folder_is_listed(tree: Path) -> None:
    with pytest.raises(ScanError, match="no such file or folder"):
        next(given_folders([tree, tree / "nowhere"]))


def test_a_copy_of_a_folder_changes_nothing_for_the_first(write_scan: WriteScan, tmp_path: Path) -> None:
    """Slices of a UID of their own each are one series by their steps, however often the folder was copied."""
    import shutil

    import pydicom

    folder = write_scan(tmp_path / "in/a", [-200] * 6)
    for number, path in enumerate(sorted(folder.iterdir())):
        dataset = pydicom.dcmread(path)
        dataset.SeriesInstanceUID = f"1.2.3.{number}"
        dataset.save_as(path)
    shutil.copytree(folder, tmp_path / "in/b")
    series, skipped = find_scans([tmp_path / "in"], 1)
    assert [len(one.headers) for one in series] == [6, 6]
    assert skipped == []
