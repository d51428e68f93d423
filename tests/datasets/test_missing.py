"""A study whose raw data are not there says where to get them and where to put them."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from medfake.cli.root import cli
from medfake.datasets.missing import missing_sources
from medfake.project import Project

PROJECT = Path(__file__).resolve().parents[2]
PUBLIC = ("alsabbagh", "shree-networks", "solaiyappan")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    root = tmp_path / "chest"
    root.mkdir()
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(PROJECT / name, root)
    shutil.copytree(PROJECT / "studies", root / "studies")
    monkeypatch.chdir(root)
    return Project(root)


def missing(project: Project, study: str) -> list[tuple[str | None, str]]:
    params = project.read_params(project.studies / f"{study}.yaml")
    return [(one.where, one.remedy or "") for one in missing_sources(params, project.raw)]


@pytest.mark.parametrize("study", PUBLIC)
def test_a_public_set_is_told_once_with_its_origin_and_its_place(project: Project, study: str) -> None:
    (reals, get_reals), (fakes, get_fakes) = missing(project, study)
    assert (reals, fakes) == (str(project.raw / "LIDC-IDRI"), str(project.raw / "CT-GAN"))
    assert "LIDC-IDRI from The Cancer Imaging Archive" in get_reals
    assert f"unpack it into {reals}" in get_reals
    assert "UCI Machine Learning Repository" in get_fakes
    assert f"unpack it into {fakes}" in get_fakes


def test_ones_own_scans_are_told_with_the_key_that_names_them(project: Project) -> None:
    (found,) = missing(project, "own-scans")
    assert found[0] == str(project.root / "../shared/ct-sample")
    assert "forged.own.reals" in found[1]


def test_what_stages_make_is_never_missing(project: Project) -> None:
    assert missing(project, "quickstart") == []


def test_slices_that_a_generator_makes_are_never_missing(project: Project) -> None:
    assert [where for where, _ in missing(project, "shree")] == [str(project.raw / "LIDC-IDRI")]


def test_what_is_there_is_not_missing(project: Project) -> None:
    (project.raw / "CT-GAN").mkdir(parents=True)
    assert [where for where, _ in missing(project, "shree-networks")] == [str(project.raw / "LIDC-IDRI")]


def test_using_a_study_tells_what_it_needs(project: Project) -> None:
    said = CliRunner().invoke(cli, ["study", "use", "shree-networks", "--yes"]).output
    assert said.count("missing: the source folder is missing") == 2
    assert "next: get the collection LIDC-IDRI" in said


@pytest.mark.slow
def test_a_run_that_dvc_stops_tells_it_at_the_end(project: Project) -> None:
    (project.root / ".dvc").mkdir()
    (project.root / ".dvc/config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    shutil.copy(project.studies / "shree.yaml", project.params_file)
    for name in ("medfake", "pipelines"):
        (project.root / name).symlink_to(PROJECT / name)
    done = CliRunner().invoke(cli, ["study", "run"])
    assert done.exit_code != 0
    assert "missing: the source folder is missing" in done.output
