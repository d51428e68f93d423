"""Where a service keeps jobs, and what it served, when nobody says; other commands look there, too."""

import os
from pathlib import Path
from typing import Final

from medfake.errors import StorageError
from medfake.private_folders import user_data
from medfake.project import Project
from medfake.tracking.store_errors import SQLITE

DATABASE_VARIABLE: Final = "MEDFAKE_DATABASE"
"""Address of the database; a password is safer here than among arguments, which all users of a machine see."""
_FILE: Final = "service.db"


def default_folder(name: str = "service") -> Path:
    """Folder of jobs: in the project, or among this user's data.

    Args:
        name: Of the folder there.

    Raises:
        StorageError: There is no home folder.
    """
    project = Project.around()
    if project:
        return project.private / name
    folder = user_data()
    if folder is None:
        raise StorageError("there is no home folder to keep jobs in", where="$HOME", remedy="--data FOLDER")
    return folder / name


def default_database(folder: Path | None = None) -> str:
    """Address of the database: what MEDFAKE_DATABASE says, or a file in the folder of jobs.

    Args:
        folder: Of jobs; None for the default one.

    Raises:
        StorageError: There is no home folder.
    """
    return os.environ.get(DATABASE_VARIABLE) or f"{SQLITE}{(folder or default_folder()) / _FILE}"
