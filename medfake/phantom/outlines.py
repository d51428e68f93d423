"""Where the phantom's nodules end, as readers of LIDC-IDRI draw it: outlines, slice by slice, in an XML file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import numpy as np
from numpy.typing import NDArray

from medfake.dicom.header import read_headers
from medfake.files import write_atomic

OUTLINES_FILE: Final = "outlines.xml"
_INSIDE: Final = 0.5  # share of nodule in a voxel that counts
_LEAST_PX: Final = 4  # fewer are no outline


@dataclass(frozen=True)
class Outline:
    """The edge of a nodule on one slice.

    Attributes:
        slice: Index.
        points: Row and column of each pixel of the edge.
    """

    slice: int
    points: tuple[tuple[int, int], ...]


def outlines_of(share: NDArray[np.float32]) -> tuple[Outline, ...]:
    """Outline a nodule on every slice that shows it.

    Args:
        share: (slices, rows, cols) of nodule in each voxel, 0..1.
    """
    from scipy.ndimage import binary_erosion

    found = []
    for index, of_slice in enumerate(share):
        inside = of_slice >= _INSIDE
        if np.count_nonzero(inside) >= _LEAST_PX:
            edge = np.argwhere(inside & ~binary_erosion(inside))
            found.append(Outline(index, tuple((int(y), int(x)) for y, x in edge)))
    return tuple(found)


def write_outlines(folder: Path, nodules: Sequence[Sequence[Outline]]) -> None:
    """Write the annotation of a series beside its slices; one without nodules says that there are none.

    Args:
        folder: With the files "0.dcm", "1.dcm", ... of the series.
        nodules: Outlines of each nodule.
    """
    slices = sorted(folder.glob("*.dcm"), key=lambda path: int(path.stem))
    headers = [read_headers(path)[0] for path in slices]
    root = Element("LidcReadMessage", xmlns="http://www.nih.gov")
    SubElement(SubElement(root, "ResponseHeader"), "SeriesInstanceUid").text = headers[0].series_uid
    session = SubElement(root, "readingSession")
    for number, outlines in enumerate(nodules, start=1):
        nodule = SubElement(session, "unblindedReadNodule")
        SubElement(nodule, "noduleID").text = str(number)
        for outline in outlines:
            header = headers[outline.slice]
            roi = SubElement(nodule, "roi")
            SubElement(roi, "imageZposition").text = f"{header.position_mm[2]:.3f}"
            SubElement(roi, "imageSOP_UID").text = header.sop_uid
            SubElement(roi, "inclusion").text = "TRUE"
            for y, x in outline.points:
                edge = SubElement(roi, "edgeMap")
                SubElement(edge, "xCoord").text, SubElement(edge, "yCoord").text = str(x), str(y)
    indent(root)
    with write_atomic(folder / OUTLINES_FILE, "wb") as file:
        file.write(tostring(root, encoding="utf-8", xml_declaration=True))
