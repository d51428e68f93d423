import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest
from dvc.cli.parser import get_main_parser

from medfake.cli.root import cli
from medfake.metrics.embeddings import write_embeddings
from medfake.metrics.predictions import write_predictions
from medfake.package.card import EMBEDDINGS_FILE, PREDICTIONS_FILE
from medfake.training.keras_setup import BACKEND_VARIABLE
from tests.fixtures.timed import package_timing, timings_of

PROJECT = Path(__file__).resolve().parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
NOISE = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)


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
        if command.invoke_without_command and (not arguments or arguments[0].startswith("-")):
            break  # it is a command itself
        if arguments[0] not in command.list_commands(context) and command.subcommand_metavar.startswith("|"):
            _, child, arguments = command.resolve_command(context, arguments)  # it is one where it is given a path
            command = child
            break
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
    if program == f"{BACKEND_VARIABLE}=jax":
        program, *arguments = arguments
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
    elif program == ".venv/bin/pip":
        extra = re.fullmatch(r"medfake\[(\w+)\]", arguments[1])
        assert extra is not None
        assert extra[1] in tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    else:
        assert (program, arguments) == ("source", [".venv/bin/activate"])


def test_what_the_readme_shows_in_python_runs_as_it_stands(
    tmp_path: Path, make_package: Callable[..., Path], predict: Callable[..., pd.DataFrame]
) -> None:
    timed = {}
    for name in ("ResNet50V2", "RandomForest"):
        package = tmp_path / "models/chest" / name / "seed-1"
        shutil.copytree(make_package(name, detector=name), package)
        table = predict(detector=name, slices=3)
        write_predictions(package / PREDICTIONS_FILE, table)
        timed[name] = package_timing([1.0, 2.0])
    write_embeddings(tmp_path / "models/chest/ResNet50V2/seed-1" / EMBEDDINGS_FILE, table.slice_id, NOISE[: len(table)])
    timings_of(**timed).write(tmp_path / "reports/timings.json")
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    run = [sys.executable, "-c", code]
    done = subprocess.run(
        run, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(PROJECT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["best", "safest", "fastest", "smallest"]
    assert (tmp_path / "comparison.json").exists()
    assert (tmp_path / "latent.json").exists()


def test_every_file_that_the_readme_links_exists() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (PROJECT / target).exists(), target
