"""Pictures of the strongest slices of a scan under the detector's map, named after its pseudonym."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from medfake.dicom.reader import read_slice
from medfake.errors import DicomError, OutputRefusedError
from medfake.explain.overlay import is_ours, overlay, png_of
from medfake.explain.registry import Explain, ExplainedPackage, ShownSlice, choose_explanation
from medfake.files import path_text, write_atomic
from medfake.metrics.within_slice import PlaceMap
from medfake.package.scan_scorer import ScanScorer
from medfake.package.scan_scores import ScanScores, counted_slices
from medfake.serving.verdict import Scored, slice_name

_log = logging.getLogger(__name__)
SLICES: Final = 3


@dataclass(frozen=True)
class SliceExplained:
    """A slice and its picture.

    Attributes:
        scan_id: Keyed pseudonym.
        slice_number: Along the scan, from 1.
        slice_file: That was read; "#" and the frame's index after the first of a multi-frame file.
        p_tampered: Of the slice, 0..1.
        peak_y: Row of the peak of the map, px; None, as the next, where the map names no place.
        peak_x: Column.
        picture: PNG that was written.
    """

    scan_id: str
    slice_number: int
    slice_file: str
    p_tampered: float
    peak_y: float | None
    peak_x: float | None
    picture: str


@dataclass(frozen=True)
class Pictures:
    """Where pictures of scans go.

    Attributes:
        folder: For the PNGs; made when there is one.
        option: Of the command that names it, for errors.
        package: Folder of the detector.
        method: Name of an explanation; None for the one that fits the detector.
        slices: Of each scan, at most.
    """

    folder: Path
    option: str
    package: Path
    method: str | None = None
    slices: int = SLICES

    def check(self) -> None:
        """Refuse a place that is none, before any work is done.

        Raises:
            OutputRefusedError: There is a file.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise OutputRefusedError(
                "pictures go into a folder, and there is a file", where=path_text(self.folder),
                remedy=f"{self.option} FOLDER, another one",
            )  # fmt: skip


def draw_strongest(scored: Scored, scan_id: str, scorer: ScanScorer, pictures: Pictures) -> None:
    """Draw the strongest slices of a scan; earlier pictures of the same slices are replaced.

    Files that vanished since they were scored leave a warning in the place of the scan's pictures.

    Raises:
        OutputRefusedError: A file of a picture's name is none of ours.
        MedfakeError: The detector cannot be explained so.
    """
    package = ExplainedPackage(pictures.package, scorer)
    explain = choose_explanation(package, pictures.method).open(package)
    try:
        list(draw(scored, scan_id, explain, pictures))
    except DicomError as error:
        _log.warning("no more pictures of %s: %s", scan_id, error.what)


def draw(scored: Scored, scan_id: str, explain: Explain, pictures: Pictures) -> Iterator[SliceExplained]:
    """Of the strongest slices that speak for the scan, the strongest first; errors as `draw_strongest`."""
    for index in strongest(scored.scores, pictures.slices):
        header = scored.headers[index]
        hu = read_slice(header)
        heat = explain(ShownSlice(hu, header.spacing_mm, _places(scored.scores, index)))
        number = scored.series.headers.index(header) + 1
        path = pictures.folder / f"{scan_id}-slice-{number:03d}.png"
        _require_free(path, pictures.option)
        with write_atomic(path, "wb") as file:
            file.write(png_of(overlay(hu, heat, header.modality), peak=heat.peak))
        y, x = heat.peak or (None, None)
        p = float(scored.scores.slice_p[index])
        yield SliceExplained(scan_id, number, slice_name(header), p, y, x, path_text(path))


def strongest(scores: ScanScores, most: int) -> list[int]:
    """Indexes of the strongest slices that speak for a scan, the strongest first."""
    speaks = counted_slices(np.isfinite(scores.slice_p), scores.shows_lung)
    order = np.argsort(-np.where(speaks, scores.slice_p, -np.inf), kind="stable")
    return [int(index) for index in order[:most] if speaks[index]]


def _places(scores: ScanScores, index: int) -> PlaceMap | None:
    """What was said of the slice's places as part of its scan."""
    if scores.place_p is None or scores.place_step_px is None:
        return None
    p = scores.place_p[index].astype(np.float64)
    return PlaceMap(p, p > 0, float(scores.place_step_px))


def _require_free(path: Path, option: str) -> None:
    if path.exists() and not (path.is_file() and is_ours(path)):
        raise OutputRefusedError(
            "there is a file already, and it is not a picture of medfake explain", where=path_text(path),
            remedy=f"{option} FOLDER, another one",
        )  # fmt: skip
