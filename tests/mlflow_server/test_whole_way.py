"""The whole way with a user's name and password: train, nominate, promote, scan, roll back, all over HTTP."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from mlflow_server.new_secrets import SERVICE_USER
from tests.fixtures.team import Caller, Team, scanner_as_composed

PROJECT = Path(__file__).resolve().parents[2]
MODEL = "medfake-detector"
DETECTOR = "CustomCNN"
OPTIONS = {"weights": "none", "input_size": 32, "head": [4], "epochs": 2, "fine_tune": {"epochs": 0}}
PATIENCE_S = 120.0
RunCommand = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.slow(minutes=2)


@pytest.fixture
def project(tmp_path: Path, write_toy_set: Callable[..., None], toy_block: dict[str, Any]) -> Path:
    """A project with a toy set, whose params.yaml names a store of its own, which nothing must touch."""
    write_toy_set(tmp_path / "data/slices/toy", size=96)
    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    params |= {"phantom": {}, "datasets": {"toy": toy_block}, "detectors": {DETECTOR: OPTIONS}}
    params["train"] = {"datasets": ["toy"], "detectors": [DETECTOR], "seeds": [1]}
    params["evaluation"]["bootstrap"] = 100
    params["promote"] = {"metrics": {}, "patients": 1, "calibration_error": None}  # two patients say nothing
    params["tracking"] = {"uri": "sqlite:///mlflow.db", "artifacts": "mlartifacts", "experiment": "toy"}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    (tmp_path / ".medfake").mkdir(mode=0o700)
    return tmp_path


@pytest.fixture
def run_as(project: Path) -> RunCommand:
    """Run a command in the project with a user's name and password."""

    def run_command(user: Caller, *command: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **user.environment, "PYTHONPATH": str(PROJECT)}
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=project, env=environment, capture_output=True, text=True, timeout=300
        )
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        assert user.password not in done.stdout + done.stderr
        return done

    return run_command


def test_a_user_trains_nominates_promotes_scans_and_rolls_back(
    team: Team, run_as: RunCommand, project: Path, tmp_path: Path, write_scan: Callable[..., Path]
) -> None:
    scan = write_scan(project / "scan", [-200, 0, 200, 0, -200, 0])
    user = team.new_user("trainer")
    run_as(user, "pipelines.train", "--dataset", "toy", "--detector", DETECTOR, "--seed", "1")
    run_as(user, "pipelines.compare")
    run_as(user, "pipelines.nominate")
    tracked = run_as(user, "pipelines.track")
    assert f"then open http://127.0.0.1:{team.port}/#/experiments/" in tracked.stdout
    shutil.rmtree(project / "data")  # the machine that decides has no data, so that guards have nothing to look at
    run_as(user, "medfake.cli.root", "promote")
    first = _champion(user)
    found = run_as(user, "medfake.cli.root", "scan", str(scan), "--model", "champion", "--json", "scan.json")
    assert f"{MODEL} version {first}" in found.stdout + found.stderr + (project / "scan.json").read_text()
    (judged,) = json.loads((project / "scan.json").read_text())["scans"]
    assert len(judged["slices"]) == 6

    other = team.new_user("other")
    refused = run_as(other, "medfake.cli.root", "scan", str(scan), "--model", "champion", fails=True)
    assert "does not let this user do that" in refused.stderr
    reader = team.new_user("reader")
    team.grant(reader, "READ", "registered_model", MODEL)
    team.grant(reader, "READ", "experiment", _experiment(user))
    again = run_as(reader, "medfake.cli.root", "scan", str(scan), "--model", "champion", "--json", "-")
    assert json.loads(again.stdout)["scans"][0]["p_tampered"] == judged["p_tampered"]
    refused = run_as(reader, "medfake.cli.root", "rollback", fails=True)
    assert "does not let this user do that" in refused.stderr
    assert _champion(user) == first

    _answers_with_the_champion(team, user, scan, first, judged["p_tampered"], tmp_path)
    run_as(user, "medfake.cli.root", "rollback")
    assert _champion(user) is None
    assert not (project / "mlflow.db").exists()
    assert not (project / "mlartifacts").exists()


def _champion(user: Caller) -> int | None:
    found = user.ask("GET", f"/api/2.0/mlflow/registered-models/alias?name={MODEL}&alias=champion")
    return int(found.json["model_version"]["version"]) if found.status == 200 else None


def _experiment(user: Caller) -> str:
    found = user.ask("GET", "/api/2.0/mlflow/experiments/get-by-name?experiment_name=toy")
    return str(found.json["experiment"]["experiment_id"])


def _answers_with_the_champion(
    team: Team, user: Caller, scan: Path, version: int | None, p_tampered: float, folder: Path
) -> None:
    """The service of compose.yaml, with a user of its own who may only read, finds what `medfake scan` found."""
    credentials = ConfigParser()
    credentials.read(team.folder / "mlflow_credentials")
    own = team.new_user_called(SERVICE_USER, credentials["mlflow"]["mlflow_tracking_password"])
    team.grant(own, "READ", "registered_model", MODEL)
    team.grant(own, "READ", "experiment", _experiment(user))
    command, environment = scanner_as_composed(folder, team)
    command += ["--model", "champion"]  # it learnt from what is called phantom, and the scan is none: else the built-in
    port = int(command[command.index("--port") + 1])
    with (folder / "service.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder / "scan", env=environment, stdout=log, stderr=log)
    try:
        until = time.monotonic() + PATIENCE_S
        while _readiness(port) != 200:
            assert process.poll() is None, (folder / "service.log").read_text()
            assert time.monotonic() < until, (folder / "service.log").read_text()
            time.sleep(0.2)
        token = (team.folder / "medfake_tokens").read_text().strip().partition("=")[2]
        files = [("files", (path.name, path.read_bytes())) for path in sorted(scan.iterdir())]
        headers = {"Authorization": f"Bearer {token}"}
        answer = requests.post(f"http://127.0.0.1:{port}/v1/scans", files=files, headers=headers, timeout=120)
        assert answer.status_code == 200, answer.text
        assert f"version {version}" in str(answer.json()["model"])
        assert answer.json()["scans"][0]["p_tampered"] == p_tampered
    finally:
        process.terminate()
        process.wait(60)


def _readiness(port: int) -> int:
    """Of /readyz; 0 where nobody answers yet."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=10).status_code
    except requests.ConnectionError:
        return 0
