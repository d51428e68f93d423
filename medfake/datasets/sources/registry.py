"""Kinds of source trees by name; one decorated function adds one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from medfake.dicom.series import Series, Skipped

Kind = Literal["FM", "FB", "TM", "TB"]
MANIPULATION_OF: dict[str, str] = {"FM": "injected", "FB": "removed", "TM": "none", "TB": "none"}


@dataclass(frozen=True)
class SourceSite:
    """A labelled place of a scan: index of the slice after sorting by z, pixel row and column."""

    kind: Kind
    z_index: int
    y: int
    x: int


@dataclass(frozen=True)
class SourceScan:
    """A scan as its source tells it, raw identifiers included; they end at the border of `collect_scans`.

    Attributes:
        group: What names the patient; never stored.
        experiment: "1" or "2" of CT-GAN, else "".
        generator: What made the fake, "" for real scans.
        manipulation: "none", "injected" or "removed".
    """

    series: Series
    source: str
    group: str
    experiment: str = ""
    generator: str = ""
    manipulation: str = "none"
    sites: tuple[SourceSite, ...] = ()


Read = Callable[[Path, int], tuple[list[SourceScan], list[Skipped]]]
SOURCES: dict[str, Read] = {}  # kind in params.yaml -> reader of a tree (root, jobs)


def source(kind: str) -> Callable[[Read], Read]:
    """Register a reader for a kind of tree."""

    def register(read: Read) -> Read:
        SOURCES[kind] = read
        return read

    return register
