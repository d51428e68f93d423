"""Files that the user names: written whole, and never in place of something that medfake did not write."""

import errno
import io
import json
import logging
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from medfake.errors import OutputRefusedError, StorageError
from medfake.files import json_text, path_text, write_atomic

_log = logging.getLogger(__name__)
STANDARD_OUTPUT: Final = Path("-")
_NOT_OURS = "there is a file already, and it is not {} of medfake"
_NO_PLACE = "{} cannot be written there"
_PREAMBLE = 132  # bytes; the last four of a DICOM file's are DICM
_ITSELF: dict[Callable[[int], bool], str] = {
    stat.S_ISDIR: "a folder",
    stat.S_ISBLK: "a disk",
    stat.S_ISSOCK: "a socket",
}


@dataclass(frozen=True)
class OutputFormat:
    """What a command writes into a file that the user names.

    Attributes:
        name: With its article, e.g. "a scan report".
        option: That names the file, e.g. "--json".
        suffix: Of such files, e.g. ".json".
        wrote: Whether an existing file is an earlier one of the kind, which may be replaced.
    """

    name: str
    option: str
    suffix: str
    wrote: Callable[[Path], bool]


def json_format(name: str, keys: Iterable[str]) -> OutputFormat:
    """JSON whose object, or each of whose list of objects, has exactly these keys."""
    expected = set(keys)

    def wrote(path: Path) -> bool:
        with path.open("rb") as file:
            if file.read(1) not in (b"{", b"["):  # spares reading an image of a gigabyte
                return False
        try:
            document = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            return False
        objects = document if isinstance(document, list) else [document]
        return all(isinstance(one, dict) and one.keys() == expected for one in objects)

    return OutputFormat(name, "--json", ".json", wrote)


def csv_format(name: str, columns: tuple[str, ...]) -> OutputFormat:
    """CSV whose first line has exactly these columns."""
    header = (",".join(columns) + "\n").encode()

    def wrote(path: Path) -> bool:
        with path.open("rb") as file:
            return file.read(len(header)) == header

    return OutputFormat(name, "--csv", ".csv", wrote)


def text_format(name: str, text: str, option: str, suffix: str) -> OutputFormat:
    """A text that is always the same: where it was edited, it is the user's."""
    return OutputFormat(name, option, suffix, lambda path: path.read_bytes() == text.encode())


def is_standard_output(path: Path) -> bool:
    """Whether a path is "-" or another name of what standard output is, e.g. /dev/stdout."""
    if path == STANDARD_OUTPUT:
        return True
    try:
        return os.path.samestat(path.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError, AttributeError):  # no such file; a standard output without a file, or none
        return False


def check_output(path: Path, output: OutputFormat) -> None:
    """Refuse a file that could not be written, or must not, before any work is done.

    A symbolic link stands for its target. What is empty may be filled, and FIFOs and character devices are written to.

    Raises:
        OutputRefusedError: Something is there that medfake did not write as such an output.
        StorageError: There is no permission to write.
    """
    if is_standard_output(path):
        return
    try:
        found = path.stat()
    except FileNotFoundError:
        _require_folder(path, output)
        return
    except PermissionError as error:
        raise _no_permission(path) from error
    except OSError as error:  # a circle of links, a file where a folder should be, a name that is too long
        raise _refused(path, output, error.strerror, _NO_PLACE) from error
    for is_kind, name in _ITSELF.items():
        if is_kind(found.st_mode):
            raise _refused(path, output, name, _NO_PLACE)
    if stat.S_ISREG(found.st_mode):
        if not os.access(path, os.W_OK):
            raise _no_permission(path)
        if found.st_size and not output.wrote(path):
            raise _refused(path, output, _told(path, found.st_size), _NOT_OURS)
        _require_folder(path, output)


@contextmanager
def open_output(path: Path, output: OutputFormat) -> Iterator[IO[str]]:
    r"""Open a file that the user named for UTF-8 text with "\n" line ends.

    A regular file appears only when the block ends without error; what is no regular file is written to as it is.

    Raises:
        OutputRefusedError: As `check_output`.
        StorageError: As `check_output`.
    """
    check_output(path, output)
    if is_standard_output(path):
        with _standard_output() as file:
            yield file
    elif path.exists() and not path.is_file():
        try:
            with os.fdopen(_open_stream(path), "w", encoding="utf-8", newline="\n") as file:
                yield file
        except OSError as error:
            error.filename = error.filename or path_text(path)  # a full device names no file by itself
            raise
    else:
        with write_atomic(Path(os.path.realpath(path))) as file:
            yield file


def write_json_output(path: Path, output: OutputFormat, value: object) -> None:
    """Write JSON to where the user said."""
    with open_output(path, output) as file:
        file.write(json_text(value))


@contextmanager
def _standard_output() -> Iterator[IO[str]]:
    """Standard output as UTF-8 whatever the terminal's encoding: JSON and CSV are the same bytes everywhere."""
    sys.stdout.flush()
    binary: Any = getattr(sys.stdout, "buffer", None)
    if binary is None:  # a program has put its own object there, which takes text alone
        yield sys.stdout
        return
    file = io.TextIOWrapper(binary, encoding="utf-8", newline="\n")
    try:
        yield file
        file.flush()
    finally:
        file.detach()


def _open_stream(path: Path) -> int:
    """Open a device, or a FIFO, which waits until somebody reads from it: whoever forgot to is told."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        _log.warning("waiting for somebody to read from %s", path_text(path))
        return os.open(path, os.O_WRONLY)
    os.set_blocking(handle, True)
    return handle


def _require_folder(path: Path, output: OutputFormat) -> None:
    """The nearest folder above that there is must be one, and writable; write_atomic makes those between."""
    folder = Path(os.path.realpath(path)).parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise _refused(path, output, f"{path_text(folder)} is no folder", _NO_PLACE)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _no_permission(folder)


def _told(path: Path, size: int) -> str:
    with path.open("rb") as file:
        dicom = file.read(_PREAMBLE)[-4:] == b"DICM"
    return f"a {'DICOM file' if dicom else 'file'} of {size} bytes"


def _no_permission(path: Path) -> StorageError | OSError:
    """What to raise; a read-only file system is told where all faults of disks are."""
    if path.exists() and os.statvfs(path).f_flag & os.ST_RDONLY:
        return OSError(errno.EROFS, os.strerror(errno.EROFS), path_text(path))
    return StorageError("permission denied", where=path_text(path), remedy=f"ls -ld {path_text(path)}")


def _refused(path: Path, output: OutputFormat, received: str | None, what: str) -> OutputRefusedError:
    return OutputRefusedError(
        what.format(output.name), where=path_text(path), received=received,
        remedy=f"{output.option} {free_name(path, output.suffix)}",
    )  # fmt: skip


def free_name(path: Path, suffix: str) -> str:
    """A name that is not there yet, in the working folder."""
    stem = path.stem[:40] or "report"  # a name may have been refused for its length
    names = (f"{stem}{number}{suffix}" for number in ("", *(f"-{n}" for n in range(2, 1000))))
    return path_text(Path(next(name for name in names if not Path(name).exists())))
