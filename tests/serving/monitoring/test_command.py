"""`medfake monitor` as it is typed."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click import UsageError
from click.testing import CliRunner, Result

from medfake.cli.root import cli
from medfake.errors import DriftError, OutputRefusedError
from medfake.package.reference import write_reference
from medfake.serving.database import open_database
from medfake.serving.default_places import default_database
from medfake.serving.monitoring.known import reference_of_served
from medfake.serving.monitoring.recorder import Recorder
from medfake.serving.monitoring.served import ServedScan, model_digest
from tests.conftest import MakePackage
from tests.serving.monitoring.conftest import MakeServed

TODAY = datetime.now(UTC).date()


@pytest.fixture
def package(make_package: MakePackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEDFAKE_DATABASE", f"sqlite:///{tmp_path}/served.db")
    return make_package()


def record(scans: list[ServedScan], package: Path, key: str = "job") -> None:
    digest = model_digest(package)
    served = {
        f"{key}/{number}": ServedScan.from_json(one.as_json() | {"model_digest": digest})
        for number, one in enumerate(scans)
    }
    Recorder(open_database(default_database())).record(served)


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(cli, ["monitor", *map(str, arguments)], standalone_mode=False)
    if result.exception:
        raise result.exception
    return result


@pytest.fixture
def drifted(package: Path, make_served: MakeServed) -> Path:
    """A package whose reference is not what it was served."""
    record(make_served(40, seed=2, day=str(TODAY), noise_hu=35.0), package)
    write_reference(package / "reference.json", reference_of_served(make_served(60, seed=1), "some scans", "g"))
    return package


def test_it_says_what_drifted_and_ends_with_what_to_type(drifted: Path) -> None:
    output = run("--model", drifted).stdout
    assert "40 scans served on" in output
    assert "retrain: The scans that are served are not like those" in output
    assert "Noise in the lung drifted: 3" in output
    assert "next: retrain: have scans of these days at hand, of 10 patients or more" in output
    assert "Research use only" in output


def test_json_and_page_hold_the_same_answer(drifted: Path) -> None:
    for _ in range(2):  # an earlier one is replaced
        result = run("--model", drifted, "--json", "found.json", "--out", "found.html")
    assert "written: found.json found.html" in result.stdout
    found = json.loads(Path("found.json").read_text())
    assert found["advice"]["finding"] == "retrain"
    assert "Noise in the lung drifted" in Path("found.html").read_text()


def test_a_bare_json_leaves_standard_output_to_itself(drifted: Path) -> None:
    result = run("--model", drifted, "--json")
    assert json.loads(result.stdout)["served"] == 40
    assert "next: retrain" in result.stderr


def test_a_file_of_another_kind_is_not_replaced(drifted: Path) -> None:
    Path("letter.html").write_text("<title>a letter</title>")
    with pytest.raises(OutputRefusedError, match="not a page of medfake"):
        run("--model", drifted, "--out", "letter.html")
    assert Path("letter.html").read_text() == "<title>a letter</title>"


def test_a_script_may_ask_it_to_fail_on_drift(drifted: Path) -> None:
    with pytest.raises(DriftError) as caught:
        run("--model", drifted, "--fail-on", "drift", "--json", "found.json")
    assert caught.value.exit_code == 15
    assert Path("found.json").exists()
    run("--model", drifted, "--fail-on", "unknown")


def test_a_script_may_ask_it_to_fail_where_nobody_can_say(package: Path, make_served: MakeServed) -> None:
    record(make_served(5, seed=2), package)
    run("--model", package, "--fail-on", "drift")
    with pytest.raises(DriftError):
        run("--model", package, "--fail-on", "unknown")


def test_a_baseline_and_days_may_be_given(package: Path, make_served: MakeServed) -> None:
    record(make_served(30, seed=1, day=str(TODAY - timedelta(days=90))), package, "old")
    record(make_served(30, seed=2, day=str(TODAY)), package, "new")
    output = run("--model", package, "--baseline", 30, "--since", "30d").stdout
    assert "30 scans served on" in output
    assert "the first 30 scans that it was served" in output
    assert "as before: The scans that are served look like those" in output
    assert "No scan was served" in run("--model", package, "--since", str(TODAY + timedelta(days=1))).stdout


@pytest.mark.parametrize("since", ["30", "30x", "yesterday", "2026-13-01"])
def test_other_days_are_refused(package: Path, since: str) -> None:
    with pytest.raises(UsageError, match="30d or 4w"):
        run("--model", package, "--since", since)


def test_two_things_to_compare_with_are_refused(package: Path) -> None:
    with pytest.raises(UsageError, match="give one"):
        run("--model", package, "--baseline", 3, "--reference", "r.json")


def test_old_scans_are_removed_when_told_to(package: Path, make_served: MakeServed) -> None:
    record(make_served(3, seed=1, day=str(TODAY - timedelta(days=90))), package, "old")
    record(make_served(2, seed=2, day=str(TODAY)), package, "new")
    assert "of 3 scans" in run("prune", "--keep", 30).stdout
    assert "of 0 scans" in run("prune", "--keep", 30).stdout


def test_a_reference_is_made_of_a_folder_and_taken(package: Path, write_scan, tmp_path: Path) -> None:
    for number in range(3):
        write_scan(tmp_path / "scans" / str(number), [-700] * 4, patient=f"DOE^{number}")
    assert "next: medfake monitor --reference r.json" in run(
        "reference", tmp_path / "scans", "--model", package, "--out", "r.json"
    ).stderr  # fmt: skip
    assert json.loads(Path("r.json").read_text())["scans"] == 3
    assert "The detector tells of 3 scans" in run("--model", package, "--reference", "r.json").stdout


def test_words_of_a_header_are_no_markup_of_the_terminal(package: Path, make_served: MakeServed) -> None:
    record(make_served(30, seed=1, words={"kernel": ["[bold]k[/bold]"]}), package)
    write_reference(package / "reference.json", reference_of_served(make_served(60, seed=1), "some scans", "g"))
    assert "[bold]k[/bold]" in run("--model", package).stdout


def test_without_an_address_the_database_is_that_of_the_service_in_the_project_or_among_the_users_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MEDFAKE_DATABASE", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    assert default_database() == f"sqlite:///{tmp_path}/user/medfake/service/service.db"
    (tmp_path / "params.yaml").touch()
    (tmp_path / "dvc.yaml").touch()
    assert default_database() == f"sqlite:///{tmp_path}/.medfake/service/service.db"
