import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from medfake.config import TrackingParams
from medfake.errors import RegistryError
from medfake.tracking.runs import begin_run, training_run
from medfake.tracking.store import Store


def _only_run(tracking: TrackingParams) -> object:
    client = Store(tracking).client
    experiment = client.get_experiment_by_name("medfake")
    (run,) = client.search_runs([experiment.experiment_id])
    return run


def test_a_finished_run_keeps_params_curves_figures_and_tags(tracking: TrackingParams) -> None:
    with training_run(Store(tracking), "a run", {"seed": 1}, {"dataset_sha256": "abc"}) as run:
        run.log_dataset("chest", "d" * 64, {"train": 8})
        run.log_epoch(1, {"val_loss": 0.7})
        run.log_epoch(2, {"val_loss": 0.5})
        run.log_metrics({"val_auc": 0.9, "val_tpr": None})
    logged = _only_run(tracking)
    assert logged.info.status == "FINISHED"
    assert logged.data.params == {"seed": "1"}
    assert logged.data.metrics == {"val_loss": 0.5, "val_auc": 0.9}
    assert logged.data.tags["dataset_sha256"] == "abc"
    (learnt,) = logged.inputs.dataset_inputs
    assert (learnt.dataset.name, learnt.dataset.digest, learnt.dataset.profile) == ("chest", "d" * 36, '{"train": 8}')
    curve = Store(tracking).client.get_metric_history(run.run_id, "val_loss")
    assert [(point.step, point.value) for point in curve] == [(1, 0.7), (2, 0.5)]


def test_a_run_that_breaks_ends_failed(tracking: TrackingParams) -> None:
    with pytest.raises(RuntimeError), training_run(Store(tracking), "a run", {}, {}):
        raise RuntimeError
    assert _only_run(tracking).info.status == "FAILED"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_interrupted_ends_killed(tracking: TrackingParams, tmp_path: Path, number: int) -> None:
    code = (
        "import time\nfrom pathlib import Path\n"
        "from medfake.config import TrackingParams\nfrom medfake.tracking.runs import training_run\n"
        "from medfake.tracking.store import Store\n"
        f"params = TrackingParams(uri={tracking.uri!r}, artifacts={tracking.artifacts!r}, experiment='medfake')\n"
        "with training_run(Store(params), 'a run', {}, {}):\n"
        "    Path('ready').touch()\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.DEVNULL)
    while not (tmp_path / "ready").exists() and process.poll() is None:
        time.sleep(0.1)
    os.kill(process.pid, number)
    assert process.wait(30) != 0
    assert _only_run(tracking).info.status == "KILLED"


def test_a_deleted_experiment_is_one_error_whose_remedy_brings_it_back(tracking: TrackingParams) -> None:
    store = Store(tracking)
    begin_run(store, "first", {})
    experiment = store.client.get_experiment_by_name(tracking.experiment)
    store.client.delete_experiment(experiment.experiment_id)
    with pytest.raises(RegistryError, match="was deleted") as caught:
        begin_run(store, "second", {})
    setting, *command = str(caught.value.remedy).partition(",")[0].split()
    assert command[:3] == ["mlflow", "experiments", "restore"]
    name, _, uri = setting.partition("=")
    program = str(Path(sys.executable).with_name("mlflow"))
    subprocess.run([program, *command[1:]], env={**os.environ, name: uri}, check=True, stdout=subprocess.DEVNULL)
    assert begin_run(store, "third", {})


def test_the_pages_of_mlflow_open_an_experiment_as_one_of_trainings(tracking: TrackingParams) -> None:
    store = Store(tracking)
    begin_run(store, "first", {})
    experiment = store.client.get_experiment_by_name(tracking.experiment)
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"
