"""What code and what data a run was made with."""

import subprocess
from pathlib import Path

from medfake.files import sha256_file
from medfake.project import STAGES_FILE


def git_revision(root: Path) -> str:
    """Short hash of a project's HEAD, with "-dirty" when tracked files differ; "unknown" where git does not keep it.

    A project that lies in a folder of another repository, as one unpacked from a ZIP may, is none of its revisions.
    """
    kept = ["git", "ls-files", "--error-unmatch", str(STAGES_FILE)]
    describe = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        _, described = [
            subprocess.run(  # noqa: S603  # constant commands
                command, cwd=root, capture_output=True, text=True, check=True
            )
            for command in (kept, describe)
        ]
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return described.stdout.strip()


def dvc_lock_sha256(lock: Path) -> str | None:
    """SHA-256 of a project's dvc.lock, None before the first `dvc repro`."""
    return sha256_file(lock) if lock.exists() else None
