"""What mlflow_server/README.md shows is so."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mlflow_server.__main__ import main
from mlflow_server.configured_service import BACKEND, DESTINATION, HOSTS, SECRETS
from tests.fixtures.team import Team

PROJECT = Path(__file__).resolve().parents[2]
GUIDE = (PROJECT / "mlflow_server/README.md").read_text(encoding="utf-8")


def _lines() -> list[str]:
    return [line for block in re.findall(r"```sh\n(.*?)```", GUIDE, flags=re.DOTALL) for line in block.splitlines()]


def test_our_commands_take_what_the_guide_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("cert.pem", "key.pem", "compose.yaml"):
        (tmp_path / name).touch()
    typed = [shlex.split(line)[3:] for line in _lines() if line.startswith("python -m mlflow_server")]
    assert [words[0] for words in typed] == ["secrets", "check", "check", "team"]
    for name, *arguments in typed:
        with main.commands[name].make_context(name, arguments):
            pass


def test_the_variables_of_the_guide_are_those_that_the_server_reads() -> None:
    exported = {
        name for line in _lines() if line.startswith("export ") for name in re.findall(r"([A-Z_]+)=", line)
    }  # fmt: skip
    known = {BACKEND, DESTINATION, HOSTS, *(f"{name}_FILE" for name in SECRETS)}
    compose = set(re.findall(r"\$\{(\w+)", (PROJECT / "compose.yaml").read_text()))
    client = {"MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"}
    assert exported == known | compose | client


@pytest.mark.slow
def test_a_user_is_made_and_granted_rights_as_the_guide_says(team: Team) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)
    made = team.admin.ask("POST", "/api/2.0/mlflow/experiments/create", {"name": "of the guide"})
    number = made.json["experiment_id"]
    code = code.replace("https://mlflow.example.org", f"http://127.0.0.1:{team.port}").replace('"1"', f'"{number}"')
    environment = {**os.environ, **team.admin.environment}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "EDIT" in done.stdout
