"""Pseudonyms that nobody without the key can guess back."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from medfake.datasets.pseudonyms import KEY_FILE, KEY_VARIABLE, PUBLIC_KEY, pseudonym, pseudonym_key
from medfake.errors import StorageError
from medfake.private_folders import PRIVATE


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder of a user who has no key yet."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    return tmp_path / "work"


def of_user(tmp_path: Path) -> Path:
    return tmp_path / "data" / "medfake" / KEY_FILE


def test_a_public_pseudonym_is_the_same_on_every_machine() -> None:
    assert pseudonym("LIDC-IDRI-0001", PUBLIC_KEY, "patient") == "patient-f8aadeec277f"


def test_a_pseudonym_changes_with_value_and_key_and_shows_neither() -> None:
    names = {pseudonym(value, key, "p") for value in ("Jane Doe", "John Doe") for key in (b"a" * 32, b"b" * 32)}
    assert len(names) == 4
    assert not any("Doe" in name for name in names)


def test_a_value_that_is_no_utf8_has_a_name_of_its_own() -> None:
    values = (b"M\xfcller", b"M\xfbller", "Müller".encode())
    assert len({pseudonym(os.fsdecode(value), PUBLIC_KEY, "p") for value in values}) == len(values)


def test_a_private_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    key = pseudonym_key("private")
    path = of_user(tmp_path)
    assert pseudonym_key("private") == key == path.read_bytes()
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == [KEY_FILE]


def test_a_patient_has_one_name_from_every_folder_and_none_is_written_to(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = pseudonym_key("private")
    (folder / "other").mkdir()
    monkeypatch.chdir(folder / "other")
    assert pseudonym_key("private") == first
    assert [path.name for path in folder.rglob("*")] == ["other"]


def test_a_project_that_has_a_key_keeps_it_in_its_subfolders_too(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / PRIVATE).mkdir()
    (folder / PRIVATE / KEY_FILE).write_bytes(b"p" * 32)
    assert pseudonym_key("private") == b"p" * 32
    (folder / "studies").mkdir()
    monkeypatch.chdir(folder / "studies")
    assert pseudonym_key("private") == b"p" * 32
    assert not of_user(tmp_path).exists()


def test_the_environment_names_another_key_file(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / PRIVATE).mkdir()
    (folder / PRIVATE / KEY_FILE).write_bytes(b"p" * 32)
    (tmp_path / "mine.key").write_bytes(b"k" * 32)
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "mine.key"))
    assert pseudonym_key("private") == b"k" * 32


def test_without_a_word_on_where_data_go_the_key_lies_below_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "relative")  # which the specification says to ignore
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    key = pseudonym_key("private")
    assert (tmp_path / "home" / ".local" / "share" / "medfake" / KEY_FILE).read_bytes() == key


def test_a_public_set_makes_no_key_file(folder: Path, tmp_path: Path) -> None:
    assert pseudonym_key("public") == PUBLIC_KEY
    assert list(folder.iterdir()) == []
    assert not of_user(tmp_path).exists()


@pytest.mark.parametrize(("length", "taken"), [(31, False), (32, True), (33, True)])
def test_a_key_that_is_too_short_is_refused(tmp_path: Path, length: int, taken: bool) -> None:
    path = of_user(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"k" * length)
    if taken:
        assert pseudonym_key("private") == b"k" * length
    else:
        with pytest.raises(StorageError, match="32 bytes"):
            pseudonym_key("private")


def test_where_no_key_can_be_kept_one_error_says_what_to_type(tmp_path: Path) -> None:
    (tmp_path / "data").touch()  # a file where the folder should be, which stops the administrator, too
    with pytest.raises(StorageError, match="neither read nor made") as caught:
        pseudonym_key("private")
    assert caught.value.remedy is not None
    assert f"export {KEY_VARIABLE}=" in caught.value.remedy


def test_without_a_home_one_error_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(Path, "home", classmethod(_no_home))  # the user database knows whoever runs the tests
    with pytest.raises(StorageError, match="no home folder") as caught:
        pseudonym_key("private")
    assert caught.value.remedy is not None
    assert f"export {KEY_VARIABLE}=" in caught.value.remedy


def _no_home(_: type[Path]) -> Path:
    raise RuntimeError


def test_processes_that_make_the_key_at_once_agree(tmp_path: Path) -> None:
    code = "import sys; from medfake.datasets.pseudonyms import pseudonym_key; sys.stdin.readline(); "
    code += "print(pseudonym_key('private').hex())"
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    keys = {process.communicate()[0].strip() for process in started}
    assert keys == {of_user(tmp_path).read_bytes().hex()}
