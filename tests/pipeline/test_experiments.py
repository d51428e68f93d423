"""`dvc exp run --queue`: variants run in copies of a project, log into its own store, and keep its cache private."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from medfake.project import Project
from medfake.tracking.store import Store

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
STAGES = """\
stages:
  nominate:
    cmd: python log.py
    deps: [log.py]
    params: [nominate, detectors]
    metrics: [reports/metrics.json]
"""
LOG = """\
import json
from pathlib import Path
from medfake.project import Project
from medfake.tracking.runs import begin_run
from medfake.tracking.store import Store

project = Project.find()
begin_run(Store(project.tracking), project.params.nominate.metric, {})
depth = project.params.detectors["RandomForest"].get("max_depth")
Path("reports").mkdir(exist_ok=True)
Path("reports/metrics.json").write_text(json.dumps({"depth": depth or 0}))
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The project's params and a stage that only logs, under git, after setup and a first run."""
    (tmp_path / ".dvc").mkdir()
    for name in ("params.yaml", ".dvc/config", ".dvc/.gitignore", ".gitignore"):
        shutil.copy(PROJECT / name, tmp_path / name)
    shutil.copytree(PROJECT / "scripts", tmp_path / "scripts")
    (tmp_path / "dvc.yaml").write_text(STAGES)
    (tmp_path / "log.py").write_text(LOG)
    call(tmp_path, "git", "init", "-q")
    code = "import environment as e; e.PRIVATE.mkdir(mode=0o700); e.keep_dvc_private()"
    call(tmp_path / "scripts", sys.executable, "-c", code)
    call(tmp_path, "dvc", "repro")
    call(tmp_path, "git", "add", ".")
    call(tmp_path, "git", "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-q", "-m", "start")
    return Project(tmp_path)


def call(folder: Path, *command: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "DVC_SITE_CACHE_DIR"} | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(PROJECT),
        **{f"GIT_{who}_{what}": "test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_variants_log_into_the_projects_own_store(project: Project) -> None:
    call(project.root, "dvc", "exp", "run", "--queue", "-n", "by-f1", "-S", "nominate.metric=f1")
    call(project.root, "dvc", "exp", "run", "--queue", "-n", "deeper", "-S", "+detectors.RandomForest.max_depth=8")
    call(project.root, "dvc", "exp", "run", "--run-all")
    shown = {one["name"]: one for one in _experiments(json.loads(call(project.root, "dvc", "exp", "show", "--json")))}
    assert {"by-f1", "deeper"} <= set(shown)
    assert shown["deeper"]["data"]["metrics"]["reports/metrics.json"]["data"] == {"depth": 8}
    runs = Store(project.tracking).client.search_runs(["1"])
    assert sorted(run.info.run_name for run in runs) == ["auc", "auc", "f1"]
    assert not list(project.root.glob(".dvc/tmp/exps/*/mlflow.db"))
    print(call(project.root, "dvc", "exp", "show", "--md"))  # shown with -s


def _experiments(shown: list[dict[str, object]]) -> list[dict[str, object]]:
    """Experiments of all revisions, as `dvc exp show --json` nests them."""
    return [state for one in shown for found in one.get("experiments") or [] for state in found["revs"]]


def test_what_was_pushed_comes_back_after_the_cache_is_gone(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = tmp_path_factory.mktemp("store")
    call(project.root, "dvc", "remote", "add", "--local", "-d", "store", str(store))
    before = (project.root / "reports/metrics.json").read_text()
    call(project.root, "dvc", "push")
    shutil.rmtree(project.root / ".dvc/cache")
    (project.root / "reports/metrics.json").unlink()
    call(project.root, "dvc", "pull")
    assert (project.root / "reports/metrics.json").read_text() == before
    assert "up to date" in call(project.root, "dvc", "status")
