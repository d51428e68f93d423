"""Scan folders of DICOM files: a verdict for every series, a reason for every other file."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medfake.datasets.pseudonyms import pseudonym, pseudonym_key
from medfake.dicom.header import SliceHeader
from medfake.dicom.reader import read_slice, read_volume
from medfake.dicom.series import Series, Skipped, find_series, group_series
from medfake.errors import DicomError, MedfakeError, ScanError
from medfake.files import path_text
from medfake.metrics.scans import decide, score_scan
from medfake.package.card import Card
from medfake.package.scorer import Scores
from medfake.progress import track
from medfake.serving.model import Model
from medfake.serving.report import ScanReport, ScanVerdict, SiteFound, SkippedFile, SliceScore

CHUNK = 16  # slices decoded at a time: 8 MiB of 512 x 512
FEW_SLICES = 8
MOST_SITES = 5
SAME_SITE_MM = 16.0
_FLAGS = {
    "gap": "slices are missing",
    "duplicate": "slices repeat a position",
    "tilt": "the gantry was tilted",
    "mixed": "slices differ in kernel, thickness or patient",
}


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
    series, left_out = _find(paths, jobs)
    skipped = [SkippedFile(path_text(one.path), one.reason) for one in left_out]
    key = pseudonym_key("private")
    scans: list[ScanVerdict] = []
    for one in track(series, "scoring scans", len(series)):
        scored, broken = _score(one, model)
        skipped += broken
        if scored:
            scans.append(_verdict(one, scored, model.card, key))
    return ScanReport(_describe(model), tuple(scans), tuple(skipped))


def _find(paths: Sequence[Path], jobs: int) -> tuple[list[Series], list[Skipped]]:
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
    return group_series(headers.values()), [one for place, one in skipped.items() if place not in scored]


def _place(path: Path) -> Path:
    """Where a file or link lies, however it was reached; a link is not followed."""
    return path.parent.resolve() / path.name


_Scored = list[tuple[SliceHeader, float, float, Scores, int]]


def _score(series: Series, model: Model) -> tuple[_Scored, list[SkippedFile]]:
    """(header, z, p, batch scores, index in batch) of every slice that could be decoded."""
    broken: list[SkippedFile] = []
    scored: _Scored = []
    slices = list(zip(series.headers, series.z_mm, strict=True))
    for start in range(0, len(slices), CHUNK):
        pixels, headers, z_mm = _decode(slices[start : start + CHUNK], broken)
        if not headers:
            continue
        try:
            scores = model.scorer.score(pixels)
        except MedfakeError as error:
            broken += [_skip(header, error.what) for header in headers]
            continue
        for index, (header, z) in enumerate(zip(headers, z_mm, strict=True)):
            p = float(scores.p_tampered[index])
            if np.isfinite(p):
                scored.append((header, z, p, scores, index))
            else:
                broken.append(_skip(header, "the detector gives no number for this slice"))
    return scored, broken


def _decode(
    slices: Sequence[tuple[SliceHeader, float]], broken: list[SkippedFile]
) -> tuple[NDArray[np.int16], list[SliceHeader], list[float]]:
    """Pixels of the slices that can be decoded; the others are added to `broken`."""
    try:
        whole = read_volume([header for header, _ in slices])  # opens a multi-frame file once
    except DicomError:
        parts = [(header, z, _pixels(header, broken)) for header, z in slices]
        good = [(header, z, pixels) for header, z, pixels in parts if pixels is not None]
        stacked = np.stack([pixels for _, _, pixels in good]) if good else np.empty((0, 0, 0), np.int16)
        return stacked, [header for header, _, _ in good], [float(z) for _, z, _ in good]
    return whole, [header for header, _ in slices], [float(z) for _, z in slices]


def _pixels(header: SliceHeader, broken: list[SkippedFile]) -> NDArray[np.int16] | None:
    try:
        return read_slice(header)
    except DicomError as error:
        broken.append(_skip(header, error.what))
        return None


def _skip(header: SliceHeader, reason: str) -> SkippedFile:
    return SkippedFile(_file(header), reason)


def _verdict(series: Series, scored: _Scored, card: Card, key: bytes) -> ScanVerdict:
    first = series.headers[0]
    score = score_scan(np.array([p for _, _, p, _, _ in scored]), np.array([z for _, z, _, _, _ in scored]))
    return ScanVerdict(
        scan_id=pseudonym(_identity(first), key, "scan"),
        patient_id=pseudonym(first.patient_id or str(first.path.resolve().parent), key, "patient"),
        p_tampered=score.p_tampered,
        verdict=str(decide(score.p_tampered, card.scan_threshold_low, card.scan_threshold_high)),
        n_slices=len(scored),
        sites=tuple(_sites(scored, card.threshold)),
        slices=tuple(SliceScore(_file(header), p) for header, _, p, _, _ in scored),
        warnings=tuple(_warnings(series, scored, card)),
    )


def _sites(scored: _Scored, threshold: float) -> list[SiteFound]:
    """Strongest places of suspicious slices, at most one within 16 mm along z of another."""
    sites: list[SiteFound] = []
    for header, z, p, scores, index in sorted(scored, key=lambda entry: -entry[2]):
        if p < threshold or len(sites) == MOST_SITES or scores.site_y is None or scores.site_x is None:
            break
        if all(abs(site.z_mm - z) > SAME_SITE_MM for site in sites):
            y, x = float(scores.site_y[index]), float(scores.site_x[index])
            sites.append(SiteFound(_file(header), z, y, x, p))
    return sites


def _identity(header: SliceHeader) -> str:
    """What tells scans apart: one folder may hold a series UID twice, as axial and as reformatted slices."""
    geometry = (header.rows, header.cols, header.spacing_mm, tuple(round(number, 3) for number in header.orientation))
    return f"{header.path.resolve().parent}#{header.series_uid}#{geometry}"


def _file(header: SliceHeader) -> str:
    name = path_text(header.path)
    return name if header.frame == 0 else f"{name}#{header.frame}"


def _warnings(series: Series, scored: _Scored, card: Card) -> Iterator[str]:
    for flag in series.quality_flags:
        yield f"{flag}: {_FLAGS[flag]}"
    if len(scored) < FEW_SLICES:
        yield f"only {len(scored)} slices: a manipulation spans several"
    if card.evidence != "clinical":
        yield f"the detector was trained on {card.evidence} data; on real scans its verdicts are no evidence"


def _describe(model: Model) -> dict[str, object]:
    card = model.card
    return {
        "name": model.name,
        "detector": card.detector,
        "dataset": card.dataset,
        "dataset_sha256": card.dataset_sha256,
        "evidence": card.evidence,
        "threshold": card.threshold,
        "scan_threshold_low": card.scan_threshold_low,
        "scan_threshold_high": card.scan_threshold_high,
        "intended_use": card.intended_use,
    }
