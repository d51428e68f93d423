"""An archive unpacked without trust: members become numbered files, counted by what really comes out of them."""

import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Final

from medfake.errors import storage_error
from medfake.serving.scoring.limits import MIB
from medfake.serving.service.incoming import Incoming
from medfake.serving.service.refusals import RefusalError, TooLargeError
from medfake.serving.service.settings import Limits

MAGIC: Final = b"PK\x03\x04"
_EMPTY: Final = b"PK\x05\x06"
_END_SIZE: Final = 22
_LONGEST_COMMENT: Final = 65_535
_LARGEST_DIRECTORY: Final = 1024  # bytes a member, name included, on average
_TAKEN: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CHUNK: Final = 1 << 20
_WITHOUT_RATIO: Final = 64 * MIB  # so much may come out of any archive: a scan of one value is no attack
_READ_ERRORS: Final = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, LookupError, NotImplementedError, RuntimeError),
    *(ValueError, OverflowError, MemoryError),
)
"""What zipfile raises over hostile bytes."""


def is_zip(start: bytes) -> bool:
    """Whether a file begins as an archive does."""
    return start.startswith((MAGIC, _EMPTY))


def unpack(archive: Path, incoming: Incoming, limits: Limits, below: str = "") -> None:
    """Add the members of an archive to an upload; those that may not be opened are left out with the reason.

    Args:
        archive: The file.
        incoming: Where they go.
        limits: How many, and how much.
        below: Folder that the client's names get, for an archive that came beside other files.

    Raises:
        RefusalError: It is no archive, or a broken one.
        TooLargeError: It has too many members, or unpacks to too much.
    """
    _require_sane_directory(archive, limits)
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [one for one in opened.infolist() if not one.is_dir()]
            if len(members) > limits.files:
                raise TooLargeError(
                    f"an upload has at most {limits.files} files", where="the zip", received=f"{len(members)} members",
                    remedy="send one study at a time, or start the service with a larger --max-files",
                )  # fmt: skip
            allowed = max(_WITHOUT_RATIO, limits.zip_ratio * archive.stat().st_size)
            for member in members:
                name = f"{below}/{member.filename}" if below else member.filename
                reason = _reason_against(member)
                if reason:
                    incoming.left_out(name, reason)
                    continue
                allowed -= _take(opened, member, name, incoming, allowed)
    except _READ_ERRORS as error:
        raise _broken(type(error).__name__) from None
    except OSError as error:  # of a place in the file that cannot be; a disk that is full is another matter
        if storage_error(error):
            raise
        raise _broken(type(error).__name__) from None


def _take(opened: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, incoming: Incoming, allowed: int) -> int:
    """Unpack a member; returns its size."""
    size, file, path, told = 0, *incoming.open(name)
    reason = ""
    try:
        with file, opened.open(member) as source:
            while chunk := source.read(_CHUNK):
                if size == 0 and is_zip(chunk):
                    reason = "an archive inside an archive"
                    break
                size += len(chunk)
                if size > allowed:
                    raise TooLargeError(
                        "the zip unpacks to far more than its own size", where="the zip", received="a zip bomb?",
                        remedy="send the files themselves, or a zip of DICOM files only",
                    )  # fmt: skip
                incoming.write(file, chunk)
    except _READ_ERRORS as error:
        reason = f"it cannot be unpacked ({type(error).__name__})"
    if reason:
        path.unlink()
        incoming.left_out(told, reason)
        return size
    incoming.received(path, told)
    return size


def _reason_against(member: zipfile.ZipInfo) -> str:
    """Why a member is not even opened; "" where it may be."""
    name, mode = member.filename, member.external_attr >> 16
    if member.flag_bits & 0x1:
        return "it is encrypted"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "a symbolic link" if stat.S_ISLNK(mode) else "not a regular file"
    windows = PureWindowsPath(name)
    if (
        name.startswith(("/", "\\"))
        or windows.drive
        or windows.root
        or ".." in PurePosixPath(name.replace("\\", "/")).parts
    ):
        return "its name leads out of the archive"
    if member.compress_type not in _TAKEN:
        return "it is compressed in an unusual way"
    return ""


def _require_sane_directory(archive: Path, limits: Limits) -> None:
    """See to it that the list of members, which is read whole, is no larger than the files that are taken need."""
    size = archive.stat().st_size
    with archive.open("rb") as file:
        start = max(0, size - _END_SIZE - _LONGEST_COMMENT)
        file.seek(start)
        tail = file.read()
        at = tail.rfind(_EMPTY)
        if at < 0 or at + _END_SIZE > len(tail):
            raise _broken("no list of members")
        directory = int(struct.unpack_from("<L", tail, at + 12)[0])
        if directory == 0xFFFFFFFF:
            directory = _zip64_directory(file, start + at)
    if directory > limits.files * _LARGEST_DIRECTORY:
        raise TooLargeError(
            f"an upload has at most {limits.files} files", where="the zip", received="a list of members that is longer",
            remedy="send one study at a time",
        )  # fmt: skip


def _zip64_directory(file: IO[bytes], end_at: int) -> int:
    """Bytes of the list of members of an archive in zip64 form (APPNOTE.TXT 4.3.14, 4.3.15)."""
    file.seek(max(0, end_at - 20))
    locator = file.read(20)
    if locator[:4] != b"PK\x06\x07":
        raise _broken("no list of members")
    file.seek(min(struct.unpack_from("<Q", locator, 8)[0], end_at))
    record = file.read(56)
    if len(record) < 56 or record[:4] != b"PK\x06\x06":
        raise _broken("no list of members")
    return int(struct.unpack_from("<Q", record, 40)[0])


def _broken(received: str) -> RefusalError:
    return RefusalError(
        "the zip cannot be read", where="body", received=received, remedy="make it anew, or send the files themselves"
    )
