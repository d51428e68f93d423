"""What a scoring process leaves behind is read as strangers' files are."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from medfake.errors import StorageError
from medfake.metrics.scans import Verdict
from medfake.pacs import judged as judged_files
from medfake.pacs.judged import JUDGED, RESULTS, Judged, read_judged, require_judged, result_files

KEY = "0" * 64


def said(folder: Path, **values: Any) -> Judged:
    """What is read where this was left."""
    (folder / JUDGED).write_text(json.dumps({"key": KEY} | values))
    return require_judged(folder)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_verdict_is_one_of_three(tmp_path: Path, verdict: Verdict) -> None:
    assert said(tmp_path, verdict=str(verdict), p_tampered=0.5).verdict == verdict


@pytest.mark.parametrize(
    "values",
    [
        {"verdict": "authentic"},
        {"verdict": ""},
        {"p_tampered": 1.1},
        {"p_tampered": -0.1},
        {"objects": -1},
        {"objects": 10_001},
        {"other_pixels": -1},
        {"other_pixels": 1 << 40},
        {"modality": "C" * 17},
        {"modality": "C\x1bT"},
        {"key": ""},
        {"key": "0" * 65},
        {"key": "a b"},
        {"results_key": "\n"},
        {"pixels": {"image-1": "x" * 65}},
        {"pixels": {"": KEY}},
        {"more": 1},
    ],
)
def test_what_no_scoring_process_says_is_refused(tmp_path: Path, values: dict[str, Any]) -> None:
    with pytest.raises(StorageError, match="missing or damaged"):
        said(tmp_path, **values)


def test_a_reason_is_one_line_that_a_terminal_can_show(tmp_path: Path) -> None:
    assert said(tmp_path, reason="a\x1b[31mb\nc\u202ed").reason == "a\\x1b[31mb c\\u202ed"


@pytest.mark.parametrize(("length", "left"), [(1000, 1000), (1001, 1000), (1_000_000, 1000)])
def test_a_reason_is_no_longer_than_anybody_reads(tmp_path: Path, length: int, left: int) -> None:
    reason = said(tmp_path, reason="x" * length).reason
    assert reason
    assert len(reason) == left
    assert reason.endswith("...") == (length > left)


def test_what_is_larger_than_it_may_be_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(json.dumps({"key": KEY}))
    monkeypatch.setattr(judged_files, "MOST_BYTES", size)
    assert said(tmp_path).key == KEY
    monkeypatch.setattr(judged_files, "MOST_BYTES", size - 1)
    with pytest.raises(StorageError, match="missing or damaged"):
        said(tmp_path)


def test_as_many_images_as_are_remembered_can_be_read_again(tmp_path: Path) -> None:
    pixels = {f"image-{number:032x}": KEY for number in range(2000)}
    Judged(key=KEY, pixels=pixels).write(tmp_path / JUDGED)
    per_image = (tmp_path / JUDGED).stat().st_size / len(pixels)
    assert per_image * judged_files.MOST_IMAGES + (1 << 20) <= judged_files.MOST_BYTES


def test_more_images_than_are_remembered_are_an_error_of_whoever_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judged_files, "MOST_IMAGES", 1)
    Judged(key=KEY, pixels={"a": KEY}).write(tmp_path / JUDGED)
    with pytest.raises(StorageError, match="more images than are remembered"):
        Judged(key=KEY, pixels={"a": KEY, "b": KEY}).write(tmp_path / JUDGED)


def test_a_link_is_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(json.dumps({"key": KEY}))
    (tmp_path / JUDGED).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="missing or damaged"):
        read_judged(tmp_path)


def test_nobody_waits_for_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / JUDGED)
    with pytest.raises(StorageError, match="missing or damaged"):
        read_judged(tmp_path)


def test_results_are_in_their_order(tmp_path: Path) -> None:
    assert result_files(tmp_path) == []
    (tmp_path / RESULTS).mkdir()
    for name in ("0001.dcm", "0000.dcm", "other"):
        (tmp_path / RESULTS / name).touch()
    assert [one.name for one in result_files(tmp_path)] == ["0000.dcm", "0001.dcm"]


def test_a_result_that_leads_elsewhere_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "scan.dcm").touch()
    (tmp_path / RESULTS).mkdir()
    (tmp_path / RESULTS / "0000.dcm").symlink_to(tmp_path / "scan.dcm")
    with pytest.raises(StorageError, match="not as a scoring process leaves them"):
        result_files(tmp_path)


def test_a_folder_of_results_that_leads_elsewhere_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "0000.dcm").touch()
    (tmp_path / RESULTS).symlink_to(tmp_path / "files")
    with pytest.raises(StorageError, match="not as a scoring process leaves them"):
        result_files(tmp_path)
