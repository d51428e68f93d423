import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from medfake.config import NominateParams, TrackingParams
from medfake.errors import BusyError, RegistryError, StorageError
from medfake.experiments.provenance import without_paths
from medfake.package.card import CARD_FILE, ONNX_FILE, read_card
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.nominate import nominate
from medfake.registry.promotion import promote
from medfake.registry.versions import Alias
from medfake.tracking import store_errors
from medfake.tracking.runs import training_run
from medfake.tracking.store import Store
from medfake.tracking.store_errors import require_openable, store_name, translated
from tests.conftest import HERE

MakePackage = Callable[..., Path]
AUC = NominateParams(metric="auc")


def _files(registry: ModelRegistry, alias: str) -> Path:
    return registry.package(registry.find(alias))


def test_a_package_whose_run_is_not_in_this_store_gets_a_run(
    make_package: MakePackage, tracking: TrackingParams
) -> None:
    nominate([make_package(mlflow_run_id="0" * 32)], AUC, ModelRegistry(tracking))
    (version,) = ModelRegistry(tracking).versions()
    run = Store(tracking).client.get_run(version.run_id)
    assert (run.info.status, run.data.tags["trained"]) == ("FINISHED", "elsewhere")


def test_registering_leaves_the_end_of_a_training_alone(make_package: MakePackage, tracking: TrackingParams) -> None:
    with training_run(Store(tracking), "a run", {}, {}) as run:
        pass
    client = Store(tracking).client
    before = client.get_run(run.run_id).info
    nominate([make_package(mlflow_run_id=run.run_id)], AUC, ModelRegistry(tracking))
    after = client.get_run(run.run_id).info
    assert (after.status, after.end_time) == (before.status, before.end_time)


def test_no_name_of_a_user_or_program_is_kept(make_package: MakePackage, tracking: TrackingParams) -> None:
    with training_run(Store(tracking), "a run", {}, {}) as run:
        pass
    nominate([make_package(mlflow_run_id=run.run_id)], AUC, ModelRegistry(tracking))
    client = Store(tracking).client
    info = client.get_run(run.run_id)
    (model,) = client.search_logged_models([info.info.experiment_id])
    assert not {"mlflow.user", "mlflow.source.name"} & (set(model.tags) | set(info.data.tags))


def test_a_path_among_the_options_is_told_by_its_last_name_only() -> None:
    options = {"weights": "/home/somebody/w.h5", "epochs": 3, "rule": "none"}
    assert without_paths(options) == {"weights": "w.h5", "epochs": 3, "rule": "none"}


def _moved(tracking: TrackingParams, make_package: MakePackage, monkeypatch: pytest.MonkeyPatch) -> TrackingParams:
    root = Path.cwd()
    here = tracking.model_copy(update={"uri": f"sqlite:///{root}/old/mlflow.db", "artifacts": "mlartifacts"})
    (root / "old").mkdir()
    monkeypatch.chdir(root / "old")
    nominate([make_package()], AUC, ModelRegistry(here))
    promote(ModelRegistry(here), HERE)
    (root / "old").rename(root / "new")
    monkeypatch.chdir(root / "new")
    return here.model_copy(update={"uri": f"sqlite:///{root}/new/mlflow.db"})


def test_a_moved_project_keeps_its_champion(
    make_package: MakePackage, tracking: TrackingParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = _moved(tracking, make_package, monkeypatch)
    assert read_card(_files(ModelRegistry(here), Alias.CHAMPION)).detector == "ResidualCNN"


def test_a_moved_project_does_not_log_to_its_old_place(
    make_package: MakePackage, tracking: TrackingParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = _moved(tracking, make_package, monkeypatch)
    with pytest.raises(RegistryError, match="moved or copied"), training_run(Store(here), "a run", {}, {}):
        pass


def test_a_version_without_its_files_is_one_clear_error_and_is_registered_anew(
    make_package: MakePackage, tracking: TrackingParams
) -> None:
    package = make_package()
    nominate([package], AUC, ModelRegistry(tracking))
    stored = _files(ModelRegistry(tracking), "challenger")
    stored.rename(stored.with_name("away"))
    with pytest.raises(RegistryError, match="files of this version are gone"):
        _files(ModelRegistry(tracking), "challenger")
    nomination = nominate([package], AUC, ModelRegistry(tracking))
    assert nomination is not None
    assert nomination.version == 2


@pytest.mark.parametrize("name", [ONNX_FILE, CARD_FILE])
def test_a_version_that_lacks_one_of_its_files_is_told_like_one_without_any(
    make_package: MakePackage, tracking: TrackingParams, name: str
) -> None:
    nominate([make_package()], AUC, ModelRegistry(tracking))
    (_files(ModelRegistry(tracking), "challenger") / name).unlink()
    with pytest.raises(RegistryError, match="files of this version are gone") as caught:
        _files(ModelRegistry(tracking), "challenger")
    assert str(caught.value.remedy).endswith("dvc repro -s -f nominate")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("(sqlite3.OperationalError) database or disk is full", StorageError),
        ("(sqlite3.OperationalError) unable to open database file", StorageError),
        ("attempt to write a readonly database", StorageError),
        ("(sqlite3.DatabaseError) database disk image is malformed", StorageError),
        ("(sqlite3.DatabaseError) file is not a database", StorageError),
        ("database is locked", BusyError),
        ("Detected out-of-date database schema", RegistryError),
        ("anything else", RegistryError),
    ],
)
def test_what_a_store_raises_becomes_one_clear_error(text: str, kind: type[Exception]) -> None:
    from mlflow.exceptions import MlflowException

    with pytest.raises(kind) as caught, translated("postgresql://me:secret@host/db"):
        raise MlflowException(text)
    assert caught.value.remedy
    assert "secret" not in str(caught.value)


def test_a_damaged_database_is_told_with_the_way_to_a_new_one(tracking: TrackingParams) -> None:
    database = Path(tracking.uri.removeprefix("sqlite:///"))
    database.write_bytes(b"not SQLite any more" * 100)
    with pytest.raises(StorageError, match="is damaged") as caught:
        ModelRegistry(tracking).versions()
    assert f"mv {database} {database}.damaged, then dvc repro -s -f nominate" in str(caught.value.remedy)


@pytest.mark.parametrize("place", ["a folder", "a link to nothing"])
def test_a_database_that_cannot_be_opened_is_told_without_waiting(tracking: TrackingParams, place: str) -> None:
    database = Path(tracking.uri.removeprefix("sqlite:///"))
    database.unlink(missing_ok=True)
    if place == "a folder":
        database.mkdir()
    else:
        database.symlink_to(database.parent / "nowhere" / "mlflow.db")
    with pytest.raises(StorageError, match="cannot be opened"):
        require_openable(tracking.uri)
    with pytest.raises(StorageError, match="cannot be opened"):
        _ = Store(tracking).client


def test_a_database_that_another_process_holds_is_busy(
    tracking: TrackingParams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_errors, "_PATIENCE_S", 0.0)
    database = Path(tracking.uri.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BusyError, match="another process holds"):
            require_openable(tracking.uri)
        other.execute("ROLLBACK")
    require_openable(tracking.uri)


def test_a_password_is_not_part_of_a_stores_name() -> None:
    assert store_name("postgresql://me:secret@host/db") == "postgresql://host/db"
    assert store_name("sqlite:///mlflow.db") == "sqlite:///mlflow.db"


def test_an_interrupted_training_leaves_no_package(tmp_path: Path, tracking: TrackingParams) -> None:
    code = (
        "import time\nfrom pathlib import Path\nfrom medfake.config import TrackingParams\n"
        "from medfake.files import replace_folder\nfrom medfake.tracking.runs import training_run\n"
        "from medfake.tracking.store import Store\n"
        f"params = TrackingParams(uri={tracking.uri!r}, artifacts={tracking.artifacts!r}, experiment='medfake')\n"
        "with training_run(Store(params), 'a run', {}, {}), replace_folder(Path('out')) as folder:\n"
        "    (folder / 'half').write_text('written')\n    Path('ready').touch()\n    time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.DEVNULL)
    while not (tmp_path / "ready").exists() and process.poll() is None:
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(30) != 0
    assert not list(tmp_path.glob("*out*")) + list(tmp_path.glob(".out*"))
