"""Which detector scans when nobody says: the champion, the built-in one, and what learnt from the phantom alone."""

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

from medfake.cli.root import cli
from medfake.config import NominateParams, TrackingParams
from medfake.dicom.reader import read_volume
from medfake.dicom.series import find_series
from medfake.dicom.writer import SeriesTemplate, write_series
from medfake.errors import ConfigError, ManifestError, NoChampionError, StorageError
from medfake.package import shipped
from medfake.package.measured import FalseAlarms
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.nominate import nominate
from medfake.registry.promotion import promote
from medfake.serving.model import open_here, open_model
from medfake.serving.report import ScanReport
from medfake.serving.scan import scan_paths
from medfake.vocabulary import Evidence
from tests.conftest import HERE
from tests.fixtures.places import give_places

MakePackage = Callable[..., Path]
WriteScan = Callable[..., Path]
MakeChampion = Callable[[str], ModelRegistry]
PROJECT = Path(__file__).resolve().parents[2]
AUC = NominateParams(metric="auc")
HEAVY = {"skimage", "pandas", "mlflow", "sklearn", "joblib", "tensorflow", "matplotlib", "sqlalchemy"}


@pytest.fixture
def builtin(make_package: MakePackage, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small one in the place of the real one."""
    package = give_places(
        make_package(
            "builtin",
            evidence="forged",
            detector="Builtin",
            measured_on=("9 patients of three makers",),
            blind_to=("whole slices that were made",),
            false_alarms=FalseAlarms(scans=50, rate=0.04, low=0.01, high=0.14),
        )
    )
    monkeypatch.setattr(shipped, "FOLDER", package)
    return package


@pytest.fixture
def no_builtin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "nothing")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in which nothing was ever trained, as the working folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("params.yaml", "dvc.yaml"):
        (folder / name).write_text((PROJECT / name).read_text())
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder that belongs to no project."""
    folder = tmp_path / "outside"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def make_champion(make_package: MakePackage, registry: ModelRegistry) -> MakeChampion:
    """Promote a detector of some evidence."""

    def make(evidence: str) -> ModelRegistry:
        nominate([make_package("champion", evidence=evidence, detector="Champion")], AUC, registry)
        promote(registry, HERE)
        return registry

    return make


@pytest.fixture
def write_marked(write_scan: WriteScan, tmp_path: Path) -> Callable[[Evidence], Path]:
    """Write a scan that carries medfake's own mark."""

    def write(evidence: Evidence) -> Path:
        plain = find_series(write_scan(tmp_path / "plain" / evidence, [-200] * 9))[0][0]
        template = SeriesTemplate(
            patient_id="A", manufacturer="T", model="T", kernel="K", thickness_mm=2.5, spacing_mm=(0.7, 0.7)
        )
        positions = np.array([header.position_mm for header in plain.headers])
        folder = tmp_path / "marked" / evidence
        write_series(folder, read_volume(plain.headers), positions, template, uid_seed="m", synthetic=evidence)
        return folder

    return write


def used(report: ScanReport) -> tuple[str, str]:
    return report.model["detector"], report.model["chosen"]


def test_outside_of_any_project_the_built_in_detector_scans_and_nothing_is_left_behind(
    builtin: Path, outside: Path, write_scan: WriteScan, tmp_path: Path
) -> None:
    folder = write_scan(tmp_path / "scan", [-200] * 9)
    result = CliRunner().invoke(cli, ["scan", str(folder)], catch_exceptions=False)
    said = " ".join(result.output.split())
    assert "scored by the built-in detector: there is no medfake project here whose champion would scan" in said
    assert "measured on: 9 patients of three makers" in said
    assert "false alarms: 2 of 50 untouched scans were called tampered: 4.0% [1.0%, 14.0%]" in said
    assert "cannot see: whole slices that were made" in said
    assert list(outside.iterdir()) == []


def test_in_a_project_without_a_champion_the_built_in_detector_scans_and_no_store_is_made(
    builtin: Path, project: Path, write_scan: WriteScan, tmp_path: Path
) -> None:
    folder = write_scan(tmp_path / "scan", [-200] * 9)
    CliRunner().invoke(cli, ["scan", str(folder), "--json", str(tmp_path / "out.json")], catch_exceptions=False)
    model = json.loads((tmp_path / "out.json").read_text())["model"]
    assert model["name"] == "the built-in detector"
    assert model["chosen"] == "no detector has been promoted yet"
    assert model["false_alarms"] == {"scans": 50, "rate": 0.04, "low": 0.01, "high": 0.14}
    assert model["measured_on"] == ["9 patients of three makers"]
    assert model["blind_to"] == ["whole slices that were made"]
    assert sorted(path.name for path in project.iterdir()) == ["dvc.yaml", "params.yaml"]


@pytest.mark.parametrize("wanted", [None, "champion"])
def test_outside_of_any_project_the_registry_that_the_environment_names_says_who_is_champion(
    wanted: str | None, outside: Path, make_champion: MakeChampion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", make_champion("clinical").store.uri)
    assert open_here(wanted).card.detector == "Champion"


def test_it_is_asked_for_by_name_though_there_is_a_champion(builtin: Path, make_champion: MakeChampion) -> None:
    assert open_model("builtin", make_champion("clinical")).card.detector == "Builtin"


@pytest.mark.parametrize("evidence", ["forged", "clinical"])
def test_a_champion_that_learnt_from_real_scans_scans(
    evidence: str, builtin: Path, make_champion: MakeChampion, write_scan: WriteScan, tmp_path: Path
) -> None:
    report = scan_paths([write_scan(tmp_path / "a", [-200] * 9)], open_model(None, make_champion(evidence)))
    assert used(report) == ("Champion", "it is the champion")


def test_a_champion_of_the_phantom_scans_the_phantom_and_no_real_scan(
    builtin: Path,
    make_champion: MakeChampion,
    write_marked: Callable[[Evidence], Path],
    write_scan: WriteScan,
    tmp_path: Path,
) -> None:
    model, phantom = open_model(None, make_champion("phantom")), write_marked(Evidence.PHANTOM)
    assert used(scan_paths([phantom], model))[0] == "Champion"
    real = write_scan(tmp_path / "real", [-200] * 9)
    for paths in ([real], [phantom, real]):
        detector, chosen = used(scan_paths(paths, model))
        assert detector == "Builtin"
        assert chosen == (
            "medfake-detector version 1 (champion) learnt from the phantom alone, and here are scans that are not the "
            "phantom's (--model champion takes it all the same)"
        )


def test_a_forgery_of_a_real_scan_is_no_scan_of_the_phantom(
    builtin: Path, make_champion: MakeChampion, write_marked: Callable[[Evidence], Path]
) -> None:
    model = open_model(None, make_champion("phantom"))
    assert used(scan_paths([write_marked(Evidence.FORGED)], model))[0] == "Builtin"


@pytest.mark.parametrize("wanted", ["champion", "1"])
def test_a_champion_of_the_phantom_that_is_asked_for_scans_whatever_there_is(
    wanted: str, builtin: Path, make_champion: MakeChampion, write_scan: WriteScan, tmp_path: Path
) -> None:
    report = scan_paths([write_scan(tmp_path / "a", [-200] * 9)], open_model(wanted, make_champion("phantom")))
    assert used(report) == ("Champion", "")
    assert report.scans[0].warnings[-1].startswith("the detector was trained on phantom data")


@pytest.mark.parametrize(("asked", "calibrated"), [([], "Builtin"), (["--model", "champion"], "Champion")])
def test_of_a_champion_of_the_phantom_and_the_built_in_one_that_scans_which_was_calibrated(
    asked: list[str], calibrated: str, builtin: Path, make_champion: MakeChampion, write_scan: WriteScan,
    tracking: TrackingParams, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    make_champion("phantom")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking.uri)
    real = str(write_scan(tmp_path / "real", [-200] * 9))
    for command in (["calibrate", real, "--rate", "0.5", *asked], ["scan", real, "--calibration", "calibration.json"]):
        CliRunner().invoke(cli, [*command, *(["--json", "out.json"] * (command[0] == "scan"))], catch_exceptions=False)
    assert json.loads(Path("calibration.json").read_text())["detector"] == calibrated
    assert json.loads(Path("out.json").read_text())["model"]["detector"] == calibrated


def test_without_the_built_in_detector_a_champion_of_the_phantom_scans_with_its_warning(
    no_builtin: None, make_champion: MakeChampion, write_scan: WriteScan, tmp_path: Path
) -> None:
    report = scan_paths([write_scan(tmp_path / "a", [-200] * 9)], open_model(None, make_champion("phantom")))
    assert used(report)[0] == "Champion"
    assert report.scans[0].warnings[-1].startswith("the detector was trained on phantom data")


def test_without_the_built_in_detector_there_is_none_before_a_promotion(
    no_builtin: None, registry: ModelRegistry
) -> None:
    with pytest.raises(NoChampionError, match="promoted yet"):
        open_model(None, registry)
    with pytest.raises(NoChampionError, match="no detector here"):
        open_model(None, None)
    with pytest.raises(ManifestError, match="lacks the built-in detector"):
        open_model("builtin", None)


def test_where_the_registry_does_not_answer_it_says_which_detector_needs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(PROJECT / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    with pytest.raises(StorageError, match="does not answer") as nobody_said:
        open_here(None)
    assert str(nobody_said.value.remedy).endswith("--model builtin asks no registry")
    with pytest.raises(StorageError, match="does not answer") as asked_for:
        open_here("champion")
    assert "builtin" not in str(asked_for.value.remedy)


def test_a_version_that_is_asked_for_outside_of_a_project_is_refused(builtin: Path, outside: Path) -> None:
    with pytest.raises(ConfigError, match="no medfake project here"):
        open_here("3")


def test_a_detector_that_was_measured_on_real_scans_is_not_called_worthless(
    builtin: Path, write_scan: WriteScan, tmp_path: Path
) -> None:
    report = scan_paths([write_scan(tmp_path / "a", [-200] * 9)], open_model("builtin", None))
    assert not any("no evidence" in warning for warning in report.scans[0].warnings)


def test_markup_in_what_a_card_says_is_printed_as_it_is(make_package: MakePackage) -> None:
    model = open_model(str(make_package(blind_to=("[red]slices",))), None)
    console = Console(width=300, record=True)
    scan_paths([], model).render(console)
    assert "cannot see: [red]slices" in console.export_text()


@pytest.mark.parametrize("in_a_project", [False, True])
def test_scanning_where_nothing_was_promoted_loads_nothing_heavy(
    in_a_project: bool, builtin: Path, outside: Path, write_scan: WriteScan, tmp_path: Path
) -> None:
    if in_a_project:
        for name in ("params.yaml", "dvc.yaml"):
            shutil.copy(PROJECT / name, outside / name)
    folder = write_scan(tmp_path / "scan", [-200] * 9)
    code = (
        "import sys\nfrom pathlib import Path\nfrom medfake.package import shipped\n"
        f"shipped.FOLDER = Path({str(builtin)!r})\n"
        "from medfake.cli.root import cli\n"
        f"cli(['scan', {str(folder)!r}], standalone_mode=False)\n"
        f"print('loaded:', sorted({HEAVY!r} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=outside)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded: []"


def test_the_files_of_the_built_in_detector_are_installed_with_medfake() -> None:
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    assert "package/builtin/*" in settings["tool"]["setuptools"]["package-data"]["medfake"]
