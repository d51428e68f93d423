"""A scan as the viewer and the printed report show it: its slices in order, and what is marked on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

COPY_TAGS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
RADIUS_MM: Final = 12.0
"""Of the outline around a marked place: wide enough for a nodule of 2 cm, so that it hides none."""


@dataclass(frozen=True)
class SliceView:
    """A slice that can be shown.

    Attributes:
        index: From 0, in the order of the scan; addresses of its pictures have it.
        number: From 1, for readers.
        file: As the client calls it, "#" and the frame's index after the first of a multi-frame file.
        z_mm: Along the scan.
        p: P(tampered), 0..1; None without a score.
        lung: Whether it shows lung; None where nobody said.
    """

    index: int
    number: int
    file: str
    z_mm: float
    p: float | None
    lung: bool | None = None


@dataclass(frozen=True)
class Mark:
    """An outline on a slice.

    Attributes:
        kind: "site" for a suspicious place, "copy" for tissue that stands twice.
        tag: Number of a site, strongest first; letter of a pair of copies and which of the two.
        slice: Index of its slice.
        z: Of that slice, mm.
        y: Row of the centre, px.
        x: Column.
        ry: Half its height, px.
        rx: Half its width.
        p: P(tampered) there; None of a copy.
    """

    kind: str
    tag: str
    slice: int
    z: float
    y: float
    x: float
    ry: float
    rx: float
    p: float | None = None


@dataclass(frozen=True)
class CopyView:
    """Tissue that stands twice, `pairs` spots of whose noise agree."""

    marks: tuple[Mark, Mark]
    pairs: int


@dataclass(frozen=True)
class ScanView:
    """A scan with what is marked on it.

    Attributes:
        slices: In order.
        rows: Of each slice.
        cols: Likewise.
        spacing_mm: Between rows, between columns.
    """

    slices: tuple[SliceView, ...]
    sites: tuple[Mark, ...]
    copies: tuple[CopyView, ...]
    rows: int
    cols: int
    spacing_mm: tuple[float, float]

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Sites, then copies."""
        return (*self.sites, *(mark for copy in self.copies for mark in copy.marks))

    @property
    def start(self) -> int:
        """Index of the slice to look at first: the strongest site's, else the strongest slice's."""
        if self.sites:
            return self.sites[0].slice
        return max(
            self.slices, key=lambda one: (-1.0 if one.p is None or one.lung is False else one.p, -one.index)
        ).index

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height in proportion to the body, px: pixels need not be square."""
        down, across = self.spacing_mm
        finest = min(down, across)
        return round(self.cols * across / finest), round(self.rows * down / finest)


def scan_view(
    scan: Mapping[str, Any], slices: Sequence[SliceView], shape: tuple[int, int], spacing_mm: tuple[float, float]
) -> ScanView:
    """Put a scan of a report onto its slices; what lies on a slice that cannot be shown is left out.

    Args:
        scan: Of a scan report's JSON.
        slices: In order.
        shape: (rows, cols) of each.
        spacing_mm: Between rows, between columns.
    """
    by_file = {one.file: one for one in slices}
    half = RADIUS_MM / spacing_mm[0], RADIUS_MM / spacing_mm[1]

    def mark(kind: str, tag: str, place: Mapping[str, Any]) -> Mark | None:
        on = by_file.get(place["slice_file"])
        if on is None:
            return None
        return Mark(kind, tag, on.index, on.z_mm, place["y"], place["x"], *half, p=place.get("p_tampered"))

    strongest_first = sorted(scan["sites"], key=lambda site: -site["p_tampered"])
    sites = [mark("site", str(number), site) for number, site in enumerate(strongest_first, start=1)]
    copies = []
    for tag, copy in zip(COPY_TAGS, scan.get("copies", ()), strict=False):
        one, other = mark("copy", f"{tag}1", copy["one"]), mark("copy", f"{tag}2", copy["other"])
        if one and other:
            copies.append(CopyView((one, other), copy["pairs"]))
    return ScanView(tuple(slices), tuple(one for one in sites if one), tuple(copies), *shape, spacing_mm)
