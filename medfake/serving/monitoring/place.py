"""Where served scans are recorded when nobody says."""

import os
from pathlib import Path
from typing import Final

from medfake.errors import StorageError
from medfake.private_folders import user_data
from medfake.project import Project
from medfake.tracking.store_errors import SQLITE

VARIABLE: Final = "MEDFAKE_DATABASE"
"""Address of the database; a password is safer here than among the arguments, which all users of a machine see."""
_FILE: Final = "served.db"


def default_database() -> str:
    """What MEDFAKE_DATABASE says; or served.db in the project's private folder, or among this user's data.

    Raises:
        StorageError: There is no home folder.
    """
    if os.environ.get(VARIABLE):
        return os.environ[VARIABLE]
    project = Project.around()
    folder: Path | None = project.private if project else user_data()
    if folder is None:
        raise StorageError(
            "there is no home folder to keep a database in", where="$HOME", remedy="--database sqlite:///FILE"
        )
    return f"{SQLITE}{folder / _FILE}"
