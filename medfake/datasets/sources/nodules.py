"""Nodules of LIDC-IDRI: outlines of up to four readers in an XML file beside each CT series."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import numpy as np

from medfake.errors import LabelError

LARGEST_XML = 32 << 20  # bytes; the published ones stay below 1 MB
_SAME_NODULE_PX = 12.0  # centres of one nodule, as its readers see it
_SAME_NODULE_MM = 8.0


@dataclass(frozen=True)
class NodulePlace:
    """Centre of a nodule on its middle slice, px.

    Attributes:
        sop_uid: Of the slice.
        outlined: SOP UIDs of all slices on which a reader outlined the nodule.
    """

    sop_uid: str
    z_mm: float
    y: int
    x: int
    outlined: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Nodules:
    """Nodules of one CT series, each once however many readers drew it.

    Attributes:
        places: Of those that were outlined.
        marked: SOP UIDs of slices on which a reader marked a nodule by a single point, as those below 3 mm are.
    """

    series_uid: str
    places: tuple[NodulePlace, ...]
    marked: frozenset[str] = frozenset()


def read_nodules(path: Path) -> Nodules | None:
    """Read an annotation file; nodules below 3 mm, which have a mark and no outline, are no places.

    Args:
        path: XML; entities and document types are refused.

    Returns:
        None for XML that is no LIDC read of a CT.

    Raises:
        LabelError: The file is too large, no XML, or has something in it that no annotation needs.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import parse

    if path.stat().st_size > LARGEST_XML:
        raise LabelError("the XML is too large to be an annotation", where=path, received=path.stat().st_size)
    try:
        root = parse(path, forbid_dtd=True).getroot()
    except (ParseError, DefusedXmlException, OSError, ValueError) as error:
        raise LabelError("the XML cannot be read", where=path, received=type(error).__name__) from None
    if root is None or _tag(root) != "LidcReadMessage":
        return None
    uid = next((one.text or "" for one in root.iter() if _tag(one) == "SeriesInstanceUid"), "").strip()
    try:
        read = [one for one in root.iter() if _tag(one) == "unblindedReadNodule"]
        drawn = [place for one in read for place in _place(one)]
        marked = frozenset(uid for one in read for uid in _marked(one))
    except (KeyError, ValueError) as error:
        raise LabelError("an outline lacks a slice or a number", where=path, received=type(error).__name__) from None
    return Nodules(uid, tuple(_merged(drawn)), marked)


def _place(nodule: Element) -> list[NodulePlace]:
    """The outline's centre on the middle slice of a reader's nodule; nothing for a mere mark."""
    outlines: dict[str, tuple[float, list[tuple[int, int]]]] = {}
    for text, points in _rois(nodule):
        if len(points) > 1:
            outlines[text["imageSOP_UID"]] = (float(text["imageZposition"]), points)
    if not outlines:
        return []
    slices = sorted(outlines.items(), key=lambda item: item[1][0])
    uid, (z_mm, points) = slices[len(slices) // 2]
    y, x = np.mean(points, axis=0)
    return [NodulePlace(uid, z_mm, round(float(y)), round(float(x)), frozenset(outlines))]


def _marked(nodule: Element) -> list[str]:
    return [text["imageSOP_UID"] for text, points in _rois(nodule) if len(points) == 1]


def _rois(nodule: Element) -> Iterator[tuple[dict[str, str], list[tuple[int, int]]]]:
    """Texts and (y, x) points of what is drawn on each slice; holes in a nodule are left out."""
    for roi in (one for one in nodule if _tag(one) == "roi"):
        text = {_tag(one): (one.text or "").strip() for one in roi}
        if text.get("inclusion", "TRUE").upper() == "TRUE":
            edges = (one for one in roi if _tag(one) == "edgeMap")
            yield text, [(int(_child(edge, "yCoord")), int(_child(edge, "xCoord"))) for edge in edges]


def _merged(places: list[NodulePlace]) -> list[NodulePlace]:
    """One place for each nodule: of those that lie together, the one in the middle along z, with the slices of all."""
    groups: dict[int, list[NodulePlace]] = defaultdict(list)
    for place in sorted(places, key=lambda one: (one.z_mm, one.y, one.x)):
        near = next((number for number, group in groups.items() if _same(group[0], place)), len(groups))
        groups[near].append(place)
    return [
        replace(group[len(group) // 2], outlined=frozenset[str]().union(*(one.outlined for one in group)))
        for group in groups.values()
    ]


def _same(one: NodulePlace, other: NodulePlace) -> bool:
    return (
        abs(one.z_mm - other.z_mm) <= _SAME_NODULE_MM and np.hypot(one.y - other.y, one.x - other.x) <= _SAME_NODULE_PX
    )


def _child(element: Element, tag: str) -> str:
    return next((one.text or "" for one in element if _tag(one) == tag), "")


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
