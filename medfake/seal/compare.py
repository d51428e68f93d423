"""A scan beside its seal: whatever differs is named, slice by slice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from medfake.dicom import fields
from medfake.dicom.folders import Skipped
from medfake.errors import DicomError
from medfake.files import path_text
from medfake.logs import redact
from medfake.progress import track
from medfake.seal.digests import FileHead, read_slices
from medfake.seal.document import Sealed, SealedSlice
from medfake.seal.scan_files import ScanFiles, scan_files


class Kind(StrEnum):
    """What may be otherwise than it was sealed."""

    PIXELS = "pixels changed"
    GEOMETRY = "geometry changed"
    RESCALE = "rescale changed"
    SERIES = "series changed"
    MISSING = "missing"
    ADDED = "added"
    UNREADABLE = "cannot be read"


@dataclass(frozen=True)
class Difference:
    """One of them.

    Attributes:
        series: Number of the sealed series, from 1; None, as the next, for what was not sealed.
        slice: Number of the slice along the sealed series, from 1.
        file: Where it is seen; None for what is missing.
        detail: Elements with what they say and said; "" for none.
    """

    kind: Kind
    series: int | None
    slice: int | None
    file: str | None
    detail: str = ""

    def sentence(self, several: bool) -> str:
        """As it is told; the series is named where there are several."""
        number = f"slice {self.slice}" if self.slice else ""
        number = f"series {self.series}, {number}" if number and several else number
        where = f"{number} ({self.file})" if number and self.file else number or f"{self.file}"
        return f"{where}: {self.kind}{': ' if self.detail else ''}{self.detail}"


@dataclass(frozen=True)
class _Place:
    """Where a slice stands in a seal."""

    series: int
    number: int
    digest: str
    slice: SealedSlice


def compare(path: Path, sealed: Sealed, without: Sequence[Path] = ()) -> tuple[list[Difference], ScanFiles]:
    """Compare a scan with what was sealed.

    Args:
        path: File or folder.
        sealed: Of a seal whose signature was checked.
        without: Resolved paths that are no part of the scan.

    Returns:
        Differences, those of sealed slices in their order before those of other files; and what was found.

    Raises:
        SealError: There is no such file or folder.
    """
    found = scan_files(path, sealed.salt, without)
    places = {
        (one.instance, one.frame): _Place(number, place, series.series, one)
        for number, series in enumerate(sealed.series, start=1)
        for place, one in enumerate(series.slices, start=1)
    }
    instances = {place.slice.instance: place for place in reversed(places.values())}
    seen: set[tuple[str, int]] = set()
    read: set[str] = set()
    differences: list[Difference] = []
    by_pixels = {place.slice.pixels: place for place in reversed(places.values())}
    for head in track(found.images, f"verifying {len(found.images)} files", len(found.images)):
        own = instances.get(head.instance)
        if own and head.instance in read:
            differences.append(_added(head, f"a second file of slice {own.number}"))
            continue
        read.add(head.instance)
        try:
            slices = read_slices(head, sealed.salt)
        except DicomError as error:
            differences.append(_unreadable(head, own, redact(error.reason)))
            seen |= {key for key in places if key[0] == head.instance}
            continue
        for one in slices:
            place = places.get((one.instance, one.frame))
            if place is None:
                like = by_pixels.get(one.pixels)
                differences.append(_added(head, f"it shows what slice {like.number} showed" if like else ""))
            else:
                seen.add((one.instance, one.frame))
                differences += _differing(place, one, head)
    differences += [_missing(one) for key, one in places.items() if key not in seen]
    differences += [_not_read(one) for one in found.unreadable]
    return sorted(differences, key=_order), found


def _differing(place: _Place, now: SealedSlice, head: FileHead) -> Iterator[Difference]:
    where = (place.series, place.number, path_text(head.path))
    if now.pixels != place.slice.pixels:
        yield Difference(Kind.PIXELS, *where)
    for kind, was, value in (
        (Kind.GEOMETRY, place.slice.geometry, now.geometry),
        (Kind.RESCALE, place.slice.rescale, now.rescale),
    ):
        detail = "; ".join(_told(keyword, was, value) for keyword in sorted(was.keys() | value.keys())
                           if was.get(keyword) != value.get(keyword))  # fmt: skip
        if detail:
            yield Difference(kind, *where, detail)
    if head.series != place.digest:
        yield Difference(Kind.SERIES, *where, f"{fields.element('SeriesInstanceUID')} is another")


def _told(where: str, was: dict[str, str], now: dict[str, str]) -> str:
    before, after = (value.get(where, "nothing") for value in (was, now))
    place, _, keyword = where.rpartition("/")
    element = f"{fields.element(keyword)}{f' in {place}' if place else ''}"
    if "sha256" in f"{before}{after}":
        return f"{element} is another"
    return f"{element} {fields.shown(after)}, was {fields.shown(before)}"


def _missing(place: _Place) -> Difference:
    number = place.slice.geometry.get("InstanceNumber")
    detail = f"it was {fields.element('InstanceNumber')} {number}" if number else ""
    return Difference(Kind.MISSING, place.series, place.number, None, detail)


def _added(head: FileHead, detail: str) -> Difference:
    return Difference(Kind.ADDED, None, None, path_text(head.path), detail)


def _unreadable(head: FileHead, place: _Place | None, reason: str) -> Difference:
    series, number = (place.series, place.number) if place else (None, None)
    return Difference(Kind.UNREADABLE, series, number, path_text(head.path), reason)


def _not_read(one: Skipped) -> Difference:
    return Difference(Kind.UNREADABLE, None, None, path_text(one.path), one.reason)


def _order(one: Difference) -> tuple[bool, int, int]:
    return one.series is None, one.series or 0, one.slice or 0
