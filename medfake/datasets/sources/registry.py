"""Kinds of source trees by name; one decorated function in a file of this folder adds one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from medfake.by_name import Registry
from medfake.vocabulary import LabelCode, Manipulation

if TYPE_CHECKING:  # reading a name from the registry loads no pydicom
    from medfake.dicom.folders import Skipped
    from medfake.dicom.series import Series


@dataclass(frozen=True)
class SourceSite:
    """A labelled place of a scan: index of the slice after sorting by z, pixel row and column.

    Attributes:
        generator: What made a tampered place, by name, e.g. "poisson"; "" where nobody says.
        reach: First and last slice that shows it, where somebody outlined it.
    """

    kind: LabelCode
    z_index: int
    y: int
    x: int
    generator: str = field(default="", compare=False)
    reach: tuple[int, int] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class SourceScan:
    """A scan as its source tells it, raw identifiers included; they end at the border of `collect_scans`.

    Attributes:
        key: What names the scan within its source, whatever the layout of the download; never stored.
        group: What names the patient; never stored.
        experiment: "1" or "2" of CT-GAN, else "".
        generator: What made the fake, several joined by " + "; "" for real scans.
        manipulation: Of its tampered places.
        label_rows: How many rows of the label file are used in it.
        annotated: Whether readers looked for nodules, and all that they drew is known, so that a slice away from sites
            and marks shows none.
        marked: Slices on which they marked a nodule without saying how far it goes.
    """

    series: Series
    source: str
    key: str
    group: str
    experiment: str = ""
    generator: str = ""
    manipulation: Manipulation = Manipulation.NONE
    sites: tuple[SourceSite, ...] = ()
    label_rows: int = 0
    annotated: bool = False
    marked: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Problem:
    """A fault of a source, told once.

    Attributes:
        where: File, with the line where there is one.
        what: What is wrong.
        done: What was done about it.
    """

    where: str
    what: str
    done: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.done}"


@dataclass(frozen=True)
class UnknownLabel:
    """A name in a label file that no scan has.

    Attributes:
        problem: The lines that have it, and what they may mean.
        may_mean: Keys of scans that these lines may speak of, so that it is not known what the scans show.
    """

    problem: Problem
    may_mean: frozenset[str] = frozenset()


@dataclass
class LabelRows:
    """Rows of a source's label files: how many were read, and how many left out, each told with its reason."""

    read: int = 0
    left_out: int = 0


@dataclass(frozen=True)
class Reading:
    """What a reader made of a tree.

    Attributes:
        scans: In an order that does not depend on the download's layout.
        skipped: Files that belong to no scan; no fault, e.g. a scout or a README.
        problems: Faults, each with what was done about it.
        unknown: Names in its label files that no scan has; they are among the problems as well.
        label_rows: How many rows its label files have, and how many of them are used in no scan.
        notes: What is no fault and still must be said, a sentence each; no identifiers.
    """

    scans: list[SourceScan]
    skipped: list[Skipped] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unknown: list[UnknownLabel] = field(default_factory=list)
    label_rows: LabelRows = field(default_factory=LabelRows)
    notes: list[str] = field(default_factory=list)


Find = Callable[[Path], "tuple[list[Series], list[Skipped]]"]  # find_series with its jobs and cache
Read = Callable[[Path, Find], Reading]
Looks = Callable[[Path], bool]


@dataclass(frozen=True)
class Source:
    """A kind of tree.

    Attributes:
        kind: Its word in params.yaml.
        read: How it is read.
        looks_like: Tells, by looking at names only, whether a folder is such a tree.
        min_slices: Shorter series are left out, unless params.yaml says otherwise.
        origin: Where the public set of this kind is to be had; "" where there is none.
    """

    kind: str
    read: Read
    looks_like: Looks
    min_slices: int = 1
    origin: str = ""
    catch_all: bool = False


SOURCES: Registry[Source] = Registry("source", room="medfake.datasets.sources", where="datasets in params.yaml")


def source(
    kind: str, looks_like: Looks, min_slices: int = 1, origin: str = "", *, catch_all: bool = False
) -> Callable[[Read], Read]:
    """Register a reader for a kind of tree.

    Args:
        kind: Its word in params.yaml.
        looks_like: Tells, by looking at names only, whether a folder is such a tree.
        min_slices: Shorter series are left out, unless params.yaml says otherwise.
        origin: Where the public set of this kind is to be had, as the end of "get ...".
        catch_all: Whether any folder looks like it, so that the other kinds are tried first.

    Example:
        >>> import medfake
        >>> from pathlib import Path
        >>> from medfake.datasets.sources.registry import Reading, SourceScan
        >>> @medfake.source("ward", lambda root: (root / "ward.txt").is_file())
        ... def read_ward(root, find):
        ...     series, skipped = find(root)
        ...     scans = [SourceScan(one, "ward", one.folder.name, one.headers[0].patient_id) for one in series]
        ...     return Reading(scans, skipped)
        >>> from medfake.dicom.series import find_series
        >>> [scan.key for scan in read_ward(Path("scan"), find_series).scans]
        ['scan']
    """

    def register(read: Read) -> Read:
        SOURCES.add(kind, Source(kind, read, looks_like, min_slices, origin, catch_all), read)
        return read

    return register
