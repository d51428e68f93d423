"""What code and what data a run was made with."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from medfake.files import sha256_file
from medfake.project import STAGES_FILE

UNKNOWN = "unknown"  # where git does not keep a project


def git_revision(root: Path) -> str:
    """Short hash of a project's HEAD, with "-dirty" when tracked files differ; "unknown" where git does not keep it.

    A project that lies in a folder of another repository, as one unpacked from a ZIP may, is none of its revisions.
    """
    try:
        _git(root, "ls-files", "--error-unmatch", str(STAGES_FILE))
        return _git(root, "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*").strip()
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN


def dvc_lock_sha256(lock: Path) -> str | None:
    """SHA-256 of a project's dvc.lock, None before the first `dvc repro`."""
    return sha256_file(lock) if lock.exists() else None


def commit(root: Path) -> str:
    """Hash of a project's HEAD, all digits; "unknown" as for `git_revision`."""
    if git_revision(root) == UNKNOWN:
        return UNKNOWN
    return _git(root, "rev-parse", "HEAD").strip()


def changed_files(root: Path, folders: Sequence[str]) -> tuple[str, ...]:
    """Files that differ from a project's HEAD, and files of some folders that git neither keeps nor ignores.

    Files elsewhere that git does not keep are not told: people put what they like beside a project.

    Args:
        root: Of the project.
        folders: Below it.

    Returns:
        Paths below the project, sorted; none where git does not keep the project.
    """
    if git_revision(root) == UNKNOWN:
        return ()
    tracked = _git(root, "diff", "--name-only", "--relative", "-z", "HEAD", "--", ".")
    others = _git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", *folders)
    return tuple(sorted({name for name in (tracked + others).split("\0") if name}))


def _git(root: Path, *arguments: str) -> str:
    """What git says.

    Raises:
        OSError: There is no git.
        subprocess.CalledProcessError: It refuses.
    """
    command = ["git", *arguments]
    return subprocess.run(  # noqa: S603  # no shell, and no argument of a user
        command, cwd=root, capture_output=True, text=True, check=True
    ).stdout
