"""What code and what data a run was made with."""

import subprocess
from pathlib import Path

from medfake.files import sha256_file


def git_revision(root: Path) -> str:
    """Short hash of a project's HEAD, with "-dirty" when tracked files differ; "unknown" outside git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(  # noqa: S603  # a constant command
            command, cwd=root, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def dvc_lock_sha256(lock: Path) -> str | None:
    """SHA-256 of a project's dvc.lock, None before the first `dvc repro`."""
    return sha256_file(lock) if lock.exists() else None
