"""Folders of scans that medfake made itself, which it may replace; whatever else lies there stays."""

from pathlib import Path
from typing import Final

from medfake.dicom.header import synthetic_mark
from medfake.dicom.parse import read_header_elements
from medfake.dicom.quiet import quiet_pydicom
from medfake.errors import DicomError, OutputRefusedError
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
    files = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    made = {path: _is_made_here(path) for path in files}
    tables = {path for path in files if path.suffix.lower() in _TABLES and any(made.values())}
    strays = [path for path in files if not made[path] and path not in tables]
    if strays:
        first, more = path_text(strays[0].relative_to(folder)), len(strays) - 1
        raise _refused(folder, key, f"{first} and {more} more" if more else first)


def _is_made_here(path: Path) -> bool:
    try:
        with quiet_pydicom():
            return not path.is_symlink() and synthetic_mark(read_header_elements(path)[0]) is not None
    except DicomError:
        return False


def _refused(folder: Path, key: str, received: str) -> OutputRefusedError:
    return OutputRefusedError(
        "what would be written here would take the place of what medfake did not make", where=path_text(folder),
        received=received, remedy=f"move it away, or give {key} in params.yaml another name",
    )  # fmt: skip
