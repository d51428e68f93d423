"""What a scan of an archive finds, piece by piece, and what earlier runs have found."""

from dataclasses import dataclass, field
from typing import Protocol

from medfake.serving.report import ScanVerdict, SkippedFile
from medfake.serving.verdict import Scored


@dataclass(frozen=True)
class ScanFound:
    """A scan with its verdict.

    Attributes:
        files_sha256: Of names, sizes, times and inodes of its files: another one when a file changed. Empty where a
            file may have a score next time though it did not change, e.g. after `chmod`.
        skipped: Files of it that have no score.
        scored: Its headers and numbers, identifiers included; None where an earlier run found it.
    """

    verdict: ScanVerdict
    files_sha256: str
    skipped: tuple[SkippedFile, ...] = ()
    scored: Scored | None = field(default=None, repr=False, compare=False)  # arrays have no single truth


@dataclass(frozen=True)
class FolderFound:
    """A folder whose scans all came before.

    Attributes:
        files_sha256: Of all files in it, as of a scan's.
        n_files: In it.
        scans: Scan id and digest of each of its scans.
        skipped: What is in no scan, and scans that could not be scored.
    """

    files_sha256: str
    n_files: int
    scans: tuple[tuple[str, str], ...]
    skipped: tuple[SkippedFile, ...]


@dataclass(frozen=True)
class FolderKept:
    """A folder that was scanned by an earlier run and is as it was."""

    files_sha256: str
    n_files: int


@dataclass(frozen=True)
class ScanKept:
    """A scan that was scored by an earlier run and is as it was."""

    scan_id: str
    files_sha256: str


Found = ScanFound | FolderFound | FolderKept | ScanKept


class Finished(Protocol):
    """What earlier runs have done."""

    def has_folder(self, files_sha256: str) -> bool:
        """Whether a folder of this digest is finished."""

    def has_scan(self, scan_id: str, files_sha256: str) -> bool:
        """Whether a scan is finished."""
