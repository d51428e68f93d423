"""Paths and commands as they are to be typed where the user stands, which may be a folder below the project's root."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from medfake.errors import MedfakeError

if TYPE_CHECKING:
    from medfake.project import Project


def from_here(path: Path) -> str:
    """A path relative to the working folder."""
    return os.path.relpath(path)


def at_root(command: str, project: "Project") -> str:
    """A command that works in the project's root alone, as `dvc repro` does, with the way there."""
    way = os.path.relpath(project.root)
    return command if way == "." else f"cd {shlex.quote(way)} && {command}"


def tell_root(error: MedfakeError) -> None:
    """Add to a remedy that calls DVC in which folder that works, where it is not the working folder."""
    if error.remedy is None or "dvc " not in error.remedy:
        return
    from medfake.project import Project

    project = Project.around()
    way = os.path.relpath(project.root) if project else "."
    if way != ".":
        error.remedy += f" (dvc wants the project's folder: cd {shlex.quote(way)})"
