"""An upload while it arrives: files into numbered places, counted against the limits, nothing left of it on failure."""

import shutil
import uuid
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from medfake.errors import storage_error
from medfake.files import in_a_word
from medfake.serving.scoring import job_files
from medfake.serving.scoring.job_files import LeftOut, Received, Upload, client_name
from medfake.serving.scoring.limits import MIB
from medfake.serving.service.refusals import FullError, RefusalError, TooLargeError, UnavailableError
from medfake.serving.service.settings import Limits

_SPARE_BYTES: Final = 64 * MIB  # that an upload leaves free: results and the database need some


class Incoming:
    """Files of one request; afterwards `keep` makes a job's folder of them, or `discard` leaves nothing.

    Attributes:
        folder: Where they lie until then.
        size: Bytes so far.
    """

    def __init__(self, root: Path, limits: Limits) -> None:
        self.folder = root / uuid.uuid4().hex
        self.size = 0
        self._limits = limits
        self._folders: dict[str, int] = {}
        self._names: set[str] = set()
        self._received: list[Received] = []
        self._left_out: list[LeftOut] = []
        self._count = 0
        (self.folder / job_files.FILES).mkdir(mode=0o700, parents=True)

    def open(self, name: str) -> tuple[BinaryIO, Path, str]:
        """A new file.

        Args:
            name: The client's, a path perhaps; it says which folder the file shares with others, and nothing else.

        Returns:
            The file, open for writing; its path; the client's name, unlike all others of this upload.

        Raises:
            TooLargeError: There are too many.
        """
        if self._count >= self._limits.files:
            raise TooLargeError(
                f"an upload has at most {self._limits.files} files", where="body", received="more",
                remedy="send one study at a time, or start the service with a larger --max-files",
            )  # fmt: skip
        self._count += 1
        told = self._unlike_others(client_name(name))
        parent = str(PurePosixPath(name.replace("\\", "/")).parent)
        number = self._folders.setdefault(parent, len(self._folders))
        place = self.folder / job_files.FILES / str(number) / str(self._count)
        place.parent.mkdir(mode=0o700, exist_ok=True)
        return place.open("xb"), place, told

    def spool(self) -> Path:
        """Where an archive lies until it is unpacked."""
        return self.folder / "archive.zip"

    def write(self, file: BinaryIO, data: bytes) -> None:
        """Add bytes to a file.

        Raises:
            TooLargeError: The upload has become too large.
        """
        self.size += len(data)
        if self.size > self._limits.expanded_bytes:
            raise TooLargeError(
                f"files of more than {self._limits.expanded_bytes / MIB:g} MiB", where="body", received="more",
                remedy="send one study at a time, or start the service with a larger --max-expanded-mb",
            )  # fmt: skip
        file.write(data)

    def received(self, path: Path, name: str) -> None:
        """Count a file that is whole."""
        self._received.append(Received(path.relative_to(self.folder / job_files.FILES).as_posix(), name))

    def files(self) -> list[Received]:
        """All that are whole so far."""
        return list(self._received)

    def path(self, one: Received) -> Path:
        """Where a file lies."""
        return self.folder / job_files.FILES / one.place

    def take_back(self, one: Received) -> None:
        """Count a file no longer: it is an archive, and its members count."""
        self._received.remove(one)
        self._names.discard(one.name)

    def left_out(self, name: str, reason: str, kind: str = "archive") -> None:
        """Count a file that is not taken."""
        if len(self._left_out) >= self._limits.files:
            raise TooLargeError(f"an upload has at most {self._limits.files} files", where="body", received="more")
        self._left_out.append(LeftOut(client_name(name), reason, kind))

    def keep(self, folder: Path) -> None:
        """Make the folder of a job of this upload, on disk for good before it has its name.

        Raises:
            RefusalError: There is no file in it.
        """
        if not self._received and not self._left_out:
            raise RefusalError(
                "there is no file in this request", where="body",
                remedy="send DICOM files, or a zip of them, e.g. curl --form file=@1.dcm",
            )  # fmt: skip
        self.spool().unlink(missing_ok=True)
        Upload(tuple(self._received), tuple(self._left_out)).write(self.folder)
        job_files.synced(self.folder)
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        self.folder.rename(folder)
        job_files.synced_name(folder)

    def discard(self) -> None:
        """Leave nothing."""
        job_files.remove(self.folder)

    def _unlike_others(self, name: str) -> str:
        """A name that no other file of this upload has, as reports tell files apart by name."""
        told, number = name, 1
        while told in self._names:
            number += 1
            told = f"{name} ({number})"
        self._names.add(told)
        return told


def require_space(folder: Path, size: int) -> None:
    """Refuse what does not fit, before any of it is written.

    Raises:
        FullError: There is less space.
        UnavailableError: The folder is not there, as when its disk was taken away.
    """
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise UnavailableError(
            "the folder of uploads cannot be reached", where="the disk of the service", received=in_a_word(error),
            remedy="try again later; whoever runs the service sees that --data is there", retry_after_s=60,
        ) from None  # fmt: skip
    if free < size + _SPARE_BYTES:
        raise FullError(
            "there is no space for this upload", where="the disk of the service",
            received=f"{size / MIB:.0f} MiB, and {free / MIB:.0f} MiB are free",
            remedy="delete jobs that are not needed any more (DELETE /v1/jobs/ID), or free some space (`df -h`)",
        )  # fmt: skip


def refusal_of(error: OSError) -> FullError | None:
    """What a client is told of a disk that is full or broken; None where the error is about something else."""
    told = storage_error(error)
    if told is None:
        return None
    return FullError(
        f"{told.what}: nothing of this upload was kept", where="the disk of the service",
        remedy="try again later; whoever runs the service frees some space (`df -h`)", retry_after_s=60,
    )  # fmt: skip
