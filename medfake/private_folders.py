"""Folders of what stays on this machine, out of git and DVC: a project's own, and those of its user."""

import os
from pathlib import Path

PRIVATE = ".medfake"  # of a project, below its root; mode 0700


def user_data() -> Path | None:
    """Folder of what this user keeps for good, whichever folder they work in; None when they have no home.

    XDG Base Directory Specification: $XDG_DATA_HOME, which counts only when absolute, or ~/.local/share.
    """
    return _of_user("XDG_DATA_HOME", ".local/share")


def user_cache() -> Path | None:
    """Folder of what may be thrown away at any time: $XDG_CACHE_HOME or ~/.cache; None without a home."""
    return _of_user("XDG_CACHE_HOME", ".cache")


def _of_user(variable: str, below_home: str) -> Path | None:
    named = Path(os.environ.get(variable, ""))
    if named.is_absolute():
        return named / "medfake"
    try:
        return Path.home() / below_home / "medfake"
    except RuntimeError:  # neither $HOME nor an entry in the user database
        return None
