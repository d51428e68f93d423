"""The whole way with a user's name and password: train, nominate, promote, scan, roll back, all over HTTP."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fixtures.team import Caller, Team

PROJECT = Path(__file__).resolve().parents[2]
MODEL = "medfake-detector"
RunCommand = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.slow(minutes=2)


@pytest.fixture
def project(tmp_path: Path, write_toy_set: Callable[..., None], toy_block: dict[str, Any]) -> Path:
    """A project with a toy set, whose params.yaml names a store of its own, which nothing must touch."""
    write_toy_set(tmp_path / "data/slices/toy", size=96)
    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    params |= {"phantom": {}, "datasets": {"toy": toy_block}, "detectors": {"DecisionTree": {"pool": 8}}}
    params["train"] = {"datasets": ["toy"], "detectors": ["DecisionTree"], "seeds": [1, 2]}
    params["evaluation"]["bootstrap"] = 100
    # a tree that learnt noise of two patients is told from nothing: gates with a floor are tested elsewhere
    params["promote"] = {"metrics": {}, "patients": 1, "calibration_error": None}
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


def _train(run_as: RunCommand, user: Caller, seed: int) -> None:
    run_as(user, "pipelines.train", "--dataset", "toy", "--detector", "DecisionTree", "--seed", str(seed))


def test_a_user_trains_nominates_promotes_scans_and_rolls_back(
    team: Team, run_as: RunCommand, project: Path, write_scan: Callable[..., Path]
) -> None:
    scan = write_scan(project / "scan", [-200, 0, 200, 0, -200, 0])
    user = team.new_user("trainer")
    run_as(user, "pipelines.check", "--dataset", "toy")
    _train(run_as, user, 1)
    run_as(user, "pipelines.nominate")
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
