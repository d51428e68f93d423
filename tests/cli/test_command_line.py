"""What holds of every command, whatever the terminal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
ENTRY_POINTS = [
    PROJECT / "mlflow_server" / "__main__.py",
    *(path for path in sorted((PROJECT / "pipelines").glob("*.py")) if "@click.command" in path.read_text()),
]
TELL = (
    "import click\nfrom rich.console import Console\nfrom medfake.cli.command_line import run\n"
    "@click.command()\ndef main():\n"
    "    Console().print('Łódź', markup=False)\n    Console(stderr=True).print('Łódź', markup=False)\n"
    "run(main)\n"
)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "ascii:strict", "utf-8"])
def test_a_letter_that_a_terminal_lacks_is_escaped_on_both_streams(encoding: str) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run([sys.executable, "-c", TELL], capture_output=True, env=environment)
    name = encoding.partition(":")[0]
    expected = "Łódź".encode(name, "backslashreplace")
    assert (done.returncode, done.stdout.strip(), done.stderr.strip()) == (0, expected, expected)


@pytest.mark.parametrize("path", ENTRY_POINTS, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_every_stage_and_the_server_start_through_the_same_door(path: Path) -> None:
    assert path.read_text().rstrip().endswith("run(main)")
