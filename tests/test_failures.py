"""A stage that fails leaves why, where the command that started DVC looks for it."""

from pathlib import Path

import pytest

from medfake.errors import ConfigError, StorageError, exit_with_message
from medfake.failures import FAILURES_VARIABLE, read_failures, record_failure


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FAILURES_VARIABLE, str(tmp_path / "failures.jsonl"))
    monkeypatch.setenv("DVC_STAGE", "train@chest-SVM-1")
    return tmp_path / "failures.jsonl"


def _raise(error: Exception) -> None:
    raise error


def test_an_error_of_ours_is_kept_in_full(kept: Path) -> None:
    error = ConfigError("a wrong key", where="params.yaml", remedy="edit it")
    with pytest.raises(SystemExit):
        exit_with_message(lambda: _raise(error), record_failure)
    assert read_failures(kept) == {"train@chest-SVM-1": "a wrong key\n  where: params.yaml\n  next: edit it"}


def test_of_another_error_only_its_kind_is_kept(kept: Path) -> None:
    with pytest.raises(ValueError, match="Jane"):
        exit_with_message(lambda: _raise(ValueError("Jane Doe")), record_failure)
    assert read_failures(kept) == {"train@chest-SVM-1": "ValueError"}


def test_a_full_disk_is_kept_as_it_is_told(kept: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        exit_with_message(lambda: _raise(OSError(28, "No space left", "a.npy")), record_failure)
    assert ended.value.code == StorageError.exit_code
    assert read_failures(kept)["train@chest-SVM-1"].startswith("the disk is full")


def test_an_interrupt_is_no_failure(kept: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit):
        exit_with_message(interrupt, record_failure)
    assert read_failures(kept) == {}


def test_outside_of_dvc_nothing_is_kept(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DVC_STAGE")
    record_failure(ConfigError("a wrong key"))
    assert not kept.exists()
