import json
from pathlib import Path

from medfake.tracking.stage_figures import stage_figures

NAME = "chest/RandomForest/seed-1"


def test_what_later_stages_measured_becomes_metrics(tmp_path: Path) -> None:
    (tmp_path / "robustness").mkdir()
    packages = {NAME: {"steps": {"1": {"mean_ms": 12.5}, "8": {"mean_ms": 80.0}}, "graph_bytes": 2_500_000}}
    (tmp_path / "timings.json").write_text(json.dumps({"packages": packages}))
    drops = {"robustness_drop": {"value": 0.21}, "hit_rate_drop": {"value": None}, "white_box_drop": None}
    (tmp_path / "robustness/chest.json").write_text(json.dumps({"runs": {NAME: drops}}))
    assert stage_figures(tmp_path, NAME) == {
        "cost/step_ms": 12.5,
        "cost/size_mb": 2.5,
        "test/robustness_drop": 0.21,
        "test/hit_rate_drop": None,
        "test/white_box_drop": None,
    }


def test_a_stage_that_was_left_out_or_knows_another_training_says_nothing(tmp_path: Path) -> None:
    assert stage_figures(tmp_path, NAME) == {}
    (tmp_path / "timings.json").write_text(json.dumps({"packages": {"chest/SVM/seed-1": {}}}))
    assert stage_figures(tmp_path, NAME) == {}
