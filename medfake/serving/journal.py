"""What a scan of an archive found, line by line on disk: nothing is lost by a kill, and nothing is done twice.

JSON Lines: the first line names the format, its version, and the detector with the digests of its graphs. A line of
kind "scan" has the fields of a scan in `medfake scan --json`, a digest of its files, and those of them without a score.
A line of kind "folder" ends a folder: its digest, its scans, and what is in none. Where a scan or a folder has several
lines, its files changed, and the last counts.
"""

import json
import os
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Final

from medfake.errors import OutputRefusedError
from medfake.files import path_text
from medfake.locks import exclusive_lock
from medfake.outputs import OutputFormat, check_output, free_name
from medfake.package.card import graph_digests
from medfake.serving.found import FolderFound, FolderKept, Found, ScanFound, ScanKept
from medfake.serving.model import Model, describe
from medfake.serving.report import ScanVerdict, SkippedFile

FORMAT: Final = "medfake scan"
VERSION: Final = 1
_FIRST: Final = b'{"format": "medfake scan"'
_KEY_BYTES: Final = 16
_DECIDES: Final = ("threshold", "scan_threshold_low", "scan_threshold_high")
"""What a card says that verdicts depend on, beside the graphs."""


def _wrote(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(len(_FIRST))
    return bool(start) and _FIRST.startswith(start)  # a kill may leave less than the first line


JSONL_OUTPUT = OutputFormat("scans line by line", "--jsonl", ".jsonl", _wrote)


class Journal:
    """Lines of one scan of an archive, on disk; memory holds some 400 bytes a scan of what earlier runs have done.

    Attributes:
        scans_kept: Of earlier runs, that this run came by and need not repeat.
    """

    def __init__(self, handle: int, model: Model, where: Path | None = None) -> None:
        """Go on with a file, or begin an empty one.

        Args:
            handle: Of a file that is open for reading and writing; unbuffered, so that half a line is never written
                again when it is closed.
            model: That scans.
            where: The file's name, for errors.

        Raises:
            OutputRefusedError: The file is of another detector or version, or damaged before its last line.
        """
        self._handle, self._where = handle, where
        self._folders: dict[bytes, int] = {}
        self._scans: dict[bytes, int] = {}
        self._seen_scans, self._seen_folders = array("Q"), array("Q")
        self.scans_kept = 0
        head = {"format": FORMAT, "version": VERSION, "package": graph_digests(model.folder), "model": describe(model)}
        self._end = self._read_earlier(head)
        if not self._end:
            self._append(head)

    def has_folder(self, files_sha256: str) -> bool:
        """Whether an earlier run finished a folder that is as it was."""
        return _key(files_sha256) in self._folders

    def has_scan(self, scan_id: str, files_sha256: str) -> bool:
        """Whether an earlier run, or this one, scored a scan that is as it was."""
        return _key(scan_id, files_sha256) in self._scans

    def add(self, found: Found) -> list[ScanFound | FolderFound]:
        """Write what was found, on disk when this returns, and remember that this run came by it.

        Returns:
            It, or for what was kept what an earlier run found of it.

        Raises:
            OSError: The disk is full or broken; the last whole line stays the last.
            OutputRefusedError: Somebody changed a line of an earlier run.
        """
        if isinstance(found, ScanFound):
            self._add_scan(found)
            return [found]
        if isinstance(found, FolderFound):
            at = self._append({"kind": "folder", **asdict(found)})
            self._folders[_key(found.files_sha256)] = at
            self._seen_folders.append(at)
            return [found]
        try:
            if isinstance(found, ScanKept):
                return [self._kept_scan(found.scan_id, found.files_sha256)]
            return self._kept_folder(found)
        except (KeyError, TypeError, ValueError) as error:
            raise self._refused("a line was changed", type(error).__name__) from None

    def scans(self) -> Iterator[dict[str, Any]]:
        """Each scan that this run came by, as `medfake scan --json` has it, in the order in which it did."""
        for at in self._seen_scans:
            line = self._line(at)
            yield {name: value for name, value in line.items() if name not in ("kind", "files_sha256", "skipped")}

    def skipped(self) -> Iterator[dict[str, Any]]:
        """Each file that this run came by and that has no score."""
        for at in (*self._seen_scans, *self._seen_folders):
            yield from self._line(at)["skipped"]

    def _add_scan(self, found: ScanFound) -> None:
        skipped = [asdict(one) for one in found.skipped]
        own = {"kind": "scan", "files_sha256": found.files_sha256, "skipped": skipped}
        at = self._append(own | asdict(found.verdict))
        self._scans[_key(found.verdict.scan_id, found.files_sha256)] = at
        self._seen_scans.append(at)

    def _kept_folder(self, found: FolderKept) -> list[ScanFound | FolderFound]:
        at = self._folders[_key(found.files_sha256)]
        self._seen_folders.append(at)
        line = self._line(at)
        scans = tuple((str(scan_id), str(digest)) for scan_id, digest in line["scans"])
        folder = FolderFound(found.files_sha256, found.n_files, scans, _skipped(line))
        return [*(self._kept_scan(*one) for one in scans), folder]

    def _kept_scan(self, scan_id: str, files_sha256: str) -> ScanFound:
        at = self._scans[_key(scan_id, files_sha256)]
        self._seen_scans.append(at)
        self.scans_kept += 1
        line = self._line(at)
        return ScanFound(ScanVerdict.from_json(line), files_sha256, _skipped(line))

    def _line(self, at: int) -> dict[str, Any]:
        with self._reader() as file:
            file.seek(at)
            line: dict[str, Any] = json.loads(file.readline())
            return line

    def _reader(self) -> IO[bytes]:
        return os.fdopen(os.dup(self._handle), "rb")

    def _append(self, value: dict[str, Any]) -> int:
        """Where the line begins."""
        at = self._end
        line = (json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n").encode()
        try:
            written = 0
            while written < len(line):
                written += os.pwrite(self._handle, line[written:], at + written)
            if self._where:  # what has no name is gone with its process
                os.fsync(self._handle)
        except OSError as error:
            os.ftruncate(self._handle, at)
            error.filename = error.filename or (path_text(self._where) if self._where else tempfile.gettempdir())
            raise
        self._end = at + len(line)
        return at

    def _read_earlier(self, head: dict[str, Any]) -> int:
        """Learn what is done; where the last whole line ends."""
        end = 0
        with self._reader() as file:
            file.seek(0)
            for number, raw in enumerate(file):
                line = _parsed(raw)
                if line is None:
                    if file.read(1):
                        raise self._refused(f"line {number + 1} is damaged", "")
                    break  # half a line, or one that a power cut spoiled: its scan is scanned again
                if number == 0:
                    self._require_same(line, head)
                elif line.get("kind") == "scan":
                    self._scans[_key(str(line.get("scan_id")), str(line.get("files_sha256")))] = end
                elif line.get("kind") == "folder":
                    self._folders[_key(str(line.get("files_sha256")))] = end
                end += len(raw)
        os.ftruncate(self._handle, end)
        return end

    def _require_same(self, line: dict[str, Any], head: dict[str, Any]) -> None:
        if line.get("format") != FORMAT or line.get("version") != VERSION:
            raise self._refused("another version of medfake wrote these lines", str(line.get("version")))
        told, model = line.get("model"), head["model"]
        then: dict[str, Any] = told if isinstance(told, dict) else {}
        name = str(then.get("name"))
        if line.get("package") != head["package"]:
            raise self._refused("these are the scans of another detector", name, " or --model, the same as then")
        if any(then.get(one) != model[one] for one in _DECIDES):
            raise self._refused(
                "these scans were judged by other thresholds", name, " or --calibration, the same as then"
            )

    def _refused(self, what: str, received: str, also: str = "") -> OutputRefusedError:
        name = self._where or Path("scans.jsonl")
        return OutputRefusedError(
            what, where=path_text(name), received=received or None,
            remedy=f"--jsonl {free_name(name, '.jsonl')}{also}",
        )  # fmt: skip


@contextmanager
def open_journal(path: Path | None, model: Model) -> Iterator[Journal]:
    """Lines in a file that the user named, of this run and earlier ones; or in one without a name for this run alone.

    Raises:
        OutputRefusedError: There is something else, or the scans of another detector.
        BusyError: Another process writes into it.
    """
    if path is None:
        with tempfile.TemporaryFile() as file:
            yield Journal(file.fileno(), model)
        return
    check_journal(path)
    real = Path(os.path.realpath(path))
    real.parent.mkdir(parents=True, exist_ok=True)
    with exclusive_lock(lock_of(real), "another scan into this file"):
        handle = os.open(real, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        try:
            yield Journal(handle, model, path)
        finally:
            os.close(handle)


def check_journal(path: Path) -> None:
    """Refuse a file into which lines may not be written, before any work is done.

    Raises:
        OutputRefusedError: There is something that is no journal of a scan.
        StorageError: There is no permission to write.
    """
    check_output(path, JSONL_OUTPUT)
    if path.exists() and not path.is_file():
        raise OutputRefusedError(
            "lines are read again after a kill, so they need a file", where=path_text(path),
            remedy=f"--jsonl {free_name(Path('scans'), '.jsonl')}",
        )  # fmt: skip


def lock_of(path: Path) -> Path:
    """The lock beside a journal; it stays."""
    return path.with_name(f".{path.name}.lock")


def _skipped(line: dict[str, Any]) -> tuple[SkippedFile, ...]:
    return tuple(SkippedFile(**one) for one in line["skipped"])


def _key(*parts: str) -> bytes:
    return sha256("\0".join(parts).encode()).digest()[:_KEY_BYTES]


def _parsed(raw: bytes) -> dict[str, Any] | None:
    if not raw.endswith(b"\n"):
        return None
    try:
        value = json.loads(raw)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
