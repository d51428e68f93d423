"""A scan of an archive on its way to its reader: lines on disk, a short summary, how far it is."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from medfake.progress import Progress
from medfake.serving.find import given_folders
from medfake.serving.found import FolderFound, FolderKept, Found, ScanFound
from medfake.serving.journal import Journal
from medfake.serving.summary import Summary


class Record:
    """What is kept of findings as they come.

    Attributes:
        journal: Lines on disk.
        summary: What is told at the end, earlier runs included.
    """

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.summary = Summary()

    def take(self, found: Found) -> None:
        """Write and count what was found.

        Raises:
            OSError: The disk is full or broken; what came before is on it.
            OutputRefusedError: Somebody changed a line of an earlier run.
        """
        for one in self.journal.add(found):
            if isinstance(one, ScanFound):
                self.summary.add(one.verdict)
            for skipped in one.skipped:
                self.summary.add_skipped(skipped)

    def take_all(self, findings: Iterable[Found], files: int) -> None:
        """As `take`, showing how far it is.

        Args:
            findings: In their order.
            files: In all folders, for the ETA.
        """
        of_folder = 0
        with Progress("scanning files", files) as progress:
            for found in findings:
                self.take(found)
                if isinstance(found, ScanFound):
                    of_folder += (ours := len(found.verdict.slices) + len(found.skipped))
                    progress.advance(ours)
                elif isinstance(found, FolderFound):  # a multi-frame file has more slices than files
                    progress.advance(found.n_files - of_folder)
                    of_folder = 0
                elif isinstance(found, FolderKept):
                    progress.advance(found.n_files, passed_over=True)


def count_files(paths: Sequence[Path], without: Collection[Path]) -> int:
    """How many files there are to look at; names alone are read, which takes a second for a hundred thousand.

    Raises:
        ScanError: A path is missing.
    """
    return sum(len(folder.files) for folder in given_folders(paths, without))
