"""The images below a folder, and all that lies beside them: for a seal nothing may be passed over in silence."""

import stat
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from medfake.dicom.folders import NO_PERMISSION, Skipped, walk_folders
from medfake.dicom.parse import looks_like_dicom
from medfake.errors import DicomError, SealError
from medfake.files import path_text
from medfake.logs import redact
from medfake.seal.digests import FileHead, read_head

_LINK = "a symbolic link"


@dataclass
class ScanFiles:
    """What was found.

    Attributes:
        images: In the order of folders and names.
        unreadable: DICOM, or unknown, as they cannot be read.
        left_out: No images: other files, reports, links.
    """

    images: list[FileHead] = field(default_factory=list)
    unreadable: list[Skipped] = field(default_factory=list)
    left_out: list[Skipped] = field(default_factory=list)

    @property
    def signatures(self) -> int:
        """Files that carry DICOM Digital Signatures themselves."""
        return sum(one.signatures > 0 for one in self.images)


def scan_files(root: Path, salt: str, without: Collection[Path] = ()) -> ScanFiles:
    """Read the headers below a folder, or of one file.

    Args:
        root: File or folder; may itself be a link, those below it are not followed.
        salt: For digests of UIDs.
        without: Resolved paths that are no part of the scan.

    Raises:
        SealError: There is no such file or folder.
    """
    if not root.exists():
        raise SealError("there is no such file or folder", where=path_text(root), remedy="check the path")
    found = ScanFiles()
    if not root.is_dir():
        _sort(root, salt, found)
        return found
    for folder in walk_folders(root, without):
        for one in folder.left_out:
            (found.left_out if one.reason == _LINK else found.unreadable).append(one)
        for path in folder.files:
            _sort(path, salt, found)
    return found


def _sort(path: Path, salt: str, found: ScanFiles) -> None:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            found.left_out.append(Skipped(path, "not a regular file"))
        elif not looks_like_dicom(path):
            found.left_out.append(Skipped(path, "not a DICOM file"))
        elif (head := read_head(path, salt)) is None:
            found.left_out.append(Skipped(path, "holds no image"))
        else:
            found.images.append(head)
    except DicomError as error:
        found.unreadable.append(Skipped(path, redact(error.reason)))
    except PermissionError:
        found.unreadable.append(Skipped(path, NO_PERMISSION))
