"""The whole way of the data at toy size, through the real commands, in a copy of the project."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from medfake.project import Project
from medfake.tracking.store import Store

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow(minutes=4)
_LEFT_BEHIND = (
    *(".git", ".venv", ".medfake", ".*_cache", "*.egg-info"),
    *("data", "models", "stacked", "reports", "mlartifacts", "mlflow.db*", "dvc.lock", "cache", "tmp", "config.local"),
)


def _left_behind(folder: str, names: list[str]) -> set[str]:
    """What a copy of the project does without: results below its root, not rooms of the same names."""
    results = _LEFT_BEHIND if Path(folder) in (PROJECT, PROJECT / ".dvc") else ()
    return shutil.ignore_patterns("__pycache__", *results)(folder, names)


def _toy_params() -> dict[str, object]:
    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    params["phantom"]["chest"].update(reals=4, fakes={"FM": 3, "FB": 3, "TM": 2, "TB": 1}, slices=16)
    params["datasets"]["chest"]["split"].update(val=0.34, test=0.33)
    params["detectors"] = {
        "ResidualCNN": {"presentations": 256, "validate_every": 128},
        "RandomForest": {"trees": 10, "pool": 8},
    }
    params["train"]["detectors"] = ["ResidualCNN", "RandomForest"]
    params["evaluation"]["bootstrap"] = 100
    # what so little training of so few patients is worth is not what this is about
    params["promote"] = {"metrics": {}, "patients": 1, "calibration_error": None, "robustness_drop": None}
    return params  # type: ignore[no-any-return]


def _chest_of(kind: str) -> dict[str, object]:
    chest = yaml.safe_load((PROJECT / "params.yaml").read_text())["datasets"]["chest"]
    return {**chest, "fakes": {**chest["fakes"], "kind": kind}}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with toy params, its own git and its own DVC cache."""
    root = tmp_path_factory.mktemp("study") / "medfake"
    shutil.copytree(PROJECT, root, ignore=_left_behind)
    (root / ".medfake").mkdir(mode=0o700)
    (root / "params.yaml").write_text(yaml.safe_dump(_toy_params(), sort_keys=False))
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    _commit(root)
    done = _run(root, "dvc", "repro")
    assert done.returncode == 0, done.stdout + done.stderr
    _commit(root)
    return root


def _commit(root: Path) -> None:
    author = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for command in (["add", "."], [*author, "commit", "-q", "-m", "as it is"]):
        subprocess.run(["git", *command], cwd=root, check=True)


def _run(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    binaries = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        **{f"GIT_{who}_{what}": "test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "PYTHONPATH": str(root),
        "COLUMNS": "120",
    }
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def test_a_study_ends_in_a_report_and_a_challenger(project: Path) -> None:
    nomination = json.loads((project / "reports/nomination.json").read_text())
    assert nomination["version"] == 1
    assert {line[0] for line in nomination["table"]} == {
        f"{name} on chest, seed 1" for name in ("ResidualCNN", "RandomForest", "Hybrid")
    }
    page = (project / "reports/report.html").read_text()
    assert "Phantom figures are no clinical evidence" in page
    for package in (*project.glob("models/chest/*/seed-1"), project / "stacked/chest/Hybrid/seed-1"):
        card = json.loads((package / "card.json").read_text())
        assert card["agreement"]["max_abs_difference"] <= 1e-4
        assert len(card["dataset_sha256"]) == 64
        assert card["mlflow_run_id"]


def test_the_last_stage_says_where_the_trainings_are_side_by_side(project: Path) -> None:
    done = _run(project, "dvc", "repro", "-s", "-f", "track")
    assert done.returncode == 0, done.stderr
    assert "3 trainings side by side\nnext: python -m mlflow_server\nthen open http://127.0.0.1:5000/#/" in done.stdout
    assert "viewStateShareKey=quickstart" in done.stdout
    runs = Store(Project(project).tracking).client.search_runs(["1"])
    (study,) = (run for run in runs if run.info.run_name == "quickstart")
    below = {run.info.run_name for run in runs if run.data.tags.get("mlflow.parentRunId") == study.info.run_id}
    assert below == {"ResidualCNN", "RandomForest", "Hybrid"}


def test_the_champion_judges_a_scan_that_no_stage_has_seen(project: Path) -> None:
    before = _run(project, "medfake", "scan", "data/raw/chest/LIDC-IDRI", "--model", "champion")
    assert before.returncode == 8
    assert "next: medfake promote" in before.stderr
    assert _run(project, "medfake", "promote").returncode == 0
    assert _run(project, "medfake", "phantom", "data/unseen", "--seed", "3", "--slices", "24").returncode == 0
    done = _run(project, "medfake", "scan", "data/unseen", "--json", "scan.json")
    assert done.returncode == 0, done.stderr
    report = json.loads((project / "scan.json").read_text())
    assert report["model"]["chosen"] == "it is the champion"
    (scan,) = report["scans"]
    assert scan["n_slices"] == 24
    assert _run(project, "medfake", "rollback").returncode == 0


def test_an_unchanged_study_runs_nothing_again(project: Path) -> None:
    done = _run(project, "dvc", "repro")
    assert "Running stage" not in done.stdout
    assert "up to date" in done.stdout


def test_an_experiment_on_one_training_shows_what_changed_in_a_table_that_fits_a_terminal(project: Path) -> None:
    option = "detectors.RandomForest.trees"
    done = _run(project, "dvc", "exp", "run", "-n", "more", "-S", f"{option}=40", "train@chest-RandomForest-1")
    assert done.returncode == 0, done.stderr
    changed = json.loads(_run(project, "dvc", "metrics", "diff", "--json").stdout)
    drop = r"Created|State|Executor|.*\.(accuracy|f1|h|scan_auc)$"
    shown = _run(project, "dvc", "exp", "show", "--no-pager", "--only-changed", "--drop", drop).stdout
    _run(project, "git", "checkout", ".")
    assert _run(project, "dvc", "checkout").returncode == 0
    assert list(changed) == ["reports/trainings/chest/RandomForest/seed-1.json"]
    assert "RandomForest.auc" in changed["reports/trainings/chest/RandomForest/seed-1.json"]
    for column in ("[more]", "RandomForest.auc", "RandomForest.val_auc", option):
        assert column in shown
    assert "ResidualCNN" not in shown
    assert "…" not in shown


def test_changing_one_detector_trains_that_detector_again_and_no_other(project: Path) -> None:
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["detectors"]["RandomForest"]["trees"] = 12
    (project / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    done = _run(project, "dvc", "repro", "--dry")
    assert "train@chest-RandomForest-1" in done.stdout
    assert "train@chest-ResidualCNN-1" not in done.stdout.replace("'train@chest-ResidualCNN-1' didn't change", "")


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (
            {"detectors": {"ResidualCNN": {"presentation": 9}}},
            3,
            "unknown key detectors.ResidualCNN.presentation = 9, did",
        ),
        ({"datasets": {"chest": _chest_of("ct_gam")}}, 3, "datasets.chest.fakes.kind = 'ct_gam' is no kind of source"),
        ({"datasets": {"chest": _chest_of("ct_gam")}}, 3, "did you mean 'ct_gan'?"),
        ({"detectors": {"ResidualCN": {}}}, 7, "did you mean 'ResidualCNN'?"),
        ({"nominate": {"metric": "aux"}}, 3, "nominate.metric = 'aux': input should be 'auc', 'h', 'accuracy' or 'f1'"),
    ],
)
def test_a_fault_in_params_is_told_by_the_first_stage(
    project: Path, change: dict[str, dict[str, object]], code: int, message: str
) -> None:
    kept = (project / "params.yaml").read_text()
    params = yaml.safe_load(kept)
    for key, value in change.items():
        params[key].update(value)
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    try:
        done = _run(project, "python", "-m", "pipelines.scans", "--dataset", "chest")
    finally:
        (project / "params.yaml").write_text(kept)
    assert done.returncode == code
    assert message in done.stderr


def test_missing_weights_are_told_and_leave_nothing_behind(project: Path) -> None:
    kept = (project / "params.yaml").read_text()
    params = yaml.safe_load(kept)
    params["detectors"]["MobileNetV3Large"] = {"weights": "nowhere.h5", "input_size": 64}
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    arguments = ["--dataset", "chest", "--detector", "MobileNetV3Large", "--seed", "1"]
    try:
        done = _run(project, "python", "-m", "pipelines.train", *arguments)
    finally:
        (project / "params.yaml").write_text(kept)
    assert done.returncode == 7
    assert "the weights file is missing" in done.stderr
    assert "nowhere.h5" in done.stderr
    assert not list((project / "models/chest").glob("**/.seed-1*"))
    assert not (project / "models/chest/MobileNetV3Large/seed-1").exists()


def test_one_that_fails_does_not_stop_the_others_and_is_told_at_the_end(project: Path) -> None:
    kept = (project / "params.yaml").read_text()
    params = yaml.safe_load(kept)
    params["detectors"] |= {"ResNet50V2": {"weights": "nowhere.h5", "input_size": 64}}
    params["detectors"] |= {"SVM": {"pool": 16, "folds": 40}, "DecisionTree": {"pool": 16}}
    params["train"]["detectors"] = ["ResNet50V2", "SVM", "DecisionTree", "RandomForest"]
    (project / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    try:
        done = _run(project, "medfake", "study", "run")
        status = _run(project, "medfake", "study", "status")
    finally:
        (project / "params.yaml").write_text(kept)
    assert done.returncode != 0
    assert "features@chest-ResNet50V2 failed\nerror: the weights file is missing" in done.stderr
    assert "again: dvc repro features@chest-ResNet50V2" in done.stderr
    compared = (project / "reports/comparison.md").read_text()
    assert "Missing here, as they have no package: chest/ResNet50V2/seed-1, chest/SVM/seed-1." in compared
    assert "| DecisionTree | 1 |" in compared.replace("**", "")
    assert "train@chest-SVM-1 failed\nerror: the train split cannot be cut into 40 folds" in done.stderr
    rows = [line.replace("│", " ").split() for line in status.stdout.splitlines() if line.startswith("│")]
    states = {words[1]: words[3] for words in rows}
    assert states == {"ResNet50V2": "planned", "SVM": "failed", "DecisionTree": "done", "RandomForest": "done"}
    assert "2 done, 1 failed, 1 planned; about" in status.stdout
    assert "next: medfake study run" in status.stdout
