"""What code and what data a run was made with."""

import hashlib
import subprocess
from pathlib import Path

DVC_LOCK = Path("dvc.lock")


def git_revision() -> str:
    """Short hash of HEAD, with "-dirty" when tracked files differ; "unknown" outside git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # a constant command
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def dvc_lock_sha256() -> str | None:
    """SHA-256 of dvc.lock, None before the first `dvc repro`."""
    return hashlib.sha256(DVC_LOCK.read_bytes()).hexdigest() if DVC_LOCK.exists() else None
