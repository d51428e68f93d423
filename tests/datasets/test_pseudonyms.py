"""Pseudonyms that nobody without the key can guess back."""

import stat
from pathlib import Path

import pytest

from medfake.datasets.pseudonyms import KEY_FILE, KEY_VARIABLE, PUBLIC_KEY, pseudonym, pseudonym_key
from medfake.errors import StorageError
from medfake.folders import PRIVATE


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    return tmp_path


def test_a_public_pseudonym_is_the_same_on_every_machine() -> None:
    assert pseudonym("LIDC-IDRI-0001", PUBLIC_KEY, "patient") == "patient-f8aadeec277f"


def test_a_pseudonym_changes_with_value_and_key_and_shows_neither() -> None:
    names = {pseudonym(value, key, "p") for value in ("Jane Doe", "John Doe") for key in (b"a" * 32, b"b" * 32)}
    assert len(names) == 4
    assert not any("Doe" in name for name in names)


def test_a_private_key_is_made_once_and_for_its_owner_only(project: Path) -> None:
    key = pseudonym_key("private")
    path = project / PRIVATE / KEY_FILE
    assert pseudonym_key("private") == key == path.read_bytes()
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == [KEY_FILE]


def test_private_keys_of_two_projects_differ(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = pseudonym_key("private")
    (project / "other").mkdir()
    monkeypatch.chdir(project / "other")
    assert pseudonym_key("private") != first


def test_the_environment_names_another_key_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "mine.key").write_bytes(b"k" * 32)
    monkeypatch.setenv(KEY_VARIABLE, str(project / "mine.key"))
    assert pseudonym_key("private") == b"k" * 32
    assert not (project / PRIVATE).exists()


def test_a_public_set_makes_no_key_file(project: Path) -> None:
    assert pseudonym_key("public") == PUBLIC_KEY
    assert list(project.iterdir()) == []


@pytest.mark.parametrize(("length", "taken"), [(31, False), (32, True), (33, True)])
def test_a_key_that_is_too_short_is_refused(project: Path, length: int, taken: bool) -> None:
    path = project / PRIVATE / KEY_FILE
    path.parent.mkdir()
    path.write_bytes(b"k" * length)
    if taken:
        assert pseudonym_key("private") == b"k" * length
    else:
        with pytest.raises(StorageError, match="32 bytes"):
            pseudonym_key("private")
