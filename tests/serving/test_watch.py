"""Scans that arrive: when a folder counts as complete, and `medfake scan --watch` as it is started, killed, stopped."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest
from click import UsageError
from click.testing import CliRunner

from medfake.cli.root import cli
from medfake.serving.watch import Arrivals

WriteScan = Callable[..., Path]


class Finished:
    """Folders of earlier runs."""

    def __init__(self, folders: Collection[str] = ()) -> None:
        self.folders = folders

    def has_folder(self, files_sha256: str) -> bool:
        return files_sha256 in self.folders

    def has_scan(self, scan_id: str, files_sha256: str) -> bool:
        return False


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def write(path: Path, text: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def look(tmp_path: Path, clock: Clock) -> Callable[[float], list[str]]:
    """Names of the folders that have come to rest at a time; the settling time is 10 s."""
    (tmp_path / "in").mkdir()
    arrivals = Arrivals(tmp_path / "in", Finished(), settle_s=10)

    def at(seconds: float) -> list[str]:
        clock.now = seconds
        return [folder.path.name for folder in arrivals.settled(clock)]

    return at


def test_a_folder_comes_to_rest_when_nothing_in_it_changed_for_the_settling_time(
    look: Callable[[float], list[str]], tmp_path: Path
) -> None:
    write(tmp_path / "in/a/1.dcm")
    assert look(0) == []
    assert look(9.9) == []
    assert look(10) == ["a"]
    assert look(100) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: write(folder / "2.dcm"),
        lambda folder: write(folder / "1.dcm", "half a file becomes a whole one"),
        lambda folder: (folder / "1.dcm").rename(folder / "2.dcm"),
        lambda folder: (folder / "1.dcm").unlink() or write(folder / "1.dcm"),
    ],
)
def test_a_new_larger_renamed_or_replaced_file_begins_the_wait_anew(
    look: Callable[[float], list[str]], tmp_path: Path, change: Callable[[Path], object]
) -> None:
    write(tmp_path / "in/a/1.dcm")
    write(tmp_path / "in/b/1.dcm")
    look(0)
    change(tmp_path / "in/a")
    assert look(8) == []
    assert look(11) == ["b"]
    assert look(18) == ["a"]


def test_a_folder_to_which_something_was_added_later_comes_again(
    look: Callable[[float], list[str]], tmp_path: Path
) -> None:
    write(tmp_path / "in/a/1.dcm")
    look(0)
    assert look(10) == ["a"]
    write(tmp_path / "in/a/2.dcm")
    assert look(11) == []
    assert look(21) == ["a"]


def test_a_folder_that_vanishes_is_forgotten(tmp_path: Path, clock: Clock) -> None:
    write(tmp_path / "in/a/1.dcm")
    arrivals = Arrivals(tmp_path / "in", Finished(), settle_s=10)
    assert list(arrivals.settled(clock)) == []
    assert arrivals.waiting == 1
    (tmp_path / "in/a/1.dcm").unlink()
    (tmp_path / "in/a").rmdir()
    clock.now = 20
    assert list(arrivals.settled(clock)) == []
    assert arrivals.waiting == 0


def test_a_root_that_is_not_there_for_a_while_is_waited_for(tmp_path: Path, clock: Clock) -> None:
    write(tmp_path / "in/a/1.dcm")
    arrivals = Arrivals(tmp_path / "in", Finished(), settle_s=10)
    (tmp_path / "in").rename(tmp_path / "away")
    assert list(arrivals.settled(clock)) == []
    (tmp_path / "away").rename(tmp_path / "in")
    assert list(arrivals.settled(clock)) == []
    clock.now = 10
    assert [folder.path.name for folder in arrivals.settled(clock)] == ["a"]


def test_a_folder_that_never_comes_to_rest_is_told_once(tmp_path: Path, clock: Clock) -> None:
    told: list[str] = []
    arrivals = Arrivals(tmp_path / "in", Finished(), settle_s=10, tell=told.append)
    for second in range(0, 300, 5):
        write(tmp_path / "in/a/1.dcm", "x" * second)
        clock.now = second
        assert list(arrivals.settled(clock)) == []
    assert told == [f"still changing after 3 min 20 s: {tmp_path / 'in/a'}"]


def test_what_an_earlier_run_finished_does_not_come(tmp_path: Path, clock: Clock) -> None:
    from medfake.dicom.folders import walk_folders
    from medfake.dicom.header_cache import stamp_of
    from medfake.serving.archive import files_digest

    for name in ("a", "b"):
        write(tmp_path / f"in/{name}/1.dcm")
    _, first, _ = walk_folders(tmp_path / "in")
    digest = files_digest(first, {path: stamp_of(path) for path in first.files})
    arrivals = Arrivals(tmp_path / "in", Finished({digest}), settle_s=0)
    assert [folder.path.name for folder in arrivals.settled(clock)] == ["b"]


@pytest.fixture
def package(make_package: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    return make_package()


@pytest.fixture
def start(package: Path) -> Iterator[Callable[[], "subprocess.Popen[str]"]]:
    """Start watching the folder `in`; whatever still runs is killed in the end."""
    started: list[subprocess.Popen[str]] = []

    def begin() -> "subprocess.Popen[str]":
        options = ["--watch", "in", "--settle", "0.3", "--jsonl", "in/out.jsonl", "--jobs", "2"]
        command = [sys.executable, "-m", "medfake.cli.root", "scan", "--model", str(package), *options]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def line_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def scans() -> list[dict[str, object]]:
    lines = [json.loads(line) for line in Path("in/out.jsonl").read_text().splitlines()]
    return [line for line in lines if line.get("kind") == "scan"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_what_arrives_is_scanned_until_somebody_stops_it(
    start: Callable[[], "subprocess.Popen[str]"], write_scan: WriteScan, tmp_path: Path, how: signal.Signals
) -> None:
    write_scan(tmp_path / "in/a", [-200] * 9)
    process = start()
    assert line_of(process) == "in/a: not tampered, P(tampered) 0.119"
    write_scan(tmp_path / "new", [200] * 9).rename(tmp_path / "in/b")
    assert line_of(process).startswith("in/b: tampered")
    process.send_signal(how)
    said, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert said.splitlines() == [
        "written: in/out.jsonl",
        "next: the same command again scans what is new or has changed",
    ]
    assert told.splitlines() == ["watching in; Ctrl-C ends it", "stopped; 0 folders had not come to rest"]
    assert len(scans()) == 2


def test_after_a_kill_only_what_is_new_is_scanned(
    start: Callable[[], "subprocess.Popen[str]"], write_scan: WriteScan, tmp_path: Path
) -> None:
    write_scan(tmp_path / "in/a", [-200] * 9)
    process = start()
    assert line_of(process).startswith("in/a")
    while '"kind": "folder"' not in Path("in/out.jsonl").read_text():
        time.sleep(0.01)
    process.kill()
    process.wait()
    write_scan(tmp_path / "in/b", [-200] * 9)
    assert line_of(start()).startswith("in/b")
    assert len(scans()) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing argument"),
        (["--watch", "in", "in", "--jsonl", "o.jsonl"], "leave PATHS out"),
        (["--watch", "in"], "--watch needs --jsonl FILE"),
        (["--watch", "in", "--jsonl", "o.jsonl", "--json", "o.json"], "has no end to write"),
        (["in", "--jsonl", "-"], "--jsonl needs a file"),
        (["in", "--jsonl", "o", "--csv", "o"], "the same file"),
    ],
)
def test_what_makes_no_sense_together_is_told(package: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        CliRunner().invoke(cli, ["scan", *arguments], standalone_mode=False, catch_exceptions=False)
