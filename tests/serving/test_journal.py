"""Scans line by line in a file: what is in it, whose it is, and how it goes on after a kill in the midst of a line."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from medfake.config import TrackingParams
from medfake.errors import BusyError, OutputRefusedError
from medfake.serving.archive import How, scan_archive
from medfake.serving.journal import Journal, open_journal
from medfake.serving.model import Model, open_model
from medfake.serving.scan import scan_paths

MakePackage = Callable[..., Path]
WriteScan = Callable[..., Path]


@pytest.fixture
def model(make_package: MakePackage, tracking: TrackingParams) -> Model:
    return open_model(str(make_package()), None)


@pytest.fixture
def tree(write_scan: WriteScan, tmp_path: Path) -> Path:
    for number in range(3):
        write_scan(tmp_path / f"in/{number}", [-200 + 180 * number] * 9)
    (tmp_path / "in/1/notes.txt").write_text("x")
    return tmp_path / "in"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "out.jsonl"


def scan(file: Path, tree: Path, model: Model) -> Journal:
    with open_journal(file, model) as journal:
        for found in scan_archive([tree], How(model, finished=journal)):
            journal.add(found)
    return journal


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def kinds(file: Path) -> list[object]:
    return [line.get("kind") for line in lines(file)]


def test_the_first_line_names_the_detector_and_the_others_scans_and_folders(
    model: Model, tree: Path, file: Path
) -> None:
    scan(file, tree, model)
    first, *others = lines(file)
    assert (first["format"], first["version"]) == ("medfake scan", 1)
    assert first["package"].keys() == {"detector.onnx"}  # type: ignore[attr-defined]
    assert [line["kind"] for line in others] == ["folder", *["scan", "folder"] * 3]
    found = [line for line in others if line["kind"] == "scan"]
    assert found[0].keys() == {
        "kind", "files_sha256", "scan_id", "patient_id", "p_tampered", "verdict", "n_slices", "sites", "slices",
        "warnings", "copies", "skipped",
    }  # fmt: skip
    assert [line["verdict"] for line in found] == ["not tampered", "uncertain", "tampered"]


def test_a_report_of_its_lines_is_the_report_of_the_scan(model: Model, tree: Path, file: Path, tmp_path: Path) -> None:
    from medfake.serving.report import write_report

    with open_journal(file, model) as journal:
        for found in scan_archive([tree], How(model)):
            journal.add(found)
        report = scan_paths([tree], model)
        write_report(tmp_path / "streamed.json", report.model, journal.scans(), journal.skipped())
    report.write_json(tmp_path / "held.json")
    assert (tmp_path / "streamed.json").read_bytes() == (tmp_path / "held.json").read_bytes()


@pytest.mark.parametrize("cut", range(1, 120, 7))
def test_half_a_line_is_dropped_and_its_scan_done_again(model: Model, tree: Path, file: Path, cut: int) -> None:
    scan(file, tree, model)
    whole = file.read_bytes()
    file.write_bytes(whole[:-cut])
    scan(file, tree, model)
    assert file.read_bytes() == whole


def test_after_a_kill_in_the_first_line_it_begins_anew(model: Model, tree: Path, file: Path) -> None:
    scan(file, tree, model)
    whole = file.read_bytes()
    for length in (0, 1, 10, 100):
        file.write_bytes(whole[:length])
        scan(file, tree, model)
        assert file.read_bytes() == whole


def test_what_was_done_is_not_written_again(model: Model, tree: Path, file: Path) -> None:
    scan(file, tree, model)
    whole = file.read_bytes()
    again = scan(file, tree, model)
    assert file.read_bytes() == whole
    assert again.scans_kept == 3


def test_a_scan_whose_files_changed_has_a_second_line_and_a_report_has_the_last(
    model: Model, tree: Path, file: Path, write_scan: WriteScan
) -> None:
    scan(file, tree, model)
    write_scan(tree / "0", [200] * 9)
    with open_journal(file, model) as journal:
        for found in scan_archive([tree], How(model, finished=journal)):
            journal.add(found)
        assert [one["verdict"] for one in journal.scans()] == ["tampered", "uncertain", "tampered"]
        assert [Path(one["path"]).name for one in journal.skipped()] == ["notes.txt"]
    assert kinds(file)[-2:] == ["scan", "folder"]
    assert lines(file)[-2]["scan_id"] == lines(file)[2]["scan_id"]


def test_lines_of_another_detector_are_refused_with_what_to_type(
    make_package: MakePackage, model: Model, tree: Path, file: Path
) -> None:
    from tests.fixtures.places import give_places

    scan(file, tree, model)
    other = open_model(str(give_places(make_package("b"))), None)
    with pytest.raises(OutputRefusedError, match="another detector") as caught, open_journal(file, other):
        pass
    assert caught.value.received == "package a"
    assert caught.value.remedy == "--jsonl out-2.jsonl or --model, the same as then"


def test_lines_of_the_same_graphs_under_other_thresholds_are_refused(model: Model, tree: Path, file: Path) -> None:
    scan(file, tree, model)
    stricter = replace(model.scorer, card=model.card.model_copy(update={"scan_threshold_high": 0.99}))
    with (
        pytest.raises(OutputRefusedError, match="judged by other thresholds"),
        open_journal(file, replace(model, scorer=stricter)),
    ):
        pass


@pytest.mark.parametrize(("name", "value"), [("slices", 3), ("skipped", [{"a": 1}]), ("verdict", None), ("sites", [1])])
def test_a_line_that_somebody_changed_is_refused(
    model: Model, tree: Path, file: Path, name: str, value: object
) -> None:
    scan(file, tree, model)
    changed = lines(file)
    changed[2][name] = value
    if value is None:
        del changed[2][name]
    file.write_text("".join(json.dumps(line) + "\n" for line in changed))
    with pytest.raises(OutputRefusedError, match="a line was changed"):
        scan(file, tree, model)


@pytest.mark.parametrize("content", ["notes\n", '{"model": {}, "scans": [], "skipped": []}\n', "\x00" * 50])
def test_what_is_no_journal_is_refused_and_left_as_it_is(model: Model, file: Path, content: str) -> None:
    file.write_text(content)
    with pytest.raises(OutputRefusedError, match="not scans line by line"), open_journal(file, model):
        pass
    assert file.read_text() == content


def test_damage_before_the_last_line_is_refused(model: Model, tree: Path, file: Path) -> None:
    scan(file, tree, model)
    whole = file.read_bytes().splitlines(keepends=True)
    damaged = b"".join([*whole[:2], b"\0" * 40 + b"\n", *whole[2:]])
    file.write_bytes(damaged)
    with pytest.raises(OutputRefusedError, match="line 3 is damaged"), open_journal(file, model):
        pass
    assert file.read_bytes() == damaged


def test_a_pipe_is_refused(model: Model, tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputRefusedError, match="they need a file"), open_journal(tmp_path / "pipe", model):
        pass


def test_two_scans_into_one_file_are_not_let_in(model: Model, file: Path) -> None:
    with (
        open_journal(file, model),
        pytest.raises(BusyError, match="another scan into this file"),
        open_journal(file, model),
    ):
        pass


def test_a_link_stands_for_its_target(model: Model, tree: Path, tmp_path: Path) -> None:
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "target.jsonl")
    scan(tmp_path / "link.jsonl", tree, model)
    assert (tmp_path / "link.jsonl").is_symlink()
    assert len(lines(tmp_path / "target.jsonl")) == 8
