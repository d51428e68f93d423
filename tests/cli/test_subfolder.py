"""Every command works in a folder below a project's root, and what it tells to type works there, too."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from medfake.cli.command_line import run
from medfake.cli.places import tell_root
from medfake.cli.root import cli
from medfake.config import NominateParams
from medfake.errors import ManifestError
from medfake.project import Project
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.nominate import nominate

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def below(
    tmp_path: Path,
    empty_database: Path,
    make_package: Callable[..., Path],
    write_scan: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A folder two below the root of a project with a challenger and a scan; the working folder."""
    root = tmp_path / "chest"
    (root / "here" / "deep").mkdir(parents=True)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(PROJECT / name, root)
    shutil.copytree(PROJECT / "studies", root / "studies")
    shutil.copyfile(empty_database, root / "mlflow.db")
    (root / ".medfake").mkdir()
    write_scan(root / "scans" / "one", [100, 110, 120, 130])
    registry = ModelRegistry(Project(root).tracking)
    nominate([make_package(patients={"val": 5})], NominateParams(metric="auc"), registry)
    monkeypatch.chdir(root / "here" / "deep")
    monkeypatch.setenv("COLUMNS", "160")
    return root / "here" / "deep"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("study list", "quickstart (in params.yaml)"),
        ("study show shree", "study: shree"),
        ("study use shree --yes", "then cd ../.. && dvc repro"),
        ("study status", "planned"),
        ("registry list", "challenger"),
        ("registry show challenger", "# Model card: ResidualCNN"),
        ("registry show challenger --json", '"detector": "ResidualCNN"'),
        ("registry history", "nothing was decided yet"),
        ("promote --dry-run", "would be champion: version 1"),
        ("data inspect ../../scans", "path: scans}, then cd ../.. && dvc repro"),
        ("data inspect .. --kind folder", None),
        ("data template", "hospital-a/scan-001"),
        ("backbones VGG19", "VGG19"),
        ("scan ../../scans --model challenger", "next: the same with --json FILE"),
        ("scan ../../scans --model challenger --json scan.json", "written: scan.json"),
        ("phantom made --seed 1 --slices 24", "next: medfake scan made"),
    ],
)
def test_a_command_works_below_the_root_and_leaves_nothing_there(below: Path, command: str, told: str | None) -> None:
    done = CliRunner().invoke(cli, command.split())
    if told is None:  # there are no scans: the error is one of medfake's
        assert done.exit_code != 0
        assert "mlflow" not in str(done.exception)
    else:
        assert done.exit_code == 0, done.exception
        assert told in " ".join(done.output.split())
    assert {path.name for path in below.iterdir()} <= {"scan.json", "made"}
    assert {path.name for path in below.parent.iterdir()} == {"deep"}


def test_headers_are_remembered_in_the_project(below: Path) -> None:
    CliRunner().invoke(cli, ["data", "inspect", "../../scans"])
    assert (below.parents[1] / ".medfake" / "headers.sqlite").exists()


def test_a_promotion_below_the_root_is_the_projects(below: Path) -> None:
    assert "champion: version 1" in CliRunner().invoke(cli, ["promote"]).output
    assert "champion: nobody" in CliRunner().invoke(cli, ["rollback"]).output
    assert not list(below.iterdir())


def test_a_remedy_with_dvc_says_in_which_folder(below: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = ManifestError("gone", remedy="dvc repro -s -f nominate")
    tell_root(error)
    assert error.remedy == "dvc repro -s -f nominate (dvc wants the project's folder: cd ../..)"
    monkeypatch.chdir(below.parents[1])
    error = ManifestError("gone", remedy="dvc repro -s -f nominate")
    tell_root(error)
    assert error.remedy == "dvc repro -s -f nominate"
    monkeypatch.chdir(below.parents[2])
    tell_root(error)
    assert error.remedy == "dvc repro -s -f nominate"


def test_an_error_below_the_root_is_told_with_the_way_there(below: Path, capsys: pytest.CaptureFixture[str]) -> None:
    @cli.command("fails", hidden=True)
    def fails() -> None:
        raise ManifestError("gone", remedy="dvc repro")

    with pytest.raises(SystemExit), pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["medfake", "fails"])
        try:
            run(cli)
        finally:
            cli.commands.pop("fails")
    assert "next: dvc repro (dvc wants the project's folder: cd ../..)" in capsys.readouterr().err
