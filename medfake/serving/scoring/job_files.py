"""What a job keeps on disk: uploads, named by number, and what was found in them.

jobs/ID/
  upload.json          names of the client's files, what was left out at the door; private
  files/FOLDER/FILE    numbers; a scan is a (folder, series) pair, so folders stay apart; gone when it has ended
  bad.json             files and scans that ended a scoring process
  scans/SCAN.json      verdict and slices of a scan, in the client's names
  scans/SCAN.hu        decoded slices, int16 in the units of their modality, for the viewer
  scans/SCAN.npz       the detector's map of places, where it has one
  report.json          as `medfake scan --json` would write it, in the client's names
"""

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from medfake.files import path_text, sync, write_json

UPLOAD: Final = "upload.json"
FILES: Final = "files"
BAD: Final = "bad.json"
SCANS: Final = "scans"
REPORT: Final = "report.json"
_SCAN_ID: Final = re.compile(r"scan-[0-9a-f]{12}")
JOB_ID: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Received:
    """A file that was taken in.

    Attributes:
        place: "FOLDER/FILE" below `files`, in numbers.
        name: As the client calls it, control characters escaped.
    """

    place: str
    name: str


@dataclass(frozen=True)
class LeftOut:
    """A file that has no score, and why; `kind` is a class of reasons."""

    name: str
    reason: str
    kind: str


@dataclass(frozen=True)
class Upload:
    """What came in with one request."""

    received: tuple[Received, ...]
    left_out: tuple[LeftOut, ...]

    def write(self, folder: Path) -> None:
        """Keep it beside its files."""
        write_json(folder / UPLOAD, asdict(self))


def read_upload(folder: Path) -> Upload:
    """What a job's client sent."""
    stored = json.loads((folder / UPLOAD).read_text(encoding="utf-8"))
    received = tuple(Received(**one) for one in stored["received"])
    return Upload(received, tuple(LeftOut(**one) for one in stored["left_out"]))


@dataclass(frozen=True)
class Bad:
    """What ended a scoring process.

    Attributes:
        files: Places of files -> why.
        scans: Ids of scans -> why.
        files_scan: Places of files -> id of the scan that was being scored.
    """

    files: dict[str, str] = field(default_factory=dict)
    scans: dict[str, str] = field(default_factory=dict)
    files_scan: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Keep it, so that no process opens these again."""
        write_json(folder / BAD, asdict(self))


def read_bad(folder: Path) -> Bad:
    """What ended a process so far; nothing in a new job."""
    path = folder / BAD
    return Bad(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else Bad()


def scan_file(folder: Path, scan_id: str, suffix: str) -> Path:
    """Where the ".json", ".hu" or ".npz" of a scan lies; its id is a pseudonym of ours."""
    return folder / SCANS / f"{scan_id}{suffix}"


def read_scan(folder: Path, scan_id: str) -> dict[str, Any] | None:
    """Verdict and slices of a scan; None where there is no such scan, or it is not scored yet.

    Args:
        folder: Of the job.
        scan_id: Whatever a client asks for.
    """
    if not _SCAN_ID.fullmatch(scan_id):
        return None
    try:
        stored: dict[str, Any] = json.loads(scan_file(folder, scan_id, ".json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return stored


def client_name(name: str) -> str:
    """A client's file name as text that any terminal, table and page can hold."""
    return path_text(Path(name))


def name_told(text: str, files: Path, names: Mapping[str, str]) -> str:
    """The client's name of a file of ours.

    Args:
        text: The file's path, as text; "#" and the index of a frame may stand behind it.
        files: Folder of the files of the job.
        names: By place.
    """
    place, hash_, frame = text.removeprefix(f"{path_text(files)}/").partition("#")
    return f"{names[place]}{hash_}{frame}"


def synced(folder: Path) -> None:
    """Wait until all files of a folder, and their names, have reached the disk."""
    for path in (folder, *sorted(folder.rglob("*"))):
        sync(path)


def synced_name(path: Path) -> None:
    """Wait until a folder's own name has reached the disk."""
    sync(path.parent)


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it; it may be gone already."""
    shutil.rmtree(folder, ignore_errors=True)
