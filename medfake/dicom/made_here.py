"""Folders of scans that medfake made itself, which it may replace; whatever else lies there stays."""

from pathlib import Path
from typing import Final

from medfake.dicom.series import find_series
from medfake.errors import OutputRefusedError
from medfake.files import path_text

_TABLES: Final = frozenset({".csv", ".xml"})
"""Of labels and outlines, which stand beside scans that were made."""


def require_made_here(folder: Path, key: str) -> None:
    """Refuse to replace a folder in which there is anything but scans that bear medfake's own mark, and their tables.

    Args:
        folder: To be replaced whole; it need not be there.
        key: Of params.yaml that names it, such as "phantom.chest".

    Raises:
        OutputRefusedError: It is a link or a file, or holds scans without the mark, or files of another kind, or tables
            and not one scan that was made.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise _refused(folder, key, "a link" if folder.is_symlink() else "a file")
    if not folder.exists():
        return
    series, others = find_series(folder, modality=None)
    headers = [header for one in series for header in one.headers]
    strays = [header.path for header in headers if header.synthetic is None]
    strays += [one.path for one in others if one.path.suffix.lower() not in _TABLES]
    if not headers:
        strays += [one.path for one in others]
    if strays:
        count = len(set(strays))
        first = path_text(min(strays).relative_to(folder))
        raise _refused(folder, key, first if count == 1 else f"{first} and {count - 1} more")


def _refused(folder: Path, key: str, received: str) -> OutputRefusedError:
    return OutputRefusedError(
        "what would be written here would take the place of what medfake did not make", where=path_text(folder),
        received=received, remedy=f"move it away, or give {key} in params.yaml another name",
    )  # fmt: skip
