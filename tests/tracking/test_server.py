"""A store behind a server: its places for files, its refusals and its silence."""

from pathlib import Path

import pytest
import yaml

from medfake.config import TrackingParams
from medfake.errors import ConfigError, RegistryError, StorageError
from medfake.project import Project
from medfake.registry.model_registry import ModelRegistry
from medfake.tracking.runs import training_run
from medfake.tracking.store import Store
from tests.fixtures.team import Caller, Team

PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"


def _tracking(uri: str) -> TrackingParams:
    return TrackingParams(uri=uri, artifacts="mlartifacts", experiment="toy")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The default study."""
    (tmp_path / "params.yaml").write_text(PARAMS.read_text())
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    return Project(tmp_path)


def test_mlflows_own_variable_counts_before_params(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert project.tracking.uri == f"sqlite:///{project.root}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example.org")
    there = Project(project.root)
    assert there.tracking.uri == there.params.tracking.uri == "https://mlflow.example.org"
    assert there.tracking.experiment == yaml.safe_load(PARAMS.read_text())["tracking"]["experiment"]


def test_what_is_no_address_is_refused_by_the_name_of_the_variable(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "mlruns")
    with pytest.raises(ConfigError, match="no address") as caught:
        _ = project.tracking
    assert (caught.value.where, caught.value.received) == ("MLFLOW_TRACKING_URI", "mlruns")


def test_a_store_leaves_no_address_in_the_environment(
    tracking: TrackingParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "of somebody")
    _ = Store(tracking).client
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert os.environ["MLFLOW_REGISTRY_URI"] == "of somebody"


def test_a_server_says_itself_where_files_lie() -> None:
    assert Store(_tracking("https://mlflow.example.org")).artifact_root is None
    assert str(Store(_tracking("sqlite:///a.db")).artifact_root).startswith("file:///")


def test_a_server_that_does_not_answer_is_told_without_its_password() -> None:
    with pytest.raises(StorageError, match="does not answer") as caught:
        ModelRegistry(_tracking("http://ann:secret@127.0.0.1:1")).versions()
    assert caught.value.where == "http://127.0.0.1:1"
    assert "secret" not in str(caught.value)
    assert "MLFLOW_TRACKING_URI" in str(caught.value.remedy)


def test_what_is_no_address_of_a_store_is_told_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match="no address of runs and models") as caught:
        ModelRegistry(_tracking("nonsense://ann:secret@somewhere")).versions()
    assert caught.value.received == "nonsense"
    assert "secret" not in str(caught.value)
    assert "sqlite:///mlflow.db" in str(caught.value.remedy)


def _sign_in(user: Caller, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name, value in user.environment.items():
        monkeypatch.setenv(name, value)
    return Store(_tracking(user.environment["MLFLOW_TRACKING_URI"]))


@pytest.mark.slow
def test_a_wrong_password_is_one_clear_error(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    user = team.new_user("ann")
    store = _sign_in(Caller(team.port, user.name, "not-the-password"), monkeypatch)
    with pytest.raises(RegistryError, match="does not know this user") as caught:
        _ = store.client
    assert "MLFLOW_TRACKING_USERNAME" in str(caught.value.remedy)
    assert "not-the-password" not in str(caught.value)


@pytest.mark.slow
def test_what_a_user_may_not_do_is_one_clear_error(team: Team, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    owner, reader = team.new_user("owner"), team.new_user("reader")
    made = owner.ask("POST", "/api/2.0/mlflow/experiments/create", {"name": f"of {owner.name}"})
    number = made.json["experiment_id"]
    team.grant(reader, "READ", "experiment", number)
    run = owner.ask("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": number}).json["run"]["info"]["run_id"]
    store = _sign_in(reader, monkeypatch)
    with store.session() as client:
        assert client.get_run(run).info.run_id == run
    with pytest.raises(RegistryError, match="does not let this user"), store.session() as client:
        client.set_tag(run, "a", "b")
    (tmp_path / "note.txt").write_text("a note")
    with pytest.raises(RegistryError, match="does not let this user"), store.session() as client:
        client.log_artifact(run, str(tmp_path / "note.txt"))


@pytest.mark.slow
def test_who_may_edit_an_experiment_trains_in_it(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, editor = team.new_user("owner"), team.new_user("editor")
    name = f"of {owner.name}"
    made = owner.ask("POST", "/api/2.0/mlflow/experiments/create", {"name": name})
    team.grant(editor, "EDIT", "experiment", made.json["experiment_id"])
    store = _sign_in(editor, monkeypatch)
    store.experiment = name
    with training_run(store, "a run", {"a": 1}, {}) as run:
        run.log_metrics({"auc": 0.5})
        run.log_text("note.txt", "a note")
    assert owner.ask("GET", f"/get-artifact?run_id={run.run_id}&path=note.txt").body == b"a note"


@pytest.mark.slow
def test_a_run_keeps_its_files_on_the_server(team: Team, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    user = team.new_user("ann")
    store = _sign_in(user, monkeypatch)
    store.experiment = f"of {user.name}"
    (tmp_path / "package").mkdir()
    (tmp_path / "package/card.json").write_text("{}")
    with training_run(store, "a run", {"a": 1}, {}) as run:
        run.log_folder(tmp_path / "package", "package")
        run.log_text("note.txt", "a note")
    info = store.client.get_run(run.run_id).info
    assert (info.status, info.artifact_uri.split(":")[0]) == ("FINISHED", "mlflow-artifacts")
    fetched = user.ask("GET", f"/get-artifact?run_id={run.run_id}&path=package/card.json")
    assert (fetched.status, fetched.body) == (200, b"{}")
    assert {path.name for path in tmp_path.iterdir()} == {"package"}
