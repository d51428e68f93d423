import re
import shlex
from pathlib import Path

import click
import pytest
from dvc.cli.parser import get_main_parser

from medfake.cli.root import cli

PROJECT = Path(__file__).resolve().parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
PLACEHOLDERS = {"PATH", "FOLDER"}


def _commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    rows = re.findall(r"^\| `([^`]+)` \|", README, flags=re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()] + rows


def _make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), flags=re.MULTILINE))


def _parse(arguments: list[str]) -> None:
    """Let click parse a command without running it."""
    command: click.Command = cli
    context = click.Context(cli, info_name="medfake")
    while isinstance(command, click.Group):
        name, *arguments = arguments
        child = command.get_command(context, name)
        assert child is not None, f"medfake has no command {name}"
        command = child
    command.make_context(command.name, arguments)


def test_the_readme_shows_commands_of_every_kind() -> None:
    starts = {shlex.split(command)[0] for command in _commands()}
    assert {"make", "medfake", "dvc", "python"} <= starts


@pytest.mark.parametrize("command", _commands())
def test_every_command_of_the_readme_exists(command: str) -> None:
    program, *arguments = shlex.split(command)
    if program == "make":
        assert arguments[0] in _make_targets()
    elif program == "medfake":
        _parse(arguments)
    elif program == "dvc":
        get_main_parser().parse_args(arguments)
    elif program == "python":
        assert arguments[0] == "-m"
        module = PROJECT / arguments[1].replace(".", "/")
        assert (module / "__main__.py").exists() or module.with_suffix(".py").exists()
    elif program == "cp":
        assert (PROJECT / arguments[0]).exists()
        assert (PROJECT / arguments[1]).exists()
    else:
        assert (program, arguments) == ("source", [".venv/bin/activate"])


def test_every_file_that_the_readme_links_exists() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (PROJECT / target).exists(), target
