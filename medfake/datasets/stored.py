"""From one DICOM file to the images that a data set stores of it; in whatever process, each put in its place."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medfake.config import ViewParams
from medfake.datasets.augment import apply, move
from medfake.datasets.shards import Slot
from medfake.datasets.views.registry import Cut, Place, View, view_of
from medfake.dicom.reader import KnownSlice, read_volume
from medfake.errors import DicomError
from medfake.files import in_a_word
from medfake.vocabulary import Units

AIR_FRACTION_BELOW_HU = -900
NOTHING_TO_SEE = "the slice has nothing for this view"


@dataclass(frozen=True)
class Wanted:
    """What is to be stored of one place on one slice.

    Attributes:
        base: Row of the plan.
        slice: From scans.parquet; its header is not read again.
        site: Row and column of the labelled site on the slice as taken, px; NaN without one.
        copies: Words of `augment`, "" for the slice itself, and where each is written.
    """

    base: int
    slice: KnownSlice
    place: Place
    site: tuple[float, float]
    copies: tuple[tuple[str, Slot], ...]


@dataclass(frozen=True)
class FileWork:
    """All that is wanted of one file."""

    path: Path
    view: ViewParams
    wanted: tuple[Wanted, ...]


@dataclass(frozen=True)
class ImageFacts:
    """What was measured of a stored image.

    Attributes:
        sha256: Of its int16 pixels.
        air_fraction: Share of pixels below -900 HU; NaN where they are no HU.
        site: Row and column of the site in the stored image, px.
        scale: Stored pixels per pixel of the slice.
    """

    sha256: str
    hu_min: int
    hu_max: int
    air_fraction: float
    site: tuple[float, float]
    scale: float


@dataclass(frozen=True)
class Stored:
    """What was written of one `Wanted`, or why nothing was.

    Attributes:
        facts: Of each copy; none when it was left out.
        reason: Why it was left out, "" when it was not.
    """

    base: int
    facts: tuple[ImageFacts, ...]
    reason: str = ""


def read_files(works: Sequence[FileWork]) -> list[Stored]:
    """Decode some files, each once, and write everything that is wanted of them; what cannot be read is left out."""
    return [stored for work in works for stored in _read_file(work)]


def _read_file(work: FileWork) -> list[Stored]:
    view = view_of(work.view)
    slices = {one.slice.frame: one.slice for one in work.wanted}
    try:
        work.path.stat()
        decoded = dict(zip(slices, _decode(list(slices.values())), strict=True))
    except OSError as error:
        decoded = dict.fromkeys(slices, f"the file changed or vanished meanwhile ({in_a_word(error)})")
    return [_make(view, decoded[one.slice.frame], one) for one in work.wanted]


def _decode(slices: Sequence[KnownSlice]) -> list[NDArray[np.int16] | str]:
    """Pixels of each frame, or why there are none; a broken frame does not take the others with it."""
    try:
        return list(read_volume(slices))
    except DicomError as error:
        if len(slices) == 1:
            return [error.what]
    return [result for one in slices for result in _decode([one])]


def _make(view: View, hu: NDArray[np.int16] | str, wanted: Wanted) -> Stored:
    if isinstance(hu, str):
        return Stored(wanted.base, (), hu)
    cut = view.cut(hu, wanted.place)
    if cut is None:
        return Stored(wanted.base, (), NOTHING_TO_SEE)
    units = wanted.slice.modality.units
    return Stored(wanted.base, tuple(_write(cut, wanted.site, units, *one) for one in wanted.copies))


def _write(cut: Cut, site: tuple[float, float], units: Units, transform: str, slot: Slot) -> ImageFacts:
    pixels = np.ascontiguousarray(apply(cut.pixels, transform), "<i2")
    slot.write(pixels)
    air = np.count_nonzero(pixels < AIR_FRACTION_BELOW_HU) / pixels.size if units is Units.HU else float("nan")
    digest = hashlib.sha256(pixels.data).hexdigest()
    return ImageFacts(digest, int(pixels.min()), int(pixels.max()), air, _site(cut, site, transform), cut.scale)


def _site(cut: Cut, site: tuple[float, float], transform: str) -> tuple[float, float]:
    y, x = (site[0] - cut.origin_y) * cut.scale, (site[1] - cut.origin_x) * cut.scale
    rows, cols = cut.pixels.shape
    return move(y, x, transform, rows, cols)
