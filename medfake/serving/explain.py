"""Pictures of what a detector looks at in scans: the strongest slices of each, under its map."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medfake.datasets.pseudonyms import pseudonym, pseudonym_key
from medfake.dicom.reader import read_slice
from medfake.errors import OutputRefusedError
from medfake.explain.overlay import is_ours, overlay, png_of
from medfake.explain.registry import Explain, ExplainedPackage, ShownSlice, choose_explanation
from medfake.files import path_text, write_atomic
from medfake.metrics.within_slice import PlaceMap
from medfake.outputs import json_format
from medfake.package.scan_scores import ScanScores, counted_slices
from medfake.progress import track
from medfake.serving.model import Model
from medfake.serving.report import SkippedFile
from medfake.serving.scan import describe, find_scans, score_series
from medfake.serving.verdict import Scored, slice_name

JSON_OUTPUT = json_format("a report of explanations", frozenset({"model", "method", "says", "slices", "skipped"}))


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
class ExplanationReport:
    """What was explained, and what could not be.

    Attributes:
        model: As in a scan report.
        method: Name of the explanation.
        says: What its maps show, a clause.
        slices: Strongest first, scan by scan.
    """

    model: dict[str, object]
    method: str
    says: str
    slices: tuple[SliceExplained, ...]
    skipped: tuple[SkippedFile, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, for a file."""
        return asdict(self)


def explain_paths(
    paths: list[Path], model: Model, out: Path, *, method: str | None = None, slices: int = 3, jobs: int = 1
) -> ExplanationReport:
    """Explain the strongest slices of every CT series below some paths.

    Args:
        paths: Folders or files.
        model: From `open_model`.
        out: Folder for the pictures, named by pseudonym and slice number; those of earlier calls are replaced.
        method: Name of an explanation; None for the one that fits the detector.
        slices: Of each scan, at most.
        jobs: Processes that read headers.

    Raises:
        ScanError: A path is missing.
        OutputRefusedError: `out` is a file, or holds a file of a picture's name that is none of ours.
        MedfakeError: The detector cannot be explained so.
    """
    if out.exists() and not out.is_dir():
        raise OutputRefusedError(
            "pictures go into a folder, and there is a file", where=path_text(out), remedy="--out FOLDER, another one"
        )
    series, left_out = find_scans(paths, jobs)
    skipped = [SkippedFile(path_text(one.path), one.reason) for one in left_out]
    model = model.suited_to(series)
    package = ExplainedPackage(model.folder, model.scorer)
    chosen = choose_explanation(package, method)
    explain = chosen.open(package) if series else None
    key, explained = pseudonym_key("private"), list[SliceExplained]()
    for one in track(series, "explaining scans", len(series)):
        scored, broken = score_series(one, model)
        skipped += broken
        if scored and explain:
            scan_id = pseudonym(one.identity, key, "scan")
            explained += _pictures(scored, scan_id, explain, out, slices)
    return ExplanationReport(describe(model), chosen.name, chosen.says, tuple(explained), tuple(skipped))


def _pictures(scored: Scored, scan_id: str, explain: Explain, out: Path, most: int) -> Iterator[SliceExplained]:
    """Of the strongest slices that speak for the scan, the strongest first."""
    for index in _strongest(scored.scores, most):
        header = scored.headers[index]
        hu = read_slice(header)
        heat = explain(ShownSlice(hu, header.spacing_mm, _places(scored.scores, index)))
        number = scored.series.headers.index(header) + 1
        path = out / f"{scan_id}-slice-{number:03d}.png"
        _require_free(path)
        with write_atomic(path, "wb") as file:
            file.write(png_of(overlay(hu, heat), peak=heat.peak))
        y, x = heat.peak or (None, None)
        p = float(scored.scores.slice_p[index])
        yield SliceExplained(scan_id, number, slice_name(header), p, y, x, path_text(path))


def _strongest(scores: ScanScores, most: int) -> list[int]:
    speaks = counted_slices(np.isfinite(scores.slice_p), scores.shows_lung)
    order = np.argsort(-np.where(speaks, scores.slice_p, -np.inf), kind="stable")
    return [int(index) for index in order[:most] if speaks[index]]


def _places(scores: ScanScores, index: int) -> PlaceMap | None:
    """What was said of the slice's places as part of its scan."""
    if scores.place_p is None or scores.place_step_px is None:
        return None
    p = scores.place_p[index].astype(np.float64)
    return PlaceMap(p, p > 0, float(scores.place_step_px))


def _require_free(path: Path) -> None:
    if path.exists() and not (path.is_file() and is_ours(path)):
        raise OutputRefusedError(
            "there is a file already, and it is not a picture of medfake explain", where=path_text(path),
            remedy="--out FOLDER, another one",
        )  # fmt: skip
