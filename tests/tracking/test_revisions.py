"""Which revision of the code a run was made with."""

import subprocess
from pathlib import Path

import pytest

from medfake.tracking.revisions import changed_files, commit, git_revision


def git(folder: Path, *command: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    return subprocess.run(
        ["git", *identity, *command], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "README").write_text("a repository\n")
    git(tmp_path, "add", "README")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


@pytest.fixture
def project(repository: Path) -> Path:
    """In a folder of a repository, which does not keep it yet."""
    folder = repository / "unpacked"
    folder.mkdir()
    (folder / "dvc.yaml").write_text("stages: {}\n")
    return folder


def test_a_project_in_a_folder_of_another_repository_has_none_of_its_revisions(project: Path) -> None:
    assert git_revision(project) == "unknown"


def test_a_project_that_a_repository_keeps_has_its_revision(project: Path) -> None:
    git(project, "add", "dvc.yaml")
    git(project, "commit", "-qm", "second")
    assert git_revision(project) == git(project, "rev-parse", "--short=12", "HEAD")


def test_what_was_not_committed_is_told(project: Path) -> None:
    git(project, "add", "dvc.yaml")
    git(project, "commit", "-qm", "second")
    (project / "dvc.yaml").write_text("stages: {}\nplots: []\n")
    assert git_revision(project).endswith("-dirty")


def test_outside_of_git_it_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    assert git_revision(tmp_path) == "unknown"


def test_what_differs_from_the_commit_is_told_and_strangers_beside_it_are_not(project: Path) -> None:
    (project / "code").mkdir()
    (project / "code/kept.py").write_text("a = 1\n")
    git(project, "add", ".")
    git(project, "commit", "-qm", "second")
    assert changed_files(project, ("code",)) == ()
    (project / "dvc.yaml").write_text("stages: {}\nplots: []\n")
    (project / "code/new ü.py").write_text("b = 1\n")
    (project / "DOE^JANE.csv").write_text("")
    assert changed_files(project, ("code",)) == ("code/new ü.py", "dvc.yaml")
    assert commit(project) == git(project, "rev-parse", "HEAD")


def test_outside_of_git_there_is_nothing_to_differ_from(tmp_path: Path) -> None:
    assert (commit(tmp_path), changed_files(tmp_path, ("code",))) == ("unknown", ())
