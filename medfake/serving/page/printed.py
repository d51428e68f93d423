"""The report of a job as one HTML file to keep and to print: it asks nobody for anything, pictures are inside."""

import base64
import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medfake.serving.page.comparable import least_suspicious
from medfake.serving.page.environment import environment, report_css, static_text
from medfake.serving.page.report_view import report_view
from medfake.serving.page.scan_view import Mark, ScanView

MOST_PICTURED: Final = 3
"""Places of a scan that are shown; the table beside them has all."""
MOST_SCANS: Final = 20
"""Scans that are shown in pictures, the likely fakes first: mail takes a few megabytes."""
_AROUND_MM: Final = 40.0  # from a place to the edge of what is shown enlarged
_WHOLE_PX: Final = 360  # of the longer side of a whole slice
_ENLARGED_PX: Final = 300
_QUALITY: Final = 88  # of JPEG, for eyes; a quarter of the bytes of a PNG

Grey = NDArray[np.uint8]
ReadGrey = Callable[[int], Grey]
"""Gives the slice of an index, (rows, cols), in its usual window."""
Box = tuple[int, int, int, int]
"""Top, left, bottom, right, px; the last two are outside."""


@dataclass(frozen=True)
class Shot:
    """A picture in the report.

    Attributes:
        uri: JPEG as a data URI.
        says: What is seen.
        width: Of the picture in proportion to the body, px.
        height: Likewise.
        marks: On it, in its own px.
    """

    uri: str
    says: str
    width: int
    height: int
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Printed:
    """A report to print.

    Attributes:
        html: The file.
        policy: Content-Security-Policy to serve it with: its own style by digest, pictures inside, no script.
    """

    html: str
    policy: str


def printed_report(
    report: Mapping[str, Any], scanned: str, view_of: Callable[[Mapping[str, Any]], tuple[ScanView, ReadGrey] | None]
) -> Printed:
    """Draw a report.

    Args:
        report: As `medfake scan --json` writes it.
        scanned: When, for readers.
        view_of: Finds slices and pixels of a scan of the report; None where they cannot be shown.
    """
    shown = report_view(report)
    shots: dict[str, list[list[Shot]]] = {}
    for scan in shown.scans[:MOST_SCANS]:
        found = view_of(scan)
        if found:
            shots[scan["scan_id"]] = _rows(*found)
    css = report_css() + static_text("verdicts.css") + static_text("printed.css")
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:"
    page = environment().get_template("printed.html.j2")
    html = page.render(
        report=shown, scanned=scanned, shots=shots, most_scans=MOST_SCANS, css=_verbatim(css), policy=policy
    )
    return Printed(html, policy)


def _verbatim(css: str) -> str:
    from markupsafe import Markup

    return Markup(css)  # noqa: S704 - our own files


def _rows(view: ScanView, read: ReadGrey) -> list[list[Shot]]:
    """Each of the strongest places: its whole slice, enlarged, and the same place where least is suspected."""
    beside = least_suspicious(view.slices, [mark.z for mark in view.marks])
    rows = []
    for site in view.sites[:MOST_PICTURED]:
        box, number, other = _around(site, view), view.slices[site.slice].number, beside[site.slice]
        row = [
            _shot(view, read, site.slice, (0, 0, view.rows, view.cols), f"Slice {number}", _WHOLE_PX),
            _shot(view, read, site.slice, box, f"Slice {number}, place {site.tag} enlarged", _ENLARGED_PX),
        ]
        if other != site.slice:
            says = f"Slice {view.slices[other].number}, the least suspicious nearby, same place"
            row.append(_shot(view, read, other, box, says, _ENLARGED_PX))
        rows.append(row)
    return rows


def _around(site: Mark, view: ScanView) -> Box:
    """A square around a place, moved so that it lies inside the slice."""
    spans = []
    for centre, size, spacing in zip((site.y, site.x), (view.rows, view.cols), view.spacing_mm, strict=True):
        edge = min(size, round(2 * _AROUND_MM / spacing))
        start = min(max(round(centre) - edge // 2, 0), size - edge)
        spans.append((start, start + edge))
    (top, bottom), (left, right) = spans
    return top, left, bottom, right


def _shot(view: ScanView, read: ReadGrey, index: int, box: Box, says: str, edge: int) -> Shot:
    from PIL import Image

    top, left, bottom, right = box
    high, wide = (bottom - top) * view.spacing_mm[0], (right - left) * view.spacing_mm[1]
    width, height = round(edge * wide / max(high, wide)), round(edge * high / max(high, wide))
    image = Image.fromarray(read(index)[top:bottom, left:right]).resize((width, height), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=_QUALITY)
    uri = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
    down, across = height / (bottom - top), width / (right - left)
    marks = tuple(
        Mark(
            one.kind, one.tag, index, one.z, (one.y + 0.5 - top) * down, (one.x + 0.5 - left) * across,
            one.ry * down, one.rx * across,
        )
        for one in view.marks
        if one.slice == index
    )  # fmt: skip
    return Shot(uri, says, width, height, marks)
