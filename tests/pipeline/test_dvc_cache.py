"""DVC's cache of pickles is this user's alone, one for a project, wherever in it DVC is called."""

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.repo import Repo

from medfake.experiments.dvc_repro import SITE_CACHE_VARIABLE, dvc_environment
from medfake.project import Project

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """What setup finds in a clone, without what this machine says of its own project."""
    shutil.copytree(PROJECT / "scripts", tmp_path / "scripts")
    (tmp_path / ".dvc").mkdir()
    for name in (".dvc/config", "params.yaml", "dvc.yaml"):
        shutil.copy(PROJECT / name, tmp_path / name)
    return Project(tmp_path)


def set_up(project: Project) -> str:
    code = "import environment; environment.PRIVATE.mkdir(mode=0o700, exist_ok=True); environment.keep_dvc_private()"
    subprocess.run([sys.executable, "-c", code], cwd=project.root / "scripts", check=True)
    return (project.root / ".dvc/config.local").read_text()


def is_private(folder: Path) -> bool:
    return stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_after_setup_every_folder_of_the_project_shares_a_private_cache(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(project)
    monkeypatch.delenv(SITE_CACHE_VARIABLE)
    (project.root / "studies").mkdir()
    for folder in (project.root, project.root / "studies"):
        monkeypatch.chdir(folder)
        with Repo() as repo:
            assert Path(repo.site_cache_dir).is_relative_to(project.private / "dvc-site-cache")
    assert is_private(project.private)
    assert is_private(project.private / "dvc-site-cache")
    assert not (project.root / "studies/.medfake").exists()


def test_the_versioned_config_names_no_place_of_its_own() -> None:
    assert "site_cache_dir" not in (PROJECT / ".dvc/config").read_text()


def test_setup_keeps_what_else_is_said_locally_and_says_nothing_twice(project: Project) -> None:
    kept = "    remote = mine\n['remote \"mine\"']\n    url = /mnt/mine\n"
    (project.root / ".dvc/config.local").write_text(f"[core]\n    site_cache_dir = /moved/from\n{kept}")
    once = set_up(project)
    assert set_up(project) == once
    assert "/moved/from" not in once
    assert once.count("[core]") == once.count("site_cache_dir") == 1
    assert once.endswith(kept)


def test_dvc_is_told_when_there_is_no_git(project: Project) -> None:
    assert "no_scm = true" in set_up(project)
    with Repo(str(project.root)) as repo:
        assert repo.config["core"]["no_scm"]
    (project.root / ".git").mkdir()
    assert "no_scm" not in set_up(project)


def test_without_setup_the_commands_that_call_dvc_bring_a_private_cache(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SITE_CACHE_VARIABLE)
    folder = Path(dvc_environment(project)[SITE_CACHE_VARIABLE])
    assert folder.is_absolute()
    assert is_private(folder)
    assert is_private(folder.parent)


def test_a_cache_that_the_user_chose_stays(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SITE_CACHE_VARIABLE, "/mnt/mine")
    assert dvc_environment(project)[SITE_CACHE_VARIABLE] == "/mnt/mine"
