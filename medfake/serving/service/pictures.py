"""Slices of a scored scan as PNGs for a viewer: windows of their units, and the detector's own map to lay over."""

import io
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medfake.dicom.normalised import BEYOND, HIGH, LOW
from medfake.dicom.window import LUNG_WINDOW, WHOLE_RANGE, to_grey
from medfake.serving.scoring import job_files
from medfake.serving.service.refusals import NotFoundError
from medfake.vocabulary import Modality, Units


class Window(StrEnum):
    """What a viewer shows of the units of a slice: three of Hounsfield units, three of normalised ones."""

    LUNG = "lung"
    SOFT_TISSUE = "soft-tissue"
    BONE = "bone"
    WHOLE = "whole"
    DARK = "dark"
    BRIGHT = "bright"


_BOUNDS: Final = {
    Window.LUNG: LUNG_WINDOW,
    Window.SOFT_TISSUE: (-160.0, 240.0),
    Window.BONE: (-500.0, 1300.0),
    Window.WHOLE: WHOLE_RANGE,
    Window.DARK: (float(LOW), 0.0),
    Window.BRIGHT: (0.0, float(HIGH + BEYOND)),
}
"""Units shown black and white; of HU centre and width of -600/1500, 40/400 and 400/1800."""
_WORDS: Final = {
    Units.HU: {Window.LUNG: "Lung", Window.SOFT_TISSUE: "Soft tissue", Window.BONE: "Bone"},
    Units.NORMALISED: {Window.WHOLE: "Whole range", Window.DARK: "Dark parts", Window.BRIGHT: "Bright parts"},
}


def windows_of(modality: Modality) -> dict[Window, str]:
    """What a viewer offers for slices of a modality, with its words; the first is usual."""
    return _WORDS[modality.units]


def slice_png(folder: Path, scan: dict[str, Any], scan_id: str, index: int, window: Window | None) -> bytes:
    """A slice in grey, 8 bits, at its own size; through the usual window of its modality where none is named.

    Raises:
        NotFoundError: The scan has no such slice.
    """
    one = _slice(scan, index)
    rows, cols = one["rows"], one["cols"]
    try:
        with job_files.scan_file(folder, scan_id, ".hu").open("rb") as file:
            file.seek(index * rows * cols * 2)
            hu = np.frombuffer(file.read(rows * cols * 2), "<i2").reshape(rows, cols)
    except FileNotFoundError:  # the job is being deleted
        raise _no_slice() from None
    usual = next(iter(windows_of(Modality(scan.get("modality", Modality.CT)))))  # jobs of before hold CT
    return _png(to_grey(hu.astype(np.int16), *_BOUNDS[window or usual]))


def heat_png(folder: Path, scan: dict[str, Any], scan_id: str, index: int) -> bytes:
    """The detector's map of a slice, transparent where nothing is suspicious, at the slice's size.

    Colours are of probabilities, so that they mean the same on every slice of every scan.

    Raises:
        NotFoundError: The scan has no such slice, or its detector gives no map.
    """
    from medfake.explain.overlay import translucent
    from medfake.explain.own_map import heat_of
    from medfake.metrics.within_slice import PlaceMap

    one = _slice(scan, index)
    try:
        with np.load(job_files.scan_file(folder, scan_id, ".npz"), allow_pickle=False) as stored:
            p, step = stored["place_p"][index].astype(np.float64), float(stored["step_px"])
    except FileNotFoundError:
        raise NotFoundError(
            "the detector of this scan gives no map of places", where="heat.png", remedy="look at the scan's sites"
        ) from None
    heat = heat_of(PlaceMap(p, p > 0, step), (one["rows"], one["cols"]))
    return _png(translucent(np.clip(heat.values, 0.0, 1.0)))


def _slice(scan: dict[str, Any], index: int) -> dict[str, Any]:
    slices: list[dict[str, Any]] = scan["slices"]
    if not 0 <= index < len(slices):
        raise _no_slice()
    return slices[index]


def _no_slice() -> NotFoundError:
    return NotFoundError("this scan has no such slice", where="index", remedy="GET .../slices lists them")


def _png(pixels: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=3)
    return buffer.getvalue()
