"""`--json [FILE]` means the same in every command that has it."""

import json
import shutil
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from medfake.cli.root import cli
from medfake.config import TrackingParams
from medfake.errors import OutputRefusedError
from medfake.outputs import STANDARD_OUTPUT
from medfake.registry.ledger import Decision
from medfake.registry.versions import Version


def commands_with_json(command: click.Command = cli, path: tuple[str, ...] = ()) -> dict[str, click.Parameter]:
    found = {" ".join(path): option for option in command.params if "--json" in option.opts}
    for name, child in getattr(command, "commands", {}).items():
        found |= commands_with_json(child, (*path, name))
    return found


COMMANDS = commands_with_json()


def invoke(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, arguments, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result


@pytest.fixture
def project(tracking: TrackingParams) -> TrackingParams:
    """A working folder whose registry is empty."""
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(Path(__file__).resolve().parents[2] / name, name)
    return tracking


def test_the_commands_that_list_and_scan_have_it() -> None:
    assert set(COMMANDS) >= {"scan", "data inspect", "registry list", "registry history", "backbones"}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_its_help_and_its_forms_are_the_same_everywhere(name: str) -> None:
    option: Any = COMMANDS[name]
    assert (option.name, option.metavar, option.flag_value) == ("json_file", "[FILE]", "-")
    text = " ".join(CliRunner().invoke(cli, [*name.split(), "--help"]).output.split())
    assert "--json [FILE] Write the whole result as JSON into FILE" in text
    assert "A bare --json, or FILE -, is standard output" in text


@pytest.mark.parametrize("form", [["--json"], ["--json", "-"], ["--json=-"]])
def test_bare_or_with_a_dash_it_prints_json_alone(form: list[str]) -> None:
    result = invoke("backbones", "VGG*", *form)
    assert [row["name"] for row in json.loads(result.stdout)] == ["VGG16", "VGG19"]
    assert result.stderr == ""


def test_with_a_file_it_writes_there_and_prints_the_table(tmp_path: Path) -> None:
    result = invoke("backbones", "VGG*", "--json", str(tmp_path / "a.json"))
    assert [row["name"] for row in json.loads((tmp_path / "a.json").read_text())] == ["VGG16", "VGG19"]
    assert "VGG16" in result.stdout
    assert result.stderr == f"written: {tmp_path / 'a.json'}\n"


def test_an_argument_after_the_bare_option_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(click.BadParameter, match=r"put --json after it: .*backbones VGG\* --json"):
        invoke("backbones", "--json", "VGG*")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["registry", "list"], ["registry", "history"]])
def test_an_empty_registry_is_an_empty_list(project: TrackingParams, command: list[str]) -> None:
    assert json.loads(invoke(*command, "--json").stdout) == []
    invoke(*command, "--json", "a.json")
    assert json.loads(Path("a.json").read_text()) == []


@pytest.mark.parametrize(
    ("command", "kind"), [(["registry", "list"], Version), (["registry", "history"], Decision)], ids=["list", "history"]
)
def test_a_file_of_another_command_is_not_replaced(project: TrackingParams, command: list[str], kind: type) -> None:
    Path("own.json").write_text(json.dumps([dict.fromkeys(kind.__annotations__)]))
    invoke(*command, "--json", "own.json")
    assert json.loads(Path("own.json").read_text()) == []
    Path("other.json").write_text('[{"name": "VGG16"}]')
    with pytest.raises(OutputRefusedError):
        invoke(*command, "--json", "other.json")
    assert Path("other.json").read_text() == '[{"name": "VGG16"}]'


def test_inspecting_refuses_before_it_reads(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("precious")
    with pytest.raises(OutputRefusedError):  # rather than that there is no such folder
        invoke("data", "inspect", str(tmp_path / "nowhere"), "--json", str(tmp_path / "a.json"))


def test_the_dash_is_what_standard_output_is_called() -> None:
    assert str(STANDARD_OUTPUT) == "-"
