"""`medfake reproduce`: a training is done again in a scratch folder, from the code, params and data of its run."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from medfake.errors import RegistryError, ReproductionError
from medfake.experiments.reproduce import package_of_run, reproduce
from medfake.project import Project
from medfake.tracking.store import Store

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow(minutes=1)
STAGES = """\
stages:
  slices:
    foreach: [toy]
    do:
      cmd: mkdir -p data/slices && cp -r ${datasets.toy.reals.path} data/slices/toy
      deps: ["${datasets.toy.reals.path}"]
      outs: [data/slices/toy]
"""


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory,
    write_toy_set: Callable[..., None],
    toy_block: dict[str, Any],
    empty_database: Path,
) -> Project:
    """A project under git and DVC with a training whose params were not committed; params.yaml is the committed one."""
    root = tmp_path_factory.mktemp("projects") / "toy"
    for room in ("medfake", "pipelines"):
        shutil.copytree(PROJECT / room, root / room, ignore=shutil.ignore_patterns("__pycache__", "builtin"))
    (root / ".dvc").mkdir()
    for name in (".dvc/config", ".dvc/.gitignore", ".gitignore"):
        shutil.copy(PROJECT / name, root / name)
    (root / ".medfake").mkdir(mode=0o700)
    (root / "dvc.yaml").write_text(STAGES)
    write_toy_set(root / "data/raw/toy", size=96)
    shutil.copyfile(empty_database, root / "mlflow.db")
    _write_params(root, toy_block, depth=2)
    call(root, "git", "init", "-q")
    commit(root)
    call(root, "dvc", "repro", "-q")
    _write_params(root, toy_block, depth=3)
    call(root, sys.executable, "-m", "pipelines.train", "--dataset", "toy", "--detector", "DecisionTree", "--seed", "1")
    call(root, "git", "checkout", "-q", "params.yaml")
    return Project(root)


def _write_params(root: Path, block: dict[str, Any], depth: int) -> None:
    study = yaml.safe_load((PROJECT / "params.yaml").read_text())
    study |= {"phantom": {}, "datasets": {"toy": block}, "tune": {}}
    study["detectors"] = {"DecisionTree": {"pool": 8, "max_depth": depth}}
    study["train"] |= {"datasets": ["toy"], "detectors": ["DecisionTree"]}
    study["evaluation"]["bootstrap"] = 100
    (root / "params.yaml").write_text(yaml.safe_dump(study))


def commit(root: Path) -> None:
    call(root, "git", "add", ".")
    call(root, "git", "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-q", "-m", "as it is")


def call(root: Path, *command: str, code: int = 0) -> str:
    environment = os.environ | {
        "PYTHONPATH": str(root),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def package(project: Project) -> Path:
    return project.package_of("toy", "DecisionTree", 1)


def copied(project: Project, folder: Path, change: tuple[str, str], file: str = "provenance.json") -> Path:
    """The package elsewhere, something in it changed."""
    shutil.copytree(package(project), folder / "seed-1")
    path = folder / "seed-1" / file
    before = path.read_text()
    assert change[0] in before
    path.write_text(before.replace(*change))
    return folder / "seed-1"


@pytest.fixture
def unchanged(project: Project) -> Iterator[None]:
    """Nothing of the project changes, its store included."""
    ignored = ("__pycache__", ".dvc/tmp", ".git/index")

    def state() -> dict[str, bytes]:
        files = (path for path in project.root.rglob("*") if path.is_file())
        return {str(one): one.read_bytes() for one in files if not any(part in str(one) for part in ignored)}

    before = state()
    yield
    assert state() == before


@pytest.mark.usefixtures("unchanged")
def test_a_run_comes_out_the_same_with_its_own_params_and_data_from_the_cache(project: Project, tmp_path: Path) -> None:
    card = json.loads((package(project) / "card.json").read_text())
    there, away = project.slices / "toy", tmp_path / "away"
    shutil.move(there, away)
    try:
        with package_of_run(Store(project.tracking), card["mlflow_run_id"]) as fetched:
            done = reproduce(project, fetched, keep=True)
    finally:
        shutil.move(away, there)
    assert done.differing == ()
    assert done.data == "DVC's cache"
    assert {"test/slice/auc", "val/scan/auc", "threshold"} <= {one.name for one in done.pairs}
    assert done.folder is not None
    again = json.loads((done.folder / "project/models/toy/DecisionTree/seed-1/card.json").read_text())
    assert again["options"] == card["options"]
    assert card["options"]["max_depth"] == 3
    assert again["mlflow_run_id"] != card["mlflow_run_id"]
    shutil.rmtree(done.folder)


@pytest.mark.usefixtures("unchanged")
def test_a_figure_that_was_altered_is_told_and_ends_with_a_code_of_its_own(project: Project, tmp_path: Path) -> None:
    threshold = json.loads((package(project) / "card.json").read_text())["threshold"]
    altered = copied(project, tmp_path, (f'"threshold": {threshold}', '"threshold": 0.123'), "card.json")
    for name in ("data/slices/toy", ".dvc/cache"):
        shutil.move(project.root / name, tmp_path / Path(name).name)
    try:
        said = call(project.root, sys.executable, "-m", "medfake.cli.root", "reproduce", str(altered), code=13)
    finally:
        for name in ("data/slices/toy", ".dvc/cache"):
            shutil.move(tmp_path / Path(name).name, project.root / name)
    assert "data set toy: from its scans, from which it was built again" in said
    assert f"0.123 before, {threshold} again" in said
    (row,) = (line for line in said.splitlines() if "│ threshold " in line)
    assert "NO" in row
    assert not Path(said.split(" into ")[1].split(" ...")[0]).exists()


@pytest.mark.usefixtures("unchanged")
def test_a_commit_that_is_gone_is_told(project: Project, tmp_path: Path) -> None:
    known = call(project.root, "git", "rev-parse", "HEAD").strip()
    gone = copied(project, tmp_path, (known, "0" * 40))
    said = call(project.root, sys.executable, "-m", "medfake.cli.root", "reproduce", str(gone), code=12)
    assert "error: the commit of this run is gone" in said
    assert "next: git fetch --all" in said


@pytest.mark.parametrize("commit", ["unknown", "--help"])
def test_a_run_that_names_no_commit_is_refused(project: Project, tmp_path: Path, commit: str) -> None:
    known = call(project.root, "git", "rev-parse", "HEAD").strip()
    with pytest.raises(ReproductionError):
        reproduce(project, copied(project, tmp_path, (known, commit)))


def test_data_that_are_gone_are_told_with_what_was_tried(project: Project, tmp_path: Path) -> None:
    sha256 = json.loads((package(project) / "card.json").read_text())["dataset_sha256"]
    other = copied(project, tmp_path, (sha256, "0" * 64), "card.json")
    with pytest.raises(ReproductionError, match="the data of this run are gone: its scans give others now") as caught:
        reproduce(project, other)
    assert "DVC's cache or a remote" in str(caught.value)


def test_code_that_was_not_committed_is_named(project: Project, tmp_path: Path) -> None:
    changed = copied(project, tmp_path, ('"params.yaml"', '"medfake/errors.py"'))
    with pytest.raises(ReproductionError, match="code that was not committed") as caught:
        reproduce(project, changed)
    assert caught.value.received == "medfake/errors.py"


def test_a_run_that_there_is_not_is_told(project: Project) -> None:
    with (
        pytest.raises(RegistryError, match="there is no such run"),
        package_of_run(Store(project.tracking), "0" * 32),
    ):
        pass
