"""Files written whole or not at all, their digests, and their names as text."""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from medfake.errors import ManifestError

Built = TypeVar("Built")
_CHUNK = 1 << 20
_ESCAPED = re.compile(rb"%([0-9A-F]{2})")
# bytes that are no UTF-8, control characters, what turns the writing direction or breaks a line or is not seen, and a
# "%" that would read as an escape
_TO_ESCAPE = re.compile(
    r"[\udc80-\udcff\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|%(?=[0-9A-F]{2})"
)


@contextmanager
def write_atomic(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    r"""Open a file that appears under its name only when the block ends without error.

    Args:
        path: Final place; parent folders are made.
        mode: "w" for UTF-8 text with "\n" line ends, "wb" for bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    partial = Path(name)
    text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": "\n"}
    try:
        with os.fdopen(handle, mode, **text) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(0o666 & ~_umask())
        partial.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk names no file by itself
        raise
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def replace_folder(path: Path) -> Iterator[Path]:
    """Fill a new folder that takes the place of an old one only when the block ends without error.

    Args:
        path: Final place; what was there before is removed at the end.

    Yields:
        An empty folder beside `path` to write into.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in path.parent.glob(f".{path.name}.partial-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.partial-"))
    try:
        yield partial
        partial.chmod(0o777 & ~_umask())
        retired = Path(f"{partial}.old")
        if path.exists():
            path.rename(retired)
        partial.rename(path)
        shutil.rmtree(retired, ignore_errors=True)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk names no file by itself
        raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def work_folder(out: Path, key: str) -> Path:
    """Where parts of `out` are kept until it is whole, so that a killed run goes on; parts of other keys are removed.

    Args:
        out: What is made; the folder lies hidden beside it.
        key: Stands for all that the parts follow from.
    """
    work = out.parent / f".{out.name}.work-{key[:12]}"
    for other in out.parent.glob(f".{out.name}.work-*"):
        if other != work:
            shutil.rmtree(other)
    work.mkdir(parents=True, exist_ok=True)
    return work


def keep_only(names: Iterable[str], folder: Path) -> None:
    """Remove folders of other names, and list these in `<folder>.json` there: DVC warns of an out that is empty."""
    kept = sorted(names)
    for other in folder.glob("[!.]*"):
        if other.is_dir() and other.name not in kept:
            shutil.rmtree(other)
    write_json(folder / f"{folder.name}.json", kept)


def write_json(path: Path, value: object) -> None:
    """Write JSON whole, byte-stable."""
    with write_atomic(path) as file:
        file.write(json_text(value))


def json_text(value: object) -> str:
    """JSON as medfake writes it everywhere, byte-stable: sorted keys, two spaces, a final line end, no NaN."""
    return json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"


def read_json(path: Path, build: Callable[[Any], Built], *, missing: str, damaged: str, make: str, again: str) -> Built:
    """Read what a stage wrote as JSON.

    Args:
        path: The file.
        build: Makes the object out of the values; ValueError, KeyError and TypeError mean that they are none of ours.
        missing: What is wrong when there is no file, a sentence without full stop.
        damaged: What is wrong when it cannot be read.
        make: What to type when there is no file.
        again: What to type when it cannot be read.

    Raises:
        ManifestError: It is missing or none of ours.
    """
    try:
        return build(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ManifestError(missing, where=path, remedy=make) from None
    except (ValueError, KeyError, TypeError) as error:
        raise ManifestError(damaged, where=path, received=type(error).__name__, remedy=again) from None


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, have reached the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def in_a_word(error: Exception) -> str:
    """What a library's error says, without paths and values: the system's words where it is the system's.

    >>> in_a_word(FileNotFoundError(2, "No such file or directory", "/home/somebody"))
    'no such file or directory'
    """
    said = error.strerror if isinstance(error, OSError) else None
    return said[0].lower() + said[1:] if said else type(error).__name__


def sha256_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def path_text(path: Path) -> str:
    r"""Tell a path as text that any JSON, table and terminal can hold; two paths never become the same text.

    Args:
        path: May hold bytes that are no UTF-8, as names off old disks do, and control characters.

    Returns:
        The path itself where it is plain text; what is not, as "%" and two upper-case hexadecimal digits a byte, e.g.
        "M%FCller", and a "%" before two such digits as "%25". `text_path` gives the path back.
    """
    text = os.fsencode(path).decode("utf-8", "surrogateescape")
    return _TO_ESCAPE.sub(lambda found: _escape(found[0]), text)


def text_path(text: str) -> Path:
    """The path that `path_text` told."""
    raw = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), text.encode())
    return Path(os.fsdecode(raw))


def _escape(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))
