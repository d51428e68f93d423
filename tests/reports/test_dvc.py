"""What DVC shows of a comparison, asked of DVC itself with the blocks of our dvc.yaml."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from medfake.files import write_json
from medfake.metrics.bootstrap import Bootstrap
from medfake.metrics.headline import HEADLINE, headline
from medfake.project import Project
from medfake.reports.compare import compare
from medfake.reports.roc_points import all_roc_points

PROJECT = Path(__file__).parents[2]
DETECTORS = ("ResidualCNN", "VGG19")
STAGES = yaml.safe_load((PROJECT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]


@pytest.fixture(scope="module")
def study(predict, enter, tmp_path_factory):
    """A folder with the metrics and plots of two trainings, and of our stages `train` and `compare` what shows them."""
    root = tmp_path_factory.mktemp("study")
    entries = [enter(predict(detector=name)) for name in DETECTORS]
    write_json(root / "reports/roc.json", all_roc_points(compare(entries, Bootstrap(resamples=20))))
    for entry in entries:
        figures = headline(entry.predictions, entry.threshold, entry.scan_high)
        training = (entry.dataset, entry.detector, entry.seed)
        write_json(Project(root).metrics_of(*training), {entry.detector: figures})
        losses = [{"curve": name, "epoch": at, "loss": 1 / at} for name in ("train", "validation") for at in (1, 2)]
        write_json(Project(root).losses_of(*training), losses)
    stages = {
        "train": {key: STAGES["train"][key] for key in ("matrix", "cmd", "metrics", "plots")},
        "compare": {key: STAGES["compare"][key] for key in ("cmd", "plots")},
    }
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    train = {"datasets": ["chest"], "detectors": list(DETECTORS), "seeds": [1]}
    (root / "params.yaml").write_text(yaml.safe_dump({"train": train}))
    shutil.copytree(PROJECT / ".dvc", root / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp"))
    config = (PROJECT / ".dvc/config").read_text()
    (root / ".dvc/config").write_text(config.replace("[core]\n", "[core]\n    no_scm = true\n"))
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
def test_the_page_of_plots_has_a_line_a_curve_and_asks_nobody_for_anything(study):
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium")
    subprocess.run([Path(sys.executable).with_name("dvc"), "plots", "show"], cwd=study, check=True)
    page = (study / "dvc_plots/index.html").as_uri()
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", page]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    shown = re.sub(r"<(script|template).*?</\1>", "", done.stdout, flags=re.DOTALL)
    assert shown.count("<polyline") == 2 + 2 * len(DETECTORS)
    assert shown.count("<figure>") == 1 + len(DETECTORS)
    for text in ("chest/VGG19/seed-1", "Loss, VGG19 on chest, seed 1", "false positive rate", "validation"):
        assert text in shown
    assert "NaN" not in shown
    assert not re.findall(r"(?:src|href)=", re.sub(r"<template.*?</template>", "", done.stdout, flags=re.DOTALL))


@pytest.mark.slow
def test_dvc_metrics_are_a_handful_of_each_training_in_a_file_of_its_own(study):
    shown = dvc(study, "metrics", "show")[""]["data"]
    assert {path: list(one["data"]) for path, one in shown.items()} == {
        f"reports/trainings/chest/{name}/seed-1.json": [name] for name in DETECTORS
    }
    for one in shown.values():
        (figures,) = one["data"].values()
        assert set(figures) == set(HEADLINE)


def test_only_trainings_add_columns_to_what_dvc_compares():
    blocks = {name: stage.get("do", stage) for name, stage in STAGES.items()}
    assert {name for name, block in blocks.items() if "metrics" in block} == {"train", "repeat", "stack", "drop"}
