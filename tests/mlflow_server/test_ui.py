"""A newcomer at MLflow's pages: what opens, what is chosen at once, and whether the numbers there are the study's."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from medfake.experiments.training_run import train_once
from medfake.files import write_atomic
from medfake.metrics.bootstrap import Bootstrap
from medfake.project import Project
from medfake.reports.compare import compare
from medfake.reports.entry import read_entries
from medfake.reports.metrics_files import to_json
from medfake.tracking.track import track
from tests.fixtures.browser import Browser

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow(minutes=1)
DETECTORS = {"DecisionTree": {"pool": 8, "max_depth": 3}, "RandomForest": {"pool": 8, "trees": 10}}


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory,
    empty_database: Path,
    toy_block: dict[str, Any],
    write_toy_set: Callable[..., None],
) -> Project:
    """Two detectors trained on the toy set, compared and tracked."""
    root = tmp_path_factory.mktemp("study")
    write_toy_set(root / "data/slices/toy", size=96)
    params = yaml.safe_load((PROJECT / "params.yaml").read_text()) | {
        "study": "toy-study",
        "datasets": {"toy": toy_block},
        "detectors": DETECTORS,
        "train": {"datasets": ["toy"], "detectors": list(DETECTORS), "seeds": [1]},
        "tune": {},
    }
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    (root / "dvc.yaml").write_text((PROJECT / "dvc.yaml").read_text())
    (root / "mlflow.db").write_bytes(empty_database.read_bytes())
    made = Project(root)
    for detector in DETECTORS:
        train_once(made, "toy", detector, 1, made.package_of("toy", detector, 1))
    entries, _ = read_entries(made.packages())
    with write_atomic(made.reports / "comparison.json") as file:
        file.write(to_json(compare(entries, Bootstrap(100))))
    track(made)
    return made


@pytest.fixture(scope="module")
def address(project: Project) -> Iterator[str]:
    """Of MLflow's pages on that project, served as users serve them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow_server", "--port", str(port)],
        cwd=project.root, env={**os.environ, "PYTHONPATH": str(PROJECT)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    said = [process.stderr.readline(), process.stderr.readline()]
    assert said[0] == f"MLflow on http://127.0.0.1:{port}, Ctrl-C ends it\n"
    assert said[1].startswith("trainings of toy-study side by side: ")
    until = time.monotonic() + 60
    while socket.socket().connect_ex(("127.0.0.1", port)) and time.monotonic() < until:
        time.sleep(0.2)
    yield said[1].removeprefix("trainings of toy-study side by side: ").strip()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0


@pytest.fixture
def figures(project: Project) -> dict[str, dict[str, float]]:
    """Of each detector, as reports/comparison.json has them."""
    values = json.loads((project.reports / "comparison.json").read_text())
    return {name: {key.split("/", 3)[3]: value for key, value in values.items() if f"/{name}/" in key}
            for name in DETECTORS}  # fmt: skip


def test_the_link_shows_the_trainings_of_the_study_with_its_own_numbers(
    browser: Browser, address: str, figures: dict[str, dict[str, float]]
) -> None:
    browser.open(address.replace("compareRunsMode=CHART&", ""))
    browser.wait_for("document.querySelectorAll('.ag-center-cols-container .ag-row').length == 2")
    browser.wait_for("document.querySelector('[col-id=\"metrics.`test/scan/auc`\"].ag-cell') !== null")
    shown = browser.evaluate(
        "Object.fromEntries([0, 1].map(row => [document.querySelector(`.ag-pinned-left-cols-container "
        "[row-index='${row}'] a`).innerText, Object.fromEntries([...document.querySelectorAll("
        "`.ag-center-cols-container [row-index='${row}'] .ag-cell`)].map(one => "
        "[one.getAttribute('col-id'), one.innerText]))]))"
    )
    assert set(shown) == set(DETECTORS)
    for name, cells in shown.items():
        for metric in ("slice/auc", "slice/accuracy", "slice/f1", "slice/h", "scan/auc"):
            assert float(cells[f"metrics.`test/{metric}`"]) == figures[name][metric]


def test_a_bare_address_opens_the_study_as_charts_and_neither_an_assistant_nor_language_models(
    browser: Browser, address: str, figures: dict[str, dict[str, float]]
) -> None:
    server = address.split("/#", maxsplit=1)[0]
    browser.open(server)
    browser.wait_for("document.querySelectorAll('.bartext').length >= 4")
    browser.wait_for("document.body.innerText.includes('Parallel Coordinates')")
    text = browser.text
    bars = [sorted(pair) for pair in re.findall(r"test/slice/auc\n(\d\.\d\d)\n(\d\.\d\d)\n", text)]
    assert sorted(f"{one['slice/auc']:.2f}" for one in figures.values()) in bars
    assert "toy-study" in text
    for shut in ("GenAI", "Assistant", "Prompts", "Getting Started"):
        assert shut not in text
    assert "viewStateShareKey=toy-study" in browser.evaluate("location.href")
    assert all(one.startswith((server, "data:", "blob:")) for one in browser.requested)
    assert not [one for one in browser.requested if "telemetry" in one and "static-files" not in one]


def test_runs_that_are_selected_are_compared_by_what_tells_them_apart(
    browser: Browser, address: str, figures: dict[str, dict[str, float]]
) -> None:
    browser.open(address)
    browser.wait_for("document.body.innerText.includes('2 matching runs')")
    browser.click(".ag-header-select-all input")
    compare_button = (
        "[...document.querySelectorAll('button')].find(one => one.innerText === 'Compare' && !one.disabled)"
    )
    browser.wait_for(f"{compare_button} ? ({compare_button}.click(), true) : false")
    browser.wait_for("document.body.innerText.includes('Comparing 2 Runs')")
    browser.wait_for("document.body.innerText.includes('test/scan/auc')")
    text = browser.text
    chosen = text.split("Clear All")[0].split("Parameters:")[1].split()
    assert chosen[0] == "detector"
    assert chosen[chosen.index("Metrics:") + 1] == "test/slice/auc"
    names = re.findall("|".join(DETECTORS), text.split("Run Name:")[1])[:2]
    lines = text.split("Metrics\nShow diff only\n")[1].splitlines()
    metrics = [line for line in lines if re.match(r"[a-z]+[/_]", line)]
    numbers = [line for line in lines if re.fullmatch(r"-?[\d.]+|NaN", line)]
    at = 2 * metrics.index("test/scan/auc")
    shown = dict(zip(names, map(float, numbers[at : at + 2]), strict=True))
    assert shown == {name: round(one["scan/auc"], 3) for name, one in figures.items()}
