"""Every error a user can meet, with its exit code.

    MedfakeError                     1
    ├── ConfigError                  3   params.yaml: a wrong key, type or value
    ├── DicomError                   4   a file that cannot be read as CT, MR or X-ray
    │   ├── NotDicomError                not a DICOM file at all
    │   ├── UnsupportedImageError        DICOM, but no image that medfake reads
    │   ├── HeaderError                  a missing or impossible header field
    │   └── PixelDataError               truncated, oversized or undecodable pixels
    ├── DataError                    5   a data set that cannot be built
    │   ├── SourceError                  a source folder without what its kind needs
    │   ├── LabelError                   a label row that fits no scan or no pixel
    │   └── ManifestError                a manifest or shard that is missing or altered
    ├── CheckFailedError             6   a guard of the data set found a broken rule
    ├── TrainingError                7   a detector that cannot be built or trained
    │   ├── UnknownDetectorError         no detector has this name
    │   ├── WeightsError                 a weights file that is missing or altered
    │   └── ExportMismatchError          Keras and ONNX outputs disagree
    ├── RegistryError                8   the model registry cannot do what was asked
    │   ├── NoChampionError              nothing has been promoted yet
    │   └── PromotionRefusedError        the challenger did not earn it
    ├── ScanError                    9   there is nothing to score, or too little to calibrate on
    ├── StorageError                10   a full, broken or read-only disk, no permission, a path that cannot be
    │   └── OutputRefusedError           an output would replace what medfake did not write
    ├── BusyError                   11   somebody else is at it already
    ├── ReproductionError           12   a run that cannot be done again: its code, data or params are gone
    │   └── FiguresDifferError      13   it was done again, and its figures are others
    ├── AlarmError                  14   a scan found what `--fail-on` names; its results are written all the same
    ├── DriftError                  15   served scans that are not like those of the detector, if asked for
    ├── SealError                   16   a seal or a key that cannot be used, a scan that cannot be sealed
    │   └── SealBrokenError         17   a scan that is not what was sealed, or a seal that was changed
    └── PacsError                   18   a PACS that refuses
        └── PacsSilentError              a PACS that does not answer

Usage errors of the command line exit with 2 (click); an interrupt (Ctrl-C) exits with 130.
"""

import errno
import sys
import unicodedata
from collections.abc import Callable
from typing import ClassVar

INTERRUPTED = 130


class MedfakeError(Exception):
    """Base of all errors that medfake raises on purpose.

    Args:
        what: What went wrong, one sentence without full stop.
        where: File, tag, column, row or key.
        received: What was found there.
        remedy: What to type or do next.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: object = None, received: object = None, remedy: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = None if where is None else str(where) if isinstance(where, str) else printable(f"{where}")
        self.received = None if received is None else str(received)
        self.remedy = remedy

    def __str__(self) -> str:
        parts = [self.what]
        parts += [f"  where: {self.where}"] if self.where is not None else []
        parts += [f"  received: {self.received}"] if self.received is not None else []
        parts += [f"  next: {self.remedy}"] if self.remedy is not None else []
        return "\n".join(parts)


class ConfigError(MedfakeError):
    """Raised when params.yaml has a wrong key, type or value."""

    exit_code = 3


class DicomError(MedfakeError):
    """Raised when a file cannot be read as an image of CT, MR or X-ray.

    Args:
        what: As in `MedfakeError`.
        where: The file.
        element: Tag and name of what is at fault, "(0028,0030) Pixel Spacing"; shown behind the file.
        received: As in `MedfakeError`; never the value of an element that identifies a patient.
        remedy: As in `MedfakeError`.
    """

    exit_code = 4

    def __init__(
        self,
        what: str,
        *,
        where: object = None,
        element: str | None = None,
        received: object = None,
        remedy: str | None = None,
    ) -> None:
        place = " ".join(str(part) for part in (where, element) if part is not None)
        super().__init__(what, where=place or None, received=received, remedy=remedy)
        self.element = element

    @property
    def reason(self) -> str:
        """One line without the file: element, what is wrong, what was received."""
        element = "" if self.element is None else f"{self.element}: "
        received = "" if self.received is None else f", received {self.received}"
        return f"{element}{self.what}{received}"


class NotDicomError(DicomError):
    """Raised when a file is not DICOM at all."""


class UnsupportedImageError(DicomError):
    """Raised when a DICOM file holds no image that medfake reads."""


class HeaderError(DicomError):
    """Raised when a header field is missing or impossible."""


class PixelDataError(DicomError):
    """Raised when pixel data are truncated, oversized or undecodable."""


class DataError(MedfakeError):
    """Raised when a data set cannot be built."""

    exit_code = 5


class SourceError(DataError):
    """Raised when a source folder lacks what its kind needs."""


class LabelError(DataError):
    """Raised when a label row fits no scan or no pixel."""


class ManifestError(DataError):
    """Raised when a manifest or shard is missing or altered."""


class CheckFailedError(MedfakeError):
    """Raised when a guard of the data set finds a broken rule."""

    exit_code = 6


class TrainingError(MedfakeError):
    """Raised when a detector cannot be built or trained."""

    exit_code = 7


class UnknownDetectorError(TrainingError):
    """Raised when no detector has the name asked for."""


class WeightsError(TrainingError):
    """Raised when a weights file is missing or altered."""


class ExportMismatchError(TrainingError):
    """Raised when Keras and ONNX outputs disagree."""


class RegistryError(MedfakeError):
    """Raised when the model registry cannot do what was asked."""

    exit_code = 8


class NoChampionError(RegistryError):
    """Raised when nothing has been promoted yet."""


class PromotionRefusedError(RegistryError):
    """Raised when the challenger did not earn promotion."""


class ScanError(MedfakeError):
    """Raised when there is nothing to score, or too little to calibrate on, or by a detector that cannot."""

    exit_code = 9


class StorageError(MedfakeError):
    """Raised when a disk is full, broken or read-only, permission is missing, or a path cannot be."""

    exit_code = 10


class OutputRefusedError(StorageError):
    """Raised when an output would replace something that medfake did not write."""


class BusyError(MedfakeError):
    """Raised when another process works on the same thing."""

    exit_code = 11


class ReproductionError(MedfakeError):
    """Raised when a run cannot be done again: its code, data or params are gone."""

    exit_code = 12


class FiguresDifferError(ReproductionError):
    """Raised when a run was done again and its figures are others."""

    exit_code = 13


class AlarmError(MedfakeError):
    """Raised when a scan found what `medfake scan --fail-on` names; its results are written all the same."""

    exit_code = 14


class DriftError(MedfakeError):
    """Raised when served scans are not like those that the detector knows, where a command was told to fail then."""

    exit_code = 15


class SealError(MedfakeError):
    """Raised when a seal or a key cannot be used, or a scan cannot be sealed."""

    exit_code = 16


class SealBrokenError(SealError):
    """Raised when a scan is proven not to be what was sealed, or a seal to have been changed."""

    exit_code = 17


class PacsError(MedfakeError):
    """Raised when a PACS refuses what it was asked, or answers with what is no answer."""

    exit_code = 18


class PacsSilentError(PacsError):
    """Raised when a PACS does not answer."""


_STORAGE_ADVICE = {
    errno.ENOSPC: ("the disk is full", "free some space (`df -h`), then run the same command again"),
    errno.EDQUOT: ("the disk quota is used up", "free some space (`df -h`), then run the same command again"),
    errno.EFBIG: (
        "the file would become larger than is allowed here",
        "allow larger files (`ulimit -f`), then run the same command again",
    ),
    errno.EROFS: ("the file system is read-only", "choose a writable folder, then run the same command again"),
    errno.EACCES: ("permission denied", "give yourself permission (`ls -l`), then run the same command again"),
    errno.EPERM: ("permission denied", "give yourself permission (`ls -l`), then run the same command again"),
    errno.EIO: ("the disk cannot be read or written", "copy it to a sound disk, then run the same command again"),
    errno.ELOOP: ("links lead in a circle", "remove one of the links (`ls -l`), then run the same command again"),
    errno.ENAMETOOLONG: ("the path is too long", "choose a shorter one, then run the same command again"),
    errno.EEXIST: ("a file is where a folder should be", "move the file away, then run the same command again"),
    errno.ENOTDIR: ("a file is where a folder should be", "move the file away, then run the same command again"),
    errno.EISDIR: ("a folder is where a file should be", "move the folder away, then run the same command again"),
}


STORAGE_FAULTS = frozenset(what for what, _ in _STORAGE_ADVICE.values())
"""What is wrong, in the words of `storage_error`, where a disk or a path is."""


def storage_error(error: OSError) -> StorageError | None:
    """Translate an OSError about the disk, or about a path that cannot be.

    Returns:
        A StorageError with its remedy, or None when the error is about something else.
    """
    advice = _STORAGE_ADVICE.get(error.errno or 0)
    if advice is None:
        return None
    what, remedy = advice
    return StorageError(what, where=error.filename or "unknown file", remedy=remedy)


def printable(text: str) -> str:
    r"""A text without what a terminal would obey: control characters, turns of the writing direction, half characters.

    >>> printable("a\x1b[31mb\nc")
    'a\\x1b[31mb\nc'
    """
    return "".join(one if one.isprintable() or one == "\n" else _escaped(one) for one in text)


def _escaped(character: str) -> str:
    blank = unicodedata.category(character) == "Zs"  # of other scripts
    return character if blank else character.encode("unicode_escape").decode()


def exit_with_message(command: Callable[[], object], report: Callable[[Exception], object] | None = None) -> None:
    """Run a command; print one clear error and exit with its code when it fails.

    Args:
        command: Parses the arguments and does the work.
        report: Is told what ended the command, other than an interrupt.
    """
    report = report or (lambda _: None)
    try:
        command()
    except MedfakeError as error:
        report(error)
        _exit(error)
    except Exception as error:  # whatever it is, `report` hears of it; what is no matter of the disk is raised again
        translated = storage_error(error) if isinstance(error, OSError) else None
        report(translated or error)
        if translated is None:
            raise
        _exit(translated)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; run the same command again to go on\n")
        sys.exit(INTERRUPTED)


def _exit(error: MedfakeError) -> None:
    sys.stderr.write(f"error: {printable(str(error))}\n")
    sys.exit(error.exit_code)
