"""A training that was killed goes on, in its MLflow run, and ends as if nothing had happened."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from medfake.errors import TrainingError
from medfake.project import Project
from medfake.tracking.store import Store
from pipelines.train import main

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow(minutes=2)
ARGUMENTS = ["--dataset", "toy", "--detector", "CustomCNN", "--seed", "1"]
PACKAGE = "models/toy/CustomCNN/seed-1"
STATE = ".medfake/interrupted/toy-CustomCNN-1.npz"
OPTIONS = {"weights": "none", "input_size": 32, "head": [8], "epochs": 200, "fine_tune": {"epochs": 60}}


@pytest.fixture
def study(
    tmp_path: Path, write_toy_set: Callable[..., None], toy_block: dict[str, object], empty_database: Path
) -> Path:
    """A folder with a toy set of noise and params for it."""
    shutil.copyfile(empty_database, tmp_path / "mlflow.db")
    write_toy_set(tmp_path / "data/slices/toy", size=96)
    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    params |= {"phantom": {}, "datasets": {"toy": toy_block}, "detectors": {"CustomCNN": OPTIONS}}
    params["train"] = {"datasets": ["toy"], "detectors": ["CustomCNN"], "seeds": [1]}
    params["evaluation"]["bootstrap"] = 100
    params["tracking"]["uri"] = f"sqlite:///{tmp_path}/mlflow.db"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    (tmp_path / ".medfake").mkdir(mode=0o700)
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    return tmp_path


def start(folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.train", *ARGUMENTS], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def finish(folder: Path) -> pd.DataFrame:
    """Train to the end, in this process and working folder; only what is killed needs one of its own."""
    main.main(ARGUMENTS, standalone_mode=False)
    return pd.read_parquet(folder / PACKAGE / "predictions.parquet")


def position(folder: Path) -> dict[str, object]:
    try:
        with np.load(folder / STATE, allow_pickle=False) as stored:
            return dict(json.loads(str(stored["header"]))["position"])
    except FileNotFoundError:
        return {}


def kill_in(folder: Path, phase: str) -> None:
    """Kill the training, children and all, once its state on disk stands in a phase."""
    process = start(folder)
    while position(folder).get("phase") != phase:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_kill_in_either_phase_changes_no_figure(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(study)
    whole = finish(study)
    (study / PACKAGE).rename(study / "whole")
    kill_in(study, "head")
    kill_in(study, "fine-tune")
    assert not (study / PACKAGE).exists()
    pd.testing.assert_frame_equal(finish(study), whole)
    cards = [json.loads((study / name / "card.json").read_text()) for name in ("whole", PACKAGE)]
    assert cards[0]["metrics"] == cards[1]["metrics"]
    assert not (study / STATE).exists()
    client = Store(Project(study).tracking).client
    runs = client.search_runs(["1"], "tags.kind = 'training'")
    assert {run.info.run_id for run in runs} == {card["mlflow_run_id"] for card in cards}
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert {run.data.tags["hardware"] for run in runs} == {card["trained_on"] for card in cards}
    assert {card["trained_on"] for card in cards} == {f"{os.cpu_count()} CPU cores, tensorflow"}
    uninterrupted = client.get_run(cards[0]["mlflow_run_id"])  # the other may have been killed after its last step
    assert 0 <= uninterrupted.data.metrics["cost/waiting_share"] <= 1
    epochs = {len({point.step for point in client.get_metric_history(run.info.run_id, "val_loss")}) for run in runs}
    assert epochs == {OPTIONS["epochs"] + OPTIONS["fine_tune"]["epochs"]}


def test_the_same_training_twice_at_a_time_is_refused_and_status_tells_the_first(study: Path) -> None:
    from medfake.experiments.status import State, read_status

    first = start(study)
    while position(study).get("phase") != "head":
        assert first.poll() is None, first.communicate()[0]
        time.sleep(0.05)
    second = start(study)
    said, _ = second.communicate(timeout=300)
    assert second.returncode == 11
    assert "the training of CustomCNN on toy, seed 1, is under way" in said
    assert [one.state for one in read_status(Project(study)).trainings] == [State.RUNNING]
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert [one.state for one in read_status(Project(study)).trainings] == [State.INTERRUPTED]


def test_changed_params_are_refused_with_the_difference(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kill_in(study, "head")
    params = yaml.safe_load((study / "params.yaml").read_text())
    params["detectors"]["CustomCNN"]["learning_rate"] = 0.01
    (study / "params.yaml").write_text(yaml.safe_dump(params))
    monkeypatch.chdir(study)
    with pytest.raises(TrainingError, match=r"learning_rate 0\.0001 -> 0\.01") as caught:
        finish(study)
    assert f"rm {study}/.medfake/interrupted" in str(caught.value)
    assert caught.value.exit_code == 7
