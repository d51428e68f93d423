"""Stage `explain` as it is typed, in a project with one data set and one training."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from medfake.explain.record import FILE, read_record
from medfake.metrics.predictions import COLUMNS, OPTIONAL, write_predictions
from medfake.package.card import PREDICTIONS_FILE
from pipelines.explain import main

PROJECT = Path(__file__).resolve().parents[2]
OUT = Path("reports/explain/chest/RandomForest/seed-1")


@pytest.fixture
def project(
    tmp_path: Path, write_toy_set: Callable[..., None], make_package: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., None]:  # fmt: skip
    """A project whose params have some `explain` block."""
    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").write_text("stages: {}\n")
    write_toy_set(tmp_path / "data/slices/chest", size=96)
    package = Path("models/chest/RandomForest/seed-1")
    package.parent.mkdir(parents=True)
    make_package(detector="RandomForest").rename(package)
    rows = pd.read_parquet("data/slices/chest/manifest.parquet").query("split == 'test'")
    rows = rows.assign(dataset="chest", detector="RandomForest", seed=1, p_tampered=0.5)
    rows = rows.assign(pred_site_y=np.nan, pred_site_x=np.nan)
    write_predictions(package / PREDICTIONS_FILE, rows[[name for name in COLUMNS if name not in OPTIONAL]])

    def write(explain: object, identifiers: str = "public") -> None:
        params = yaml.safe_load((PROJECT / "params.yaml").read_text())
        params["explain"] = explain
        params["datasets"]["chest"]["identifiers"] = identifiers
        params["evaluation"]["bootstrap"] = 100
        Path("params.yaml").write_text(yaml.safe_dump(params))

    return write


def run() -> None:
    main.main(["--dataset", "chest", "--detector", "RandomForest", "--seed", "1"], standalone_mode=False)


def test_it_writes_a_record_and_pictures_and_says_what_was_found(
    project: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    project({"slices": 3, "occlusion": {"copies": 16}})
    run()
    found = read_record(OUT)
    assert found is not None
    assert found.method == "occlusion"
    assert found.pointing is not None
    assert found.pointing.slices == 3
    assert sorted(path.name for path in OUT.iterdir()) == ["best.png", FILE, "most-uncertain.png", "worst.png"]
    said = capsys.readouterr().out
    assert said.startswith("RandomForest (seed 1) on chest, occlusion: the peak lies within 16 mm of the site in ")
    assert "next: xdg-open " in said


def test_own_patients_are_measured_and_not_shown(project: Callable[..., None]) -> None:
    project({"slices": 3, "occlusion": {"copies": 16}}, identifiers="private")
    run()
    assert [path.name for path in OUT.iterdir()] == [FILE]


@pytest.mark.parametrize("block", [False, {"slices": 0}])
def test_a_study_may_leave_it_out(project: Callable[..., None], block: object) -> None:
    OUT.mkdir(parents=True)
    (OUT / "best.png").touch()
    project(block)
    run()
    assert json.loads((OUT / FILE).read_text()) is None
    assert [path.name for path in OUT.iterdir()] == [FILE]
