"""The slices of one series through the detector, a few in memory at a time."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.dicom.header import SliceHeader
from medfake.dicom.reader import read_slice, read_volume
from medfake.dicom.series import Series
from medfake.errors import DicomError, MedfakeError
from medfake.package.pixel_statistics import PixelLook
from medfake.package.scan_scorer import Chunk, ScanScorer
from medfake.serving.model import Model
from medfake.serving.report import SkippedFile
from medfake.serving.suited import why_unsuited
from medfake.serving.verdict import Scored, slice_name

CHUNK: Final = 16
"""Slices decoded at a time: 8 MiB of 512 x 512."""
NO_MEMORY: Final = "too little memory"
NO_NUMBER: Final = "the detector gives no number for this slice"
AtFile = Callable[[Path], object]
Observe = Callable[[NDArray[np.int16]], object]
"""Sees (n, rows, cols) int16 of a scan, in its modality's units, as they are decoded, on the calling thread."""


def _look_away(_: NDArray[np.int16]) -> None:
    """Nobody wants to see the slices."""


def score_series(
    series: Series, model: Model, observe: Observe = _look_away, at_file: AtFile | None = None
) -> tuple[Scored | None, list[SkippedFile]]:
    """What the detector says of every slice that could be decoded; and the files that have no score.

    Nothing is decoded of a scan of another modality, or of another part of the body, than the detector has learnt.

    Args:
        series: The scan.
        model: From `open_model`.
        observe: Sees the slices on their way to the detector.
        at_file: Is told of each file before its pixels are decoded.
    """
    return score_with(series, model.scorer, observe, at_file)


def score_with(
    series: Series, scorer: ScanScorer, observe: Observe = _look_away, at_file: AtFile | None = None
) -> tuple[Scored | None, list[SkippedFile]]:
    """As `score_series`, of a package."""
    broken: list[SkippedFile] = []
    headers: list[SliceHeader] = []
    unsuited = why_unsuited(series, scorer.card)
    if unsuited:
        return None, [_skip(header, unsuited) for header in series.headers]
    look = PixelLook(len(series.headers), series.headers[0].spacing_mm, series.modality.units)
    try:
        chunks = look.passing(_chunks(series, headers, broken, observe, at_file))
        scores = scorer.score_scan(chunks, series.headers[0].spacing_mm)
    except (MedfakeError, MemoryError) as error:
        told, why = {one.path for one in broken}, error.what if isinstance(error, MedfakeError) else NO_MEMORY
        return None, broken + [_skip(one, why) for one in series.headers if slice_name(one) not in told]
    broken += [
        _skip(header, NO_NUMBER) for header, p in zip(headers, scores.slice_p, strict=True) if not np.isfinite(p)
    ]
    return Scored(series, tuple(headers), scores, look.statistics), broken


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
