"""`medfake scan` as it is typed: its files, its exit codes, and names and terminals of any encoding."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click import UsageError
from click.testing import CliRunner, Result

from medfake.cli.root import cli
from medfake.errors import OutputRefusedError, ScanError, StorageError
from medfake.files import text_path

WriteScan = Callable[..., Path]
DARK = [-200] * 9


@pytest.fixture
def package(make_package: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_package()


@pytest.fixture
def folder(write_scan: WriteScan, tmp_path: Path) -> Path:
    return write_scan(tmp_path / "in", DARK)


def scan(package: Path, *arguments: object) -> Result:
    result = CliRunner().invoke(cli, ["scan", "--model", str(package), *map(str, arguments)], standalone_mode=False)
    if result.exception:
        raise result.exception
    return result


def started(package: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "medfake.cli.root", "scan", "--model", package, *arguments]
    return subprocess.run(command, capture_output=True, env={**os.environ, **environment})  # type: ignore[list-item]


def test_a_file_of_the_scan_after_json_is_refused_before_a_slice_is_scored(package: Path, folder: Path) -> None:
    files = sorted(folder.iterdir())
    before = [file.read_bytes() for file in files]
    for option in ("--json", "--csv"):
        with pytest.raises(OutputRefusedError, match="there is a file already") as caught:
            scan(package, option, files[0], *files[1:])
        assert str(caught.value.received).startswith("a DICOM file of")
    assert [file.read_bytes() for file in files] == before


def test_refused_outputs_come_before_the_model_is_opened(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputRefusedError):
        scan(tmp_path / "no-such-model", folder, "--json", tmp_path)


def test_an_earlier_report_and_table_are_replaced(package: Path, folder: Path) -> None:
    for _ in range(2):
        scan(package, folder, "--json", "out.json", "--csv", "out.csv")
    (folder / "0.dcm").unlink()
    result = scan(package, folder, "--json", "out.json", "--csv", "out.csv")
    assert json.loads(Path("out.json").read_text())["scans"][0]["n_slices"] == 8
    assert len(Path("out.csv").read_text().splitlines()) == 9
    assert "written: out.json out.csv" in result.stdout


def test_a_table_is_no_report(package: Path, folder: Path) -> None:
    scan(package, folder, "--csv", "out")
    with pytest.raises(OutputRefusedError, match="not a scan report"):
        scan(package, folder, "--json", "out")


def test_links_and_fifos_are_written_through(package: Path, folder: Path) -> None:
    Path("link.json").symlink_to("target.json")
    os.mkfifo("pipe.csv")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(Path("pipe.csv").read_text()))
    reader.start()
    scan(package, folder, "--json", "link.json", "--csv", "pipe.csv")
    reader.join()
    assert Path("link.json").is_symlink()
    assert Path("pipe.csv").is_fifo()
    assert len(json.loads(Path("target.json").read_text())["scans"]) == 1
    assert len(read[0].splitlines()) == 10


@pytest.mark.parametrize("form", [["--json"], ["--json", "-"]])
def test_json_on_standard_output_leaves_the_table_to_standard_error(
    package: Path, folder: Path, form: list[str]
) -> None:
    result = scan(package, folder, *form)
    assert len(json.loads(result.stdout)["scans"]) == 1
    assert "not tampered" in result.stderr
    assert "written" not in result.stderr
    assert sorted(path.name for path in Path().iterdir()) == ["in", "packages"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is always full")
def test_a_full_disk_loses_no_verdict_and_is_told_with_the_file(package: Path, folder: Path) -> None:
    done = started(package, folder, "--json", "/dev/full")
    assert done.returncode == StorageError.exit_code == 10
    assert "not tampered" in done.stdout.decode()
    assert done.stderr.decode().startswith("error: the disk is full\n  where: /dev/full\n  next: free some space")


def test_two_outputs_into_one_are_refused(package: Path, folder: Path) -> None:
    for name in ("-", "out"):
        with pytest.raises(UsageError, match="the same file"):
            scan(package, folder, "--json", name, "--csv", name)


def test_nothing_to_score_still_gives_a_reason_for_every_file(package: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("x")
    done = started(package, tmp_path / "in", "--json", tmp_path / "out.json", "--csv", tmp_path / "out.csv")
    assert done.returncode == ScanError.exit_code == 9
    assert done.stderr.decode().startswith("error: nothing to score")
    report = json.loads((tmp_path / "out.json").read_text())
    assert report["scans"] == []
    (skipped,) = report["skipped"]
    assert Path(skipped["path"]).name == "a.txt"
    assert skipped["reason"].startswith("not a DICOM file")
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 1


def test_names_that_are_no_text_lose_no_verdict_and_stay_apart(
    package: Path, write_scan: WriteScan, tmp_path: Path
) -> None:
    write_scan(tmp_path / "in" / "good", DARK)
    names = [b"M\xfcller", b"M\xfdller", b"M%FCller"]
    for name in names:
        write_scan(tmp_path / "a", DARK).rename(os.fsdecode(os.fsencode(tmp_path / "in") + b"/" + name))
    done = started(package, tmp_path / "in", "--json", tmp_path / "out.json")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "out.json").read_text())
    folders = {os.fsencode(text_path(one["slices"][0]["file"]).parent.name) for one in report["scans"]}
    assert folders == {b"good", *names}
    assert len({one["scan_id"] for one in report["scans"]}) == 4


@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1:strict"}])
def test_a_terminal_that_lacks_a_letter_still_gets_the_table(
    package: Path, write_scan: WriteScan, tmp_path: Path, environment: dict[str, str]
) -> None:
    done = started(package, write_scan(tmp_path / "Müller Ł", DARK), COLUMNS="300", **environment)
    assert done.returncode == 0, done.stderr
    assert b"\\u0141" in done.stdout
    assert b"not tampered" in done.stdout
