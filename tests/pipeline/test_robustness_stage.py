"""Stage `robustness`: measures the trainings of a data set, and is quiet without a grid."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from medfake.errors import ConfigError
from medfake.project import Project
from pipelines.robustness import main

STUDIES = Path(__file__).resolve().parents[2] / "studies"


@pytest.fixture
def project(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    write_toy_set: Callable[..., None],
    make_package: Callable[..., Path],
) -> Path:
    """A built data set and one of two trainings."""
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    (root / "dvc.yaml").write_text("stages: {}\n")
    write_toy_set(root / "data/slices/chest", 128)
    shutil.copytree(make_package(), root / "models/chest/ResidualCNN/seed-1")
    return root


def write_params(project: Path, robustness: dict[str, Any] | None) -> None:
    study = yaml.safe_load((STUDIES / "quickstart.yaml").read_text())
    study["train"]["detectors"] = ["ResidualCNN", "RandomForest"]
    study["evaluation"]["bootstrap"] = 100
    del study["robustness"]
    changes = {} if robustness is None else {"robustness": robustness}
    (project / "params.yaml").write_text(yaml.safe_dump(study | changes))


def run() -> str:
    return CliRunner().invoke(main, ["--dataset", "chest"], catch_exceptions=False).output


@pytest.mark.parametrize("block", [None, {}, {"perturbations": {}}])
def test_a_study_without_a_grid_says_so_and_leaves_a_file_for_dvc(project: Path, block: dict[str, Any] | None) -> None:
    write_params(project, block)
    assert run() == "this study has no grid of perturbations\n"
    assert json.loads((project / "reports/robustness/chest.json").read_text())["runs"] == {}


def test_it_measures_what_is_there_and_says_where_it_is_weakest(project: Path) -> None:
    write_params(project, {"slices": 4, "perturbations": {"noise": [10], "jpeg": None}})
    said = run()
    assert said.startswith(("Weakest point on chest: ResidualCNN falls", "On chest no perturbation of the grid"))
    written = (project / "reports/robustness/chest.json").read_bytes()
    values = json.loads(written)
    assert values["absent"] == ["chest/RandomForest/seed-1"]
    assert [*values["runs"]] == ["chest/ResidualCNN/seed-1"]
    curves = values["runs"]["chest/ResidualCNN/seed-1"]["curves"]
    assert {one["perturbation"]: len(one["points"]) for one in curves} == {"noise": 2, "jpeg": 5}
    run()
    assert (project / "reports/robustness/chest.json").read_bytes() == written


@pytest.mark.parametrize(
    ("perturbations", "message"),
    [
        ({"nois": [10]}, "did you mean 'noise'"),
        ({"noise": [1000]}, r"noise\.0 = 1000.*expected different numbers from 0\.1 to 500"),
        ({"noise": ["10"]}, r"robustness\.perturbations\.noise\.0 = '10'"),
    ],
)
def test_a_wrong_grid_is_told_by_whichever_stage_reads_params_first(
    project: Path, perturbations: dict[str, Any], message: str
) -> None:
    write_params(project, {"perturbations": perturbations})
    with pytest.raises(ConfigError, match=message):
        _ = Project(project).params
