"""Sealing: all images below a folder are read once, and nothing of them is written to."""

import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medfake.dicom import fields
from medfake.dicom.folders import Skipped
from medfake.errors import DicomError, SealError
from medfake.files import path_text
from medfake.logs import redact
from medfake.progress import track
from medfake.seal.digests import FileHead, read_slices
from medfake.seal.document import SUFFIX, Seal, SealedSeries, SealedSlice, sign
from medfake.seal.scan_files import ScanFiles, scan_files

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_TOLD = 5


def default_place(path: Path) -> Path:
    """Where the seal of a scan is looked for: beside it, so that the scan's own folder stays as it is."""
    whole = path.resolve()
    return whole.parent / f"{whole.name}{SUFFIX}"


def make_seal(path: Path, key: "Ed25519PrivateKey", without: Sequence[Path] = ()) -> tuple[Seal, ScanFiles]:
    """Seal the images of a file or below a folder.

    Args:
        path: File or folder.
        key: To sign with.
        without: Resolved paths that are no part of the scan.

    Returns:
        The seal, and what was found below the folder.

    Raises:
        SealError: There is no image, an instance stands twice, or a file cannot be read: what is not digested could be
            changed.
    """
    salt = secrets.token_hex(16)
    found = scan_files(path, salt, without)
    _require_sound(path, found)
    slices: dict[str, list[SealedSlice]] = {}
    for head in track(found.images, f"sealing {len(found.images)} files", len(found.images)):
        try:
            slices.setdefault(head.series, []).extend(read_slices(head, salt))
        except DicomError as error:
            raise _unreadable(path, [Skipped(head.path, redact(error.reason))]) from None
    series = [SealedSeries(series=name, slices=in_order(some)) for name, some in slices.items()]
    return sign(series, salt, key), found


def in_order(slices: Iterable[SealedSlice]) -> list[SealedSlice]:
    """Along the normal where slices have places, then by Instance Number (0020,0013), then by instance and frame."""

    def key(one: SealedSlice) -> tuple[float, float, str, int]:
        number = fields.whole(one.geometry.get("InstanceNumber"))
        return _height_mm(one.geometry), np.inf if number is None else number, one.instance, one.frame

    return sorted(slices, key=key)


def _height_mm(geometry: dict[str, str]) -> float:
    try:
        cosines = np.array(_anywhere(geometry, "ImageOrientationPatient").split("\\"), float).reshape(2, 3)
        position = np.array(_anywhere(geometry, "ImagePositionPatient").split("\\"), float)
        normal = np.cross(*cosines)
        return round(float(normal @ position) * float(np.sign(normal[np.argmax(np.abs(normal))])), 3)
    except ValueError:
        return np.inf


def _anywhere(geometry: dict[str, str], keyword: str) -> str:
    return next((value for where, value in geometry.items() if where.rpartition("/")[2] == keyword), "")


def _require_sound(path: Path, found: ScanFiles) -> None:
    if found.unreadable:
        raise _unreadable(path, found.unreadable)
    if not found.images:
        raise SealError(
            "there is no DICOM image to seal", where=path_text(path),
            received=f"{len(found.left_out)} other files" if found.left_out else "an empty folder",
            remedy="give the folder of the scan",
        )  # fmt: skip
    first: dict[str, FileHead] = {}
    for head in found.images:
        if head.instance in first:
            raise SealError(
                "two files hold the same instance, and only one of them can be the sealed one",
                where=path_text(head.path), received=f"the SOP Instance UID of {path_text(first[head.instance].path)}",
                remedy="move one of them away",
            )  # fmt: skip
        first[head.instance] = head


def _unreadable(path: Path, files: Sequence[Skipped]) -> SealError:
    told = "; ".join(f"{path_text(one.path)}: {one.reason}" for one in files[:_TOLD])
    more = f"; and {len(files) - _TOLD} more" if len(files) > _TOLD else ""
    return SealError(
        "a file cannot be read, and a seal that leaves it out would say nothing of it", where=path_text(path),
        received=told + more, remedy="export the scan again, or move the file away",
    )  # fmt: skip
