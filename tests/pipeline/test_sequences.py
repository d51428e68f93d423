"""A sequence detector goes the whole way: trained, explained, perturbed, compared, promoted, and scanned with."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from medfake.cli.root import cli
from medfake.config import PhantomParams
from medfake.phantom import write_phantom
from tests.pipeline.test_studies import PHANTOM, run_stages

STUDIES = Path(__file__).resolve().parents[2] / "studies"
pytestmark = pytest.mark.slow(minutes=3)
TRUNK = {"presentations": 64, "batch_size": 8, "validate_every": 32}
NAMES = ("SliceGRU", "SliceFeatureGRU", "SliceWindow")


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Quickstart's, with the sequence detectors in it, on a phantom with a quarter of the pixels."""
    monkeypatch.chdir(tmp_path)
    write_phantom(tmp_path / "data/raw/chest", PhantomParams.model_validate(PHANTOM), size=256)
    params = yaml.safe_load((STUDIES / "quickstart.yaml").read_text())
    params["datasets"]["chest"]["split"] |= {"val": 0.3, "test": 0.3}
    params["detectors"] = {
        "SliceGRU": {"trunk": TRUNK, "units": 3, "reach": 2, "epochs": 1, "sequences": 64},
        "SliceFeatureGRU": {"trunk": TRUNK, "units": 3, "reach": 2, "epochs": 1, "sequences": 64},
        "SliceWindow": {"trunk": TRUNK},
    }
    params["train"]["detectors"], params["stacks"] = list(NAMES), {}
    params["evaluation"]["bootstrap"] = 100
    params["explain"] = {"slices": 2, "occlusion": {"copies": 16}}
    params["robustness"] = {"slices": 4, "perturbations": {"noise": [10]}}
    # what so little training of so few patients is worth is not what this is about
    params["promote"] = {"metrics": {}, "patients": 1, "calibration_error": None, "robustness_drop": None}
    return dict(params)


def test_it_goes_the_whole_way(study: dict[str, object], tmp_path: Path) -> None:
    of_set = [[stage, "--dataset", "chest"] for stage in ("scans", "slices", "check", "probe")]
    of_each = [
        [stage, "--dataset", "chest", "--detector", name, *seed]
        for stage, seed in (("features", []), ("train", ["--seed", "1"]), ("explain", ["--seed", "1"]))
        for name in NAMES
    ]
    rest = [["robustness", "--dataset", "chest"], ["timings"], ["compare"], ["report"], ["nominate"]]
    run_stages([*of_set, *of_each, *rest], study)
    for name in NAMES:
        package = tmp_path / "models/chest" / name / "seed-1"
        card = json.loads((package / "card.json").read_text())
        assert set(card["graphs"]) <= {"detector.onnx", "aggregation.onnx"}
        assert card["agreement"]["max_abs_difference"] <= 1e-4
        assert card["localises"] is True
    assert "what is learnt along z" in (tmp_path / "reports/report.html").read_text()
    assert json.loads((tmp_path / "reports/nomination.json").read_text())["version"] == 1
    assert typed("promote").exit_code == 0
    shutil.copytree(one_scan(tmp_path), tmp_path / "given")
    single = next(iter(sorted((tmp_path / "given").rglob("*.dcm"))))
    (tmp_path / "one").mkdir()
    shutil.copy(single, tmp_path / "one")
    assert typed("scan", "given", "one", "--json", "scan.json").exit_code == 0
    scans = {one["n_slices"]: one for one in json.loads((tmp_path / "scan.json").read_text())["scans"]}
    assert set(scans) == {1, PHANTOM["slices"]}
    assert any("nothing is compared along z" in warning for warning in scans[1]["warnings"])


def one_scan(root: Path) -> Path:
    """Folder of the first series of the phantom."""
    return next(iter(sorted(root.glob("data/raw/chest/**/*.dcm")))).parent


def typed(*arguments: str) -> Result:
    """What `medfake` answers."""
    return CliRunner().invoke(cli, list(arguments), catch_exceptions=False)
