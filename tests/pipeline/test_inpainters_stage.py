"""Stage `inpainters`: trains those of params.yaml, and is quiet without any."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from medfake.errors import ConfigError
from medfake.project import Project
from pipelines.inpainters import main
from tests.tamper.conftest import make_chest, write_series_of

STUDIES = Path(__file__).resolve().parents[2] / "studies"
TOY = {
    "kind": "vae-2d", "seed": 1, "reals": ["reals"], "identifiers": "public", "places": 32, "steps": 40,
    "batch_size": 4, "learning_rate": 0.003, "width": 4,
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    return tmp_path


def write_params(project: Path, **changes: Any) -> None:
    study = yaml.safe_load((STUDIES / "quickstart.yaml").read_text())
    (project / "params.yaml").write_text(yaml.safe_dump(study | changes))


def test_a_study_without_any_says_so_and_leaves_a_list_for_dvc(project: Path) -> None:
    (project / "data/inpainters/old").mkdir(parents=True)
    write_params(project)
    done = CliRunner().invoke(main, catch_exceptions=False)
    assert done.output == "this study has no inpainter\n"
    assert [path.name for path in (project / "data/inpainters").iterdir()] == ["inpainters.json"]
    assert json.loads((project / "data/inpainters/inpainters.json").read_text()) == []


def test_it_trains_and_says_how_far_it_came(project: Path) -> None:
    for number in range(2):
        write_series_of(project / "reals" / str(number), np.roll(make_chest(4), number, 1), patient_id=f"P{number}")
    write_params(project, inpainters={"toy": TOY})
    done = CliRunner().invoke(main, catch_exceptions=False)
    assert "inpainter toy: held-out difference" in done.output
    assert "learnt from 1 patients, 0 series gave no place" in done.output
    said = json.loads((project / "data/inpainters/toy/inpainter.json").read_text())
    assert f"{said['held_out']['difference_hu']:.1f} HU" in done.output
    assert all(one.startswith("patient-") for one in said["learnt_from"]["patients"])


def test_a_bank_of_an_inpainter_without_a_block_is_refused_with_the_key(project: Path) -> None:
    bank = {
        "seed": 1, "reals": ["reals"], "identifiers": "public", "slices": 1, "manipulations": {"vae-fill": 1.0},
        "inpainters": ["toys"],
    }  # fmt: skip
    write_params(project, inpainters={"toy": TOY}, banks={"b": bank})
    with pytest.raises(ConfigError, match=r"banks.b.inpainters names 'toys'.*did you mean 'toy'"):
        _ = Project(project).params
    write_params(project, inpainters={"toy": TOY}, banks={"b": bank | {"inpainters": ["toy"]}})
    assert Project(project).params.banks["b"].inpainters == ["toy"]
    manipulations = {"gan-removal": 1.0}
    write_params(
        project, inpainters={"toy": TOY}, banks={"b": bank | {"inpainters": ["toy"], "manipulations": manipulations}}
    )
    with pytest.raises(ConfigError, match=r"kind gan-3d, and banks.b.inpainters has none"):
        _ = Project(project).params
