"""`medfake scan --fail-on`: what scripts read off the exit code."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from medfake.cli.root import cli
from medfake.errors import AlarmError

WriteScan = Callable[..., Path]


@pytest.fixture
def package(make_package: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return make_package()


def run(package: Path, *arguments: str) -> str:
    command = ["scan", "in", "--model", str(package), *arguments]
    result = CliRunner().invoke(cli, command, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.output


@pytest.mark.parametrize(("hu", "alarms"), [(200, ["tampered"]), (0, ["uncertain"]), (200, ["uncertain", "tampered"])])
def test_a_verdict_that_is_named_ends_the_command_with_14_behind_its_results(
    package: Path, write_scan: WriteScan, tmp_path: Path, hu: int, alarms: list[str]
) -> None:
    write_scan(tmp_path / "in", [hu] * 9)
    with pytest.raises(AlarmError) as caught:
        run(package, "--json", "out.json", *(word for alarm in alarms for word in ("--fail-on", alarm)))
    assert caught.value.exit_code == 14
    assert caught.value.received == f"1 {alarms[-1]}"
    assert json.loads(Path("out.json").read_text())["scans"][0]["verdict"] == alarms[-1]


@pytest.mark.parametrize(("hu", "alarm"), [(-200, "tampered"), (0, "tampered"), (200, "uncertain"), (200, "skipped")])
def test_another_verdict_does_not(package: Path, write_scan: WriteScan, tmp_path: Path, hu: int, alarm: str) -> None:
    write_scan(tmp_path / "in", [hu] * 9)
    assert "next:" in run(package, "--fail-on", alarm)


def test_a_skipped_file_ends_it_where_that_is_named(package: Path, write_scan: WriteScan, tmp_path: Path) -> None:
    (write_scan(tmp_path / "in", [-200] * 9) / "notes.txt").write_text("x")
    with pytest.raises(AlarmError) as caught:
        run(package, "--fail-on", "skipped")
    assert caught.value.received == "1 skipped"


def test_what_an_earlier_run_found_counts(package: Path, write_scan: WriteScan, tmp_path: Path) -> None:
    write_scan(tmp_path / "in", [200] * 9)
    run(package, "--jsonl", "out.jsonl")
    with pytest.raises(AlarmError):
        run(package, "--jsonl", "out.jsonl", "--fail-on", "tampered")
