import errno
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medfake.errors import StorageError, storage_error
from medfake.files import in_a_word, path_text, replace_folder, sha256_file, text_path, write_atomic, write_json


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "a.txt"
    with write_atomic(target) as file:
        file.write("new\n")
        assert not target.exists()
    assert target.read_text() == "new\n"


def test_a_failed_write_keeps_the_old_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), write_atomic(target) as file:
        file.write("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_failed_folder_keeps_the_old_folder_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "set"
    target.mkdir()
    (target / "old").touch()
    with pytest.raises(RuntimeError), replace_folder(target) as partial:
        (partial / "new").touch()
        raise RuntimeError
    assert os.listdir(target) == ["old"]
    assert os.listdir(tmp_path) == ["set"]


def test_a_whole_folder_takes_the_old_ones_place(tmp_path: Path) -> None:
    target = tmp_path / "set"
    target.mkdir()
    (target / "old").touch()
    with replace_folder(target) as partial:
        (partial / "new").touch()
    assert os.listdir(target) == ["new"]
    assert os.listdir(tmp_path) == ["set"]


def test_what_a_killed_process_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    (tmp_path / ".set.partial-abc").mkdir()
    with replace_folder(tmp_path / "set"):
        pass
    assert os.listdir(tmp_path) == ["set"]


def test_json_has_sorted_keys_and_a_final_line_end(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": "é"})
    assert (tmp_path / "a.json").read_bytes() == '{\n  "a": "é",\n  "b": 1\n}\n'.encode()


def test_json_refuses_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", float("nan"))
    assert os.listdir(tmp_path) == []


def test_a_full_disk_is_told_with_the_file_or_folder_that_was_written(tmp_path: Path) -> None:
    for write, name in ((replace_folder, "set"), (write_atomic, "a.json")):
        with pytest.raises(OSError, match="full") as caught, write(tmp_path / name):
            raise OSError(errno.ENOSPC, "full")
        assert caught.value.filename == str(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_digest_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert sha256_file(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    ("number", "what"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EACCES, "permission denied"),
        (errno.EIO, "the disk cannot be read or written"),
        (errno.ELOOP, "links lead in a circle"),
        (errno.ENAMETOOLONG, "the path is too long"),
        (errno.ENOTDIR, "a file is where a folder should be"),
        (errno.EISDIR, "a folder is where a file should be"),
    ],
)
def test_errors_of_the_disk_are_told_in_words(number: int, what: str) -> None:
    error = storage_error(OSError(number, "x", "some/file"))
    assert isinstance(error, StorageError)
    assert error.what == what
    assert error.where == "some/file"
    assert error.remedy


def test_errors_of_libraries_are_told_without_paths_and_values() -> None:
    assert (
        in_a_word(FileNotFoundError(errno.ENOENT, "No such file or directory", "/home/x"))
        == "no such file or directory"
    )
    assert in_a_word(OSError("a line of /home/x")) == "OSError"
    assert in_a_word(ValueError("a patient's name")) == "ValueError"


def test_other_os_errors_are_not_called_storage_errors() -> None:
    assert storage_error(FileNotFoundError(errno.ENOENT, "x")) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"scans/a 1.dcm", "scans/a 1.dcm"),
        ("Müller/50%.dcm".encode(), "Müller/50%.dcm"),
        (b"M\xfcller/1.dcm", "M%FCller/1.dcm"),
        (b"M%FCller/1.dcm", "M%25FCller/1.dcm"),
        (b"%\xe9", "%%E9"),
        (b"a\nb\x1b[31m", "a%0Ab%1B[31m"),
        (b"\xed\xb3\xa9", "%ED%B3%A9"),
        ("\x85".encode(), "%C2%85"),
        ("\u202etxt".encode(), "%E2%80%AEtxt"),
        ("\u2028".encode(), "%E2%80%A8"),
    ],
)
def test_any_path_is_told_as_text_from_which_it_comes_back(name: bytes, text: str) -> None:
    path = Path(os.fsdecode(name))
    assert path_text(path) == text
    assert text.encode().decode() == text
    assert os.fsencode(text_path(text)) == name


@given(st.binary(min_size=1).filter(lambda name: b"\0" not in name and b"/" not in name and name != b"."))
def test_no_two_names_become_the_same_text(name: bytes) -> None:
    text = path_text(Path(os.fsdecode(name)))
    assert not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text)
    assert os.fsencode(text_path(text)) == name
