"""`medfake scan --jsonl`, killed for real and started again."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.errors import StorageError

WriteScan = Callable[..., Path]
SCANS = 30


@pytest.fixture
def package(make_package: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_package()


@pytest.fixture
def tree(write_scan: WriteScan, tmp_path: Path) -> Path:
    for number in range(SCANS):
        write_scan(tmp_path / f"in/{number:02d}", [-200 + 10 * number] * 16)
    return tmp_path / "in"


def command(package: Path, *arguments: object) -> list[str]:
    return [sys.executable, "-m", "medfake.cli.root", "scan", "--model", str(package), *map(str, arguments)]


def run(package: Path, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(package, *arguments), capture_output=True, text=True, **options)  # type: ignore[call-overload, no-any-return]


def scan_ids(file: Path) -> list[str]:
    lines = file.read_bytes().split(b"\n")[:-1]  # whole ones
    return [line["scan_id"] for line in map(json.loads, lines) if line.get("kind") == "scan"]


def wait_for_scans(file: Path, number: int, process: "subprocess.Popen[bytes]") -> None:
    while not file.exists() or len(scan_ids(file)) < number:
        assert process.poll() is None
        time.sleep(0.005)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_killed_scan_goes_on_and_ends_as_one_that_was_not(package: Path, tree: Path, jobs: int) -> None:
    killed = Path("killed.jsonl")
    process = subprocess.Popen(command(package, tree, "--jsonl", killed, "--jobs", jobs), stdout=subprocess.DEVNULL)
    wait_for_scans(killed, 3, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = scan_ids(killed)
    assert 3 <= len(before) < SCANS
    done = run(package, tree, "--jsonl", killed, "--jobs", jobs, "--json", "killed.json", "--csv", "killed.csv")
    assert done.returncode == 0, done.stderr
    assert f"{len(before)} of {SCANS} scans were done before and are as they were" in done.stdout
    assert "next: the same command again scans what is new or has changed" in done.stdout
    after = scan_ids(killed)
    assert after[: len(before)] == before
    assert len(after) == len(set(after)) == SCANS
    run(package, tree, "--json", "whole.json", "--csv", "whole.csv")
    for kind in ("json", "csv"):
        assert Path(f"killed.{kind}").read_bytes() == Path(f"whole.{kind}").read_bytes()


def test_an_interrupt_keeps_what_was_done_and_says_what_to_type(package: Path, tree: Path) -> None:
    options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "start_new_session": True}
    process = subprocess.Popen(command(package, tree, "--jsonl", "out.jsonl", "--jobs", 2), **options)  # type: ignore[call-overload]
    wait_for_scans(Path("out.jsonl"), 2, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the command
    _, said = process.communicate()
    assert process.returncode == 130
    assert said.decode().strip() == "interrupted; run the same command again to go on"
    assert len(scan_ids(Path("out.jsonl"))) >= 2


def test_a_file_that_may_not_grow_keeps_whole_lines_and_the_scan_goes_on_later(package: Path, tree: Path) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, resource.RLIM_INFINITY))

    full = run(package, tree, "--jsonl", "out.jsonl", preexec_fn=small_files)
    assert full.returncode == StorageError.exit_code
    assert full.stderr.startswith(
        "error: the file would become larger than is allowed here\n  where: out.jsonl\n  next: allow larger files"
    )
    before = scan_ids(Path("out.jsonl"))
    assert 0 < len(before) < SCANS
    assert Path("out.jsonl").read_bytes().endswith(b"\n")
    done = run(package, tree, "--jsonl", "out.jsonl")
    assert done.returncode == 0, done.stderr
    assert len(scan_ids(Path("out.jsonl"))) == SCANS


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_disk_that_becomes_full_keeps_whole_lines_and_the_scan_goes_on_later(
    package: Path, tree: Path, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("no disk may be mounted here")
    try:
        full = run(package, tree, "--jsonl", disk / "out.jsonl")
        assert full.returncode == StorageError.exit_code
        assert full.stderr.startswith("error: the disk is full\n")
        assert 0 < len(scan_ids(disk / "out.jsonl")) < SCANS
        subprocess.run(["mount", "-o", "remount,size=4m", disk], check=True)
        assert run(package, tree, "--jsonl", disk / "out.jsonl").returncode == 0
        assert len(scan_ids(disk / "out.jsonl")) == SCANS
    finally:
        subprocess.run(["umount", disk], check=True)


def test_lines_among_the_scans_are_no_file_to_scan(package: Path, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    for _ in range(2):
        done = run(package, ".", "--jsonl", "out.jsonl", "--json", "out.json", "--overlays", "pictures")
        assert done.returncode == 0, done.stderr
        assert json.loads(Path("out.json").read_text())["skipped"] == []
    assert f"{SCANS} of {SCANS} scans were done before" in done.stdout
    assert len(list(Path("pictures").iterdir())) == 3 * SCANS
