"""What is wrong with sources and which files are skipped: for the user by name, for what is shared by pseudonym."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from medfake.datasets.pseudonyms import pseudonym
from medfake.datasets.source_files import file_pseudonym, relative_text
from medfake.datasets.sources.registry import Problem, Reading
from medfake.dicom.folders import Skipped
from medfake.files import write_json

SKIPPED_FILE, PROBLEMS_FILE = "skipped.json", "problems.json"
_EXAMPLES = 5


@dataclass(frozen=True)
class SourceFaults:
    """Faults and skipped files of the sources of one data set.

    Attributes:
        key: Of the pseudonyms.
        hidden: Whether names of files, and what the label files say, may tell of people.
    """

    key: bytes
    hidden: bool
    problems: list[Problem] = field(default_factory=list)
    _skipped: list[tuple[str, Path, Skipped]] = field(default_factory=list)

    def add(self, of: str, root: Path, reading: Reading) -> None:
        """Take what a reader found in one source.

        Args:
            of: What the source is for, e.g. "reals".
            root: Of the source.
            reading: What was made of it.
        """
        self.problems.extend(reading.problems)
        self._skipped.extend((of, root, one) for one in reading.skipped)

    def write(self, folder: Path) -> None:
        """Write skipped.json and problems.json, byte-stable; where names are hidden, pseudonyms and what was done."""
        problems: list[dict[str, str]] = [asdict(one) for one in self.problems]
        skipped = [(f"{of}/{relative_text(one.path, root)}", one.reason) for of, root, one in self._skipped]
        if self.hidden:
            problems = [{"where": pseudonym(one.where, self.key, "place"), "done": one.done} for one in self.problems]
            skipped = [(file_pseudonym(of, one.path, root, self.key), one.reason) for of, root, one in self._skipped]
        write_json(folder / PROBLEMS_FILE, problems)
        write_json(folder / SKIPPED_FILE, [{"path": path, "reason": reason} for path, reason in skipped])

    def write_private(self, folder: Path) -> None:
        """Write the same by their own names, for the owner alone."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        plain = SourceFaults(self.key, False, self.problems, self._skipped)
        mask = os.umask(0o077)
        try:
            plain.write(folder)
        finally:
            os.umask(mask)


def summary(problems: Sequence[Problem]) -> str:
    """The first five, and how many more there are."""
    more = len(problems) - _EXAMPLES
    listed = "; ".join(str(one) for one in problems[:_EXAMPLES])
    return listed + (f"; and {more} more" if more > 0 else "")
