"""Folders listed one at a time: their order, and what they leave out."""

import os
import subprocess
from pathlib import Path

import pytest

from medfake.dicom.folders import walk_folders


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_files_come_in_the_order_of_their_numbers_and_folders_before_what_is_below_them(tmp_path: Path) -> None:
    touch(*(tmp_path / name for name in ("b/1", "a-/1", "a/10.dcm", "a/9.dcm", "a/c/1", "top")))
    found = [path for folder in walk_folders(tmp_path) for path in folder.files]
    names = [str(path.relative_to(tmp_path)) for path in found]
    assert names == ["top", "a/9.dcm", "a/10.dcm", "a/c/1", "a-/1", "b/1"]


def test_links_are_left_out_with_the_reason_and_not_followed(tmp_path: Path) -> None:
    touch(tmp_path / "in/1", tmp_path / "out/2")
    (tmp_path / "in/circle").symlink_to(tmp_path / "in")
    (tmp_path / "in/file").symlink_to(tmp_path / "out/2")
    (folder,) = walk_folders(tmp_path / "in")
    assert [path.name for path in folder.files] == ["1"]
    assert [(one.path.name, one.reason) for one in folder.left_out] == [
        ("circle", "a symbolic link"),
        ("file", "a symbolic link"),
    ]


def test_what_is_passed_over_is_not_there(tmp_path: Path) -> None:
    touch(tmp_path / "1", tmp_path / "out.jsonl", tmp_path / "pictures/a.png", tmp_path / "below/out.jsonl")
    (tmp_path / "link").symlink_to(tmp_path)
    for root in (tmp_path, tmp_path / "link"):
        folders = walk_folders(root, {tmp_path / "out.jsonl", tmp_path / "pictures"})
        assert [path.relative_to(root) for folder in folders for path in folder.files] == [
            Path("1"),
            Path("below/out.jsonl"),
        ]


def test_a_folder_that_vanishes_before_its_turn_is_told_and_the_others_are_listed(tmp_path: Path) -> None:
    touch(tmp_path / "a/1", tmp_path / "b/1")
    walk = walk_folders(tmp_path)
    next(walk)
    (tmp_path / "a/1").unlink()
    (tmp_path / "a").rmdir()
    gone, there = walk
    assert [one.reason for one in gone.left_out] == ["the folder cannot be listed"]
    assert [path.name for path in there.files] == ["1"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list everything")
def test_a_folder_that_may_not_be_listed_is_told(tmp_path: Path) -> None:
    touch(tmp_path / "closed/1")
    (tmp_path / "closed").chmod(0)
    try:
        _, closed = walk_folders(tmp_path)
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert [one.reason for one in closed.left_out] == ["permission denied"]


def test_more_than_a_thousand_folders_inside_each_other_are_walked(tmp_path: Path) -> None:
    depth = (os.pathconf(tmp_path, "PC_PATH_MAX") - len(str(tmp_path)) - 10) // 2
    subprocess.run(["mkdir", "-p", str(tmp_path) + "/d" * depth], check=True)
    try:
        assert sum(1 for _ in walk_folders(tmp_path)) == depth + 1
    finally:
        subprocess.run(["rm", "-r", tmp_path / "d"], check=True)  # pytest's own way of removing it is recursive
    assert depth > 1000
