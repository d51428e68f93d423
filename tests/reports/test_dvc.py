"""What DVC shows of a comparison, asked of DVC itself with the blocks of our dvc.yaml."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from medfake.files import write_json
from medfake.metrics.bootstrap import Bootstrap
from medfake.reports.compare import compare
from medfake.reports.metrics_files import headline_json
from medfake.reports.roc_points import all_roc_points

PROJECT = Path(__file__).parents[2]
STAGES = yaml.safe_load((PROJECT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]


@pytest.fixture(scope="module")
def study(predict, enter, tmp_path_factory):
    """A folder with the metrics and plots of two trainings, and our stage `compare` alone."""
    root = tmp_path_factory.mktemp("study")
    comparison = compare([enter(predict(detector=name)) for name in ("ResidualCNN", "VGG19")], Bootstrap(resamples=20))
    write_json(root / "reports/roc.json", all_roc_points(comparison))
    (root / "reports/metrics.json").write_text(headline_json(comparison))
    shown = {key: STAGES["compare"][key] for key in ("cmd", "metrics", "plots")}
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"compare": shown}}))
    shutil.copytree(PROJECT / ".dvc", root / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp"))
    (root / ".dvc/config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    return root


def dvc(root, *arguments):
    command = [Path(sys.executable).with_name("dvc"), *arguments, "--json"]
    return json.loads(subprocess.run(command, cwd=root, capture_output=True, check=True, text=True).stdout)


@pytest.mark.slow
def test_every_training_has_its_own_colour_in_the_roc_plot(study):
    plot = dvc(study, "plots", "show")["data"]["reports/roc.json"][0]["content"]
    plot = json.loads(plot) if isinstance(plot, str) else plot
    (colour,) = [layer["encoding"]["color"] for layer in plot["layer"] if "color" in layer["encoding"]]
    drawn = {row[colour["field"]] for row in plot["data"]["values"]}
    assert drawn == {"chest/ResidualCNN/seed-1", "chest/VGG19/seed-1"}
    assert len(set(colour["scale"]["range"])) >= 20
    assert "<DVC_METRIC" not in json.dumps(plot)


@pytest.mark.slow
def test_dvc_metrics_are_five_of_each_training(study):
    shown = dvc(study, "metrics", "show")[""]["data"]
    assert list(shown) == ["reports/metrics.json"]
    assert len(shown["reports/metrics.json"]["data"]) == 2 * 5


def test_no_other_stage_adds_columns_to_what_dvc_compares():
    blocks = [stage.get("do", stage) for stage in STAGES.values()]
    assert [one for block in blocks for one in block.get("metrics", [])] == ["reports/metrics.json"]
