"""Scan folders of DICOM files: a verdict for every series, a reason for every other file."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.datasets.pseudonyms import pseudonym_key
from medfake.dicom.header import SliceHeader
from medfake.dicom.reader import read_slice, read_volume
from medfake.dicom.series import Series, Skipped, find_series, group_series
from medfake.errors import DicomError, MedfakeError, ScanError
from medfake.files import path_text
from medfake.package.scan_scorer import Chunk
from medfake.progress import track
from medfake.serving.model import Model
from medfake.serving.report import ScanReport, ScanVerdict, SkippedFile
from medfake.serving.verdict import Scored, judge, slice_name

CHUNK = 16  # slices decoded at a time: 8 MiB of 512 x 512
NO_NUMBER: Final = "the detector gives no number for this slice"
AtFile = Callable[[Path], object]
Observe = Callable[[NDArray[np.int16]], object]
"""Sees (n, rows, cols) int16 Hounsfield units of a scan as they are decoded, on the calling thread."""


def scan_paths(paths: Sequence[Path], model: Model, jobs: int = 1) -> ScanReport:
    """Score every CT series below some paths; memory holds a few slices at a time.

    Args:
        paths: Folders or files; what is reached twice counts once.
        model: From `open_model`.
        jobs: Processes that read headers.

    Returns:
        A report on every file; without scans when none of them is a CT slice, see `ScanReport.require_scans`.

    Raises:
        ScanError: A path is missing.
    """
    series, left_out = find_scans(paths, jobs)
    skipped = [SkippedFile(path_text(one.path), one.reason) for one in left_out]
    model = model.suited_to(series)
    key = pseudonym_key("private")
    scans: list[ScanVerdict] = []
    for one in track(series, "scoring scans", len(series)):
        scored, broken = score_series(one, model)
        skipped += broken
        if scored:
            scans.append(judge(scored, model.card, key))
    return ScanReport(describe(model), tuple(scans), tuple(skipped))


def find_scans(paths: Sequence[Path], jobs: int) -> tuple[list[Series], list[Skipped]]:
    """Series and skipped files; what several paths reach counts once, and files given one by one make one series."""
    headers: dict[tuple[Path, int], SliceHeader] = {}
    skipped: dict[Path, Skipped] = {}
    for path in paths:
        if not path.exists():
            raise ScanError("there is no such file or folder", where=path_text(path), remedy="check the path")
        found, left_out = find_series(path, jobs)
        for header in (header for one in found for header in one.headers):
            headers.setdefault((header.path.resolve(), header.frame), header)
        for other in left_out:
            skipped.setdefault(_place(other.path), other)
    scored = {_place(header.path) for header in headers.values()}  # a link is skipped in a folder, but not when given
    series, repeated = group_series(headers.values())
    scored -= {_place(one.path) for one in repeated}
    for one in repeated:
        skipped.setdefault(_place(one.path), one)
    return series, [one for place, one in skipped.items() if place not in scored]


def _place(path: Path) -> Path:
    """Where a file or link lies, however it was reached; a link is not followed."""
    return path.parent.resolve() / path.name


def score_series(
    series: Series, model: Model, observe: Observe = lambda _: None, at_file: AtFile | None = None
) -> tuple[Scored | None, list[SkippedFile]]:
    """What the detector says of every slice that could be decoded; and the files that have no score.

    Args:
        series: The scan.
        model: From `open_model`.
        observe: Sees the slices on their way to the detector.
        at_file: Is told of each file before its pixels are decoded.
    """
    broken: list[SkippedFile] = []
    headers: list[SliceHeader] = []
    try:
        chunks = _chunks(series, headers, broken, observe, at_file)
        scores = model.scorer.score_scan(chunks, series.headers[0].spacing_mm)
    except MedfakeError as error:
        told = {one.path for one in broken}
        return None, broken + [_skip(one, error.what) for one in series.headers if slice_name(one) not in told]
    broken += [
        _skip(header, NO_NUMBER) for header, p in zip(headers, scores.slice_p, strict=True) if not np.isfinite(p)
    ]
    return Scored(series, tuple(headers), scores), broken


def _chunks(
    series: Series,
    headers: list[SliceHeader],
    broken: list[SkippedFile],
    observe: Observe,
    at_file: AtFile | None,
) -> Iterator[Chunk]:
    """Slices that can be decoded, a few at a time; their headers go to `headers`, the others to `broken`."""
    slices = list(zip(series.headers, series.z_mm, strict=True))
    for start in range(0, len(slices), CHUNK):
        pixels, decoded, z_mm = _decode(slices[start : start + CHUNK], broken, at_file)
        headers += decoded
        if decoded:
            observe(pixels)
            yield pixels, np.array(z_mm)


def _decode(
    slices: Sequence[tuple[SliceHeader, float]], broken: list[SkippedFile], at_file: AtFile | None
) -> tuple[NDArray[np.int16], list[SliceHeader], list[float]]:
    """Pixels of the slices that can be decoded; the others are added to `broken`."""
    try:
        whole = read_volume([header for header, _ in slices], at_file)  # opens a multi-frame file once
    except DicomError:
        parts = [(header, z, _pixels(header, broken, at_file)) for header, z in slices]
        good = [(header, z, pixels) for header, z, pixels in parts if pixels is not None]
        stacked = np.stack([pixels for _, _, pixels in good]) if good else np.empty((0, 0, 0), np.int16)
        return stacked, [header for header, _, _ in good], [float(z) for _, z, _ in good]
    return whole, [header for header, _ in slices], [float(z) for _, z in slices]


def _pixels(header: SliceHeader, broken: list[SkippedFile], at_file: AtFile | None) -> NDArray[np.int16] | None:
    if at_file:
        at_file(header.path)
    try:
        return read_slice(header)
    except DicomError as error:
        broken.append(_skip(header, error.what))
        return None


def _skip(header: SliceHeader, reason: str) -> SkippedFile:
    return SkippedFile(slice_name(header), reason)


def describe(model: Model) -> dict[str, object]:
    """A detector, as reports tell it."""
    card = model.card
    return {
        "name": model.name,
        "detector": card.detector,
        "dataset": card.dataset,
        "dataset_sha256": card.dataset_sha256,
        "chosen": model.chosen,
        "evidence": card.evidence,
        "threshold": card.threshold,
        "scan_threshold_low": card.scan_threshold_low,
        "scan_threshold_high": card.scan_threshold_high,
        "measured_on": list(card.measured_on),
        "blind_to": list(card.blind_to),
        "false_alarms": card.false_alarms.model_dump() if card.false_alarms else None,
        "false_alarms_of_few": card.false_alarms_of_few.model_dump() if card.false_alarms_of_few else None,
        "intended_use": card.intended_use,
    }
