"""A search for options: budget, nesting, killed workers, the patch; on a journal file and on PostgreSQL."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
import yaml
from optuna.trial import TrialState

from medfake.detectors.registry import validate_options
from medfake.errors import ConfigError, StorageError, TrainingError
from medfake.experiments.search_storage import sampler_of
from medfake.experiments.trial_workers import is_dead, working
from medfake.experiments.tune import tune
from medfake.project import Project
from medfake.tracking.store import Store
from pipelines.tune import main

TUNING = Path(".medfake/tune")
PROJECT = Path(__file__).resolve().parents[2]
SPACE = {"max_depth": {"low": 1, "high": 6}, "min_samples_leaf": {"choices": [1, 2]}}
COMMENTED = """\
study: toy      # why it is there
phantom: {}
forged: {}
inpainters: {}
banks: {}
datasets:
  toy: TOY
detectors:
  # a tree
  DecisionTree: {pool: 8}   # small
  CustomCNN:
    weights: none
    input_size: 32
    head: [8]               # few
    epochs: 40
    fine_tune: {epochs: 0}
train: {datasets: [toy], detectors: [DecisionTree], seeds: [1]}
evaluation: {bootstrap: 100, confidence: 0.95, seed: 1}
nominate: {metric: auc}
tracking: {uri: "sqlite:///FOLDER/mlflow.db", artifacts: mlartifacts, experiment: toy}
tune: TUNE
"""


@pytest.fixture
def study(
    tmp_path: Path,
    write_toy_set: Callable[..., None],
    toy_block: dict[str, Any],
    empty_database: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Path]:
    """Write a project folder with a toy set, and work in it."""
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(empty_database, tmp_path / "mlflow.db")
    write_toy_set(tmp_path / "data/slices/toy", size=96)
    (tmp_path / ".medfake").mkdir(mode=0o700)
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")

    def write(**tune_block: Any) -> Path:
        block = {"trials": 4, "space": {"DecisionTree": SPACE}, **tune_block}
        flow = yaml.safe_dump({"t": block}, default_flow_style=True, width=9999).strip()[len("{t: ") : -1]
        toy = yaml.safe_dump({"t": toy_block}, default_flow_style=True, width=9999).strip()[len("{t: ") : -1]
        (tmp_path / "params.yaml").write_text(
            COMMENTED.replace("TOY", toy).replace("TUNE", flow).replace("FOLDER", str(tmp_path))
        )
        return tmp_path

    return write


def opened(folder: Path, storage: Any = None) -> Any:
    journal = optuna.storages.journal.JournalFileBackend(str(folder / TUNING / "journal.log"))
    storage = storage or optuna.storages.JournalStorage(journal)
    (name,) = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=name, storage=storage)


def test_it_ends_with_its_budget_and_the_lowest_loss(study: Callable[..., Path]) -> None:
    folder = study()
    found = tune(Project(folder), "toy", "DecisionTree")
    trials = opened(folder).get_trials()
    assert found.finished == len(trials) == 4
    assert found.value == min(trial.value for trial in trials)
    assert set(found.best) == set(SPACE)
    again = tune(Project(folder), "toy", "DecisionTree")
    assert again == found
    assert len(opened(folder).get_trials()) == 4


def test_every_trial_is_a_run_nested_in_one(study: Callable[..., Path]) -> None:
    folder = study()
    tune(Project(folder), "toy", "DecisionTree")
    runs = Store(Project(folder).tracking).client.search_runs(["1"])
    (parent,) = (run for run in runs if run.data.tags.get("kind") == "tune")
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    assert len(children) == 4
    assert {run.info.status for run in (parent, *children)} == {"FINISHED"}
    assert {run.info.run_name for run in children} == {f"trial {number}" for number in range(4)}
    assert all("val_loss" in run.data.metrics for run in children)
    assert all(run.data.params["detector"] == "DecisionTree" for run in children)
    (above,) = (run for run in runs if run.info.run_id == parent.data.tags["mlflow.parentRunId"])
    assert (above.data.tags["kind"], above.info.run_name) == ("study", above.data.tags["study"])


@pytest.mark.parametrize(("objective", "least_values"), [("auc", 2), ("h", 1)])
def test_a_figure_of_the_validation_slices_is_raised_and_told_by_every_trial(
    study: Callable[..., Path], objective: str, least_values: int
) -> None:
    space = {**SPACE, "pool": {"choices": [4, 8, 16, 32]}}
    folder = study(objective=objective, trials=6, space={"DecisionTree": space})
    found = tune(Project(folder), "toy", "DecisionTree")
    trials = opened(folder).get_trials()
    assert len({trial.value for trial in trials}) >= least_values
    assert (found.objective, found.value) == (objective, max(trial.value for trial in trials))
    client = Store(Project(folder).tracking).client
    for trial in trials:
        metrics = client.get_run(trial.user_attrs["mlflow_run_id"]).data.metrics
        logged = metrics.get(f"val/slice/{objective}", 0.0)  # an undefined one is logged nowhere, and counts 0
        assert logged == pytest.approx(trial.value, abs=1e-6)
        assert not [name for name in metrics if name.startswith("test/")]


@pytest.mark.slow
def test_a_network_is_pruned_by_its_loss_whatever_is_raised(study: Callable[..., Path]) -> None:
    space = {"learning_rate": {"low": 1e-6, "high": 1e-1, "log": True}}
    folder = study(trials=8, warm_up=1, objective="auc", space={"CustomCNN": space})
    found = tune(Project(folder), "toy", "CustomCNN")
    assert found.pruned >= 1
    for trial in opened(folder).get_trials(states=(TrialState.PRUNED,)):
        step = max(trial.intermediate_values)
        losses = [
            -one.intermediate_values[step] for one in opened(folder).get_trials() if step in one.intermediate_values
        ]
        assert -trial.intermediate_values[step] > min(losses)


def test_validation_of_one_class_defines_no_figure(
    study: Callable[..., Path], write_table: Callable[..., None]
) -> None:
    folder = study(objective="auc")
    manifest = pd.read_parquet(folder / "data/slices/toy/manifest.parquet")
    one_class = manifest.assign(label=manifest.label.where(manifest.split != "val", 0).astype("int8"))
    for column, nothing in (("manipulation", "none"), ("generator", ""), ("site_y", np.nan), ("site_x", np.nan)):
        one_class[column] = one_class[column].where(one_class.split != "val", nothing)
    write_table(folder / "data/slices/toy", one_class)
    with pytest.raises(ConfigError, match="validation slices of one class define no auc"):
        tune(Project(folder), "toy", "DecisionTree")


def plots(folder: Path) -> list[str]:
    client = Store(Project(folder).tracking).client
    (parent,) = client.search_runs(["1"], "tags.kind = 'tune'")
    return [one.path for one in client.list_artifacts(parent.info.run_id, "plots")]


def test_optunas_plots_are_artifacts_of_the_search(study: Callable[..., Path]) -> None:
    folder = study(trials=6, space={"DecisionTree": {**SPACE, "pool": {"choices": [4, 8]}}})
    tune(Project(folder), "toy", "DecisionTree")
    assert plots(folder) == ["plots/history.png", "plots/importances.png"]


@pytest.mark.parametrize(
    ("trials", "space"), [(1, SPACE), (5, {"max_depth": {"low": 1, "high": 3}}), (5, {"max_depth": {"choices": [2]}})]
)
def test_importances_that_are_undefined_are_not_drawn(
    study: Callable[..., Path], trials: int, space: dict[str, Any]
) -> None:
    folder = study(trials=trials, space={"DecisionTree": space})
    tune(Project(folder), "toy", "DecisionTree")
    assert plots(folder) == ["plots/history.png"]


def test_the_test_split_is_out_of_reach(study: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []
    from medfake.experiments import tune as module

    real = module.fit
    monkeypatch.setattr(module, "fit", lambda *a: seen.append(set(a[0].dataset.manifest.split)) or real(*a))
    folder = study()
    tune(Project(folder), "toy", "DecisionTree")
    assert seen == [{"train", "val"}] * 4


def test_a_network_is_pruned_by_its_epochs_and_shares_features(study: Callable[..., Path]) -> None:
    space = {"learning_rate": {"low": 1e-6, "high": 1e-1, "log": True}}
    folder = study(trials=8, warm_up=1, space={"CustomCNN": space})
    found = tune(Project(folder), "toy", "CustomCNN")
    assert found.finished == 8
    assert found.pruned >= 1
    assert len(list((folder / TUNING / "features/toy/CustomCNN").glob("*/features.npy"))) == 1


def test_workers_side_by_side_begin_no_trial_too_many(
    study: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one comes when the first has counted the trials and not yet begun the last."""
    folder = study(trials=1)

    def work() -> None:
        with suppress(TrainingError):  # the one trial is not at its end
            tune(Project(folder), "toy", "DecisionTree")

    second = Thread(target=work)
    optimize = optuna.Study.optimize

    def late(self: optuna.Study, *arguments: Any, **options: Any) -> None:
        if not second.ident:
            second.start()
            second.join(timeout=2)
        optimize(self, *arguments, **options)

    monkeypatch.setattr(optuna.Study, "optimize", late)
    tune(Project(folder), "toy", "DecisionTree")
    second.join()
    assert len(opened(folder).get_trials()) == 1


@pytest.mark.parametrize(
    "other", [{"space": {"DecisionTree": {"max_depth": {"low": 1, "high": 3}}}}, {"objective": "accuracy"}]
)
def test_another_space_or_objective_is_another_study(study: Callable[..., Path], other: dict[str, Any]) -> None:
    folder = study()
    first = tune(Project(folder), "toy", "DecisionTree")
    study(**other)
    assert tune(Project(folder), "toy", "DecisionTree").study != first.study


def test_a_detector_without_a_space_is_refused(study: Callable[..., Path]) -> None:
    folder = study()
    with pytest.raises(ConfigError, match="nothing to search"):
        tune(Project(folder), "toy", "CustomCNN")


@pytest.mark.parametrize("detector", ["MobileNetV3Large", "RandomForest", "ResidualCNN"])
def test_the_hint_for_a_space_proposes_an_option_that_the_detector_has(
    study: Callable[..., Path], detector: str
) -> None:
    folder = study()
    with pytest.raises(ConfigError) as caught:
        tune(Project(folder), "toy", detector)
    hint = yaml.safe_load("{" + str(caught.value.remedy).partition("e.g. ")[2] + "}")
    validate_options(detector, {name: space["choices"][-1] for name, space in hint[detector].items()})


def test_trials_draw_by_their_number_whoever_asks(study: Callable[..., Path]) -> None:
    wide = optuna.distributions.FloatDistribution(0.0, 1.0)

    def drawn(number: int) -> float:
        searched = optuna.create_study(sampler=sampler_of(1, number))
        return float(searched.ask({"x": wide}).params["x"])

    assert drawn(0) == drawn(0)
    assert len({drawn(number) for number in range(20)}) == 20


def test_a_search_whose_store_was_removed_goes_on_in_a_new_run(study: Callable[..., Path]) -> None:
    folder = study(trials=2)
    run(folder, "DecisionTree")
    (folder / "mlflow.db").unlink()
    study(trials=3)
    said = run(folder, "DecisionTree")
    assert "3 trials" in said
    assert "is gone; the search goes on" in said
    runs = Store(Project(folder).tracking).client.search_runs(["1"])
    assert sorted(one.data.tags["kind"] for one in runs) == ["study", "trial", "tune"]


def test_a_search_whose_run_was_deleted_goes_on_in_a_new_run(study: Callable[..., Path]) -> None:
    folder = study(trials=2)
    tune(Project(folder), "toy", "DecisionTree")
    client = Store(Project(folder).tracking).client
    (parent,) = client.search_runs(["1"], "tags.kind = 'tune'")
    client.delete_run(parent.info.run_id)
    study(trials=3)
    assert tune(Project(folder), "toy", "DecisionTree").finished == 3
    (new,) = client.search_runs(["1"], "tags.kind = 'tune'")
    assert new.info.run_id != parent.info.run_id
    assert new.info.status == "FINISHED"


def test_a_lock_that_a_killed_worker_left_holds_nobody_up(study: Callable[..., Path]) -> None:
    folder = study(trials=2)
    tune(Project(folder), "toy", "DecisionTree")
    (folder / TUNING / "journal.log.lock").symlink_to(".medfake/tune/journal.log")  # as Optuna's own workers leave it
    study(trials=3)
    assert tune(Project(folder), "toy", "DecisionTree").finished == 3


def test_what_a_killed_worker_half_wrote_is_taken_away(study: Callable[..., Path]) -> None:
    folder = study(trials=2)
    tune(Project(folder), "toy", "DecisionTree")
    with (folder / TUNING / "journal.log").open("ab") as journal:
        journal.write(b'{"op_code":5,"worker_')
    study(trials=3)
    assert tune(Project(folder), "toy", "DecisionTree").finished == 3
    assert len(opened(folder).get_trials()) == 3


def test_a_journal_that_cannot_be_read_is_one_error_whose_remedy_works(study: Callable[..., Path]) -> None:
    folder = study(trials=2)
    tune(Project(folder), "toy", "DecisionTree")
    journal = folder / TUNING / "journal.log"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(lines[0] + lines[1][:20] + b"\n" + b"".join(lines[2:]))
    with pytest.raises(StorageError, match="journal of the search cannot be read") as caught:
        tune(Project(folder), "toy", "DecisionTree")
    remedy = str(caught.value.remedy).partition(",")[0]
    subprocess.run(remedy.split(), check=True)
    assert tune(Project(folder), "toy", "DecisionTree").finished == 2


def test_a_database_that_is_not_there_is_told(study: Callable[..., Path]) -> None:
    folder = study(storage="postgresql+psycopg://nobody@127.0.0.1:1/none")
    with pytest.raises(StorageError, match="cannot be opened"):
        tune(Project(folder), "toy", "DecisionTree")


def test_a_lock_tells_the_living_from_the_dead(tmp_path: Path) -> None:
    with working(tmp_path) as name:
        assert not is_dead(tmp_path, name)
    (tmp_path / "killed.lock").touch()
    assert is_dead(tmp_path, "killed")
    assert not is_dead(tmp_path, "of-another-machine")


@pytest.mark.parametrize("objective", ["val_loss", "f1"])
def test_the_patch_applies_and_changes_no_comment(study: Callable[..., Path], objective: str) -> None:
    folder = study(objective=objective)
    main.main(["--dataset", "toy", "--detector", "DecisionTree"], standalone_mode=False)
    before = (folder / "params.yaml").read_text()
    patch = folder / "reports/tune/toy-DecisionTree.patch"
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "apply", str(patch)], cwd=folder, check=True)
    after = (folder / "params.yaml").read_text()
    best = opened(folder).best_params
    assert yaml.safe_load(after)["detectors"]["DecisionTree"]["max_depth"] == best["max_depth"]
    assert [line for line in before.splitlines() if line not in after.splitlines()] == [
        "  DecisionTree: {pool: 8}   # small"
    ]
    assert "# small" in after


def worker(folder: Path, detector: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "pipelines.tune", "--dataset", "toy", "--detector", detector]
    return subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip


def run(folder: Path, detector: str) -> str:
    process = worker(folder, detector)
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return said


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.1)


def running(folder: Path, storage: Any = None) -> bool:
    try:
        trials = opened(folder, storage).get_trials(states=(TrialState.RUNNING,))
    except (ValueError, KeyError, FileNotFoundError):
        return False  # not begun
    return any("mlflow_run_id" in trial.user_attrs for trial in trials)


SLOW_SPACE = {"CustomCNN": {"learning_rate": {"low": 1e-6, "high": 1e-1, "log": True}}}


@pytest.mark.slow(minutes=2)
def test_the_trial_of_a_killed_worker_is_done_again(study: Callable[..., Path]) -> None:
    folder = study(trials=3, warm_up=1000, space=SLOW_SPACE)
    process = worker(folder, "CustomCNN")
    wait_for(lambda: running(folder), process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert tune(Project(folder), "toy", "CustomCNN").finished == 3
    trials = opened(folder).get_trials()
    states = [trial.state for trial in trials]
    assert states.count(TrialState.COMPLETE) == 3
    assert states.count(TrialState.FAIL) == 1
    assert states.count(TrialState.RUNNING) == 0
    killed = next(trial for trial in trials if trial.state == TrialState.FAIL)
    assert any(trial.params == killed.params for trial in trials if trial.state == TrialState.COMPLETE)
    statuses = [one.info.status for one in Store(Project(folder).tracking).client.search_runs(["1"])]
    assert sorted(statuses) == ["FINISHED"] * 4 + ["KILLED", "SCHEDULED"]  # the study itself waits for trainings


@pytest.mark.slow
def test_two_workers_share_a_study_on_postgresql_and_outlive_a_kill(study: Callable[..., Path], postgres: str) -> None:
    folder = study(trials=6, warm_up=1000, storage=postgres, heartbeat_s=1, space=SLOW_SPACE)
    storage = optuna.storages.RDBStorage(postgres)
    killed = worker(folder, "CustomCNN")
    wait_for(lambda: running(folder, storage), killed)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    both = [worker(folder, "CustomCNN") for _ in range(2)]
    for process in both:
        said, _ = process.communicate(timeout=300)
        assert process.returncode == 0, said
    trials = opened(folder, storage).get_trials()
    states = [trial.state for trial in trials]
    assert states.count(TrialState.COMPLETE) == 6
    assert states.count(TrialState.RUNNING) == 0
    assert len({trial.user_attrs["worker"] for trial in trials}) == 3
    lost = next(trial for trial in trials if trial.state == TrialState.FAIL)
    assert lost.params
    assert any(trial.params == lost.params for trial in trials if trial.state == TrialState.COMPLETE)
