"""The strongest slices as colour pictures for viewers that know nothing else: secondary captures (PS3.3 A.8.1).

One single-frame object a slice: old viewers show of multi-frame ones the first frame alone. Slices of detectors without
a map of their own are shown as they are.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from medfake import __version__
from medfake.dicom.reader import Slice, read_volume
from medfake.dicom.window import grey_of
from medfake.errors import DicomError
from medfake.explain.heat_map import HeatMap
from medfake.explain.overlay import under_colour
from medfake.explain.own_map import heat_of
from medfake.metrics.within_slice import PlaceMap
from medfake.package.scan_scores import ScanScores
from medfake.pacs.results.captions import captioned, readable, squared
from medfake.pacs.results.codes import SOURCE_IMAGE, coded
from medfake.pacs.results.geometry import CENTRE_OF_PIXEL
from medfake.pacs.results.judgement import Judgement
from medfake.pacs.results.kinds import ResultKind
from medfake.pacs.results.objects import MANUFACTURER, MODEL, RESEARCH_USE, Basis, new_object
from medfake.pacs.results.regions import RADIUS_MM
from medfake.serving.pictures import SLICES, strongest

_SKY_BLUE: Final = (86, 180, 233)
Pixels = NDArray[np.uint8]


def build_pictures(basis: Basis) -> tuple[Dataset, ...]:
    """Secondary Captures of the strongest slices, strongest first; what cannot be read again is left out."""
    return tuple(_pictures(basis))


def _pictures(basis: Basis) -> Iterator[Dataset]:
    judgement = basis.judgement
    order = strongest(judgement.scored.scores, SLICES)
    values = _read(basis, order)
    for number, index in enumerate((one for one in order if one in values), start=1):
        drawn = readable(_draw(basis, index, values[index]))
        yield _capture(basis, index, number, captioned(drawn, _words(judgement, index)))


def _read(basis: Basis, indices: Sequence[int]) -> dict[int, Slice]:
    """Values of slices, each file opened once; without those of files that are gone or were changed."""
    headers = basis.source.headers
    found: dict[int, Slice] = {}
    for _, group in groupby(sorted(indices), key=lambda index: headers[index].path):
        members = list(group)
        try:
            found |= zip(members, read_volume([headers[index] for index in members]), strict=True)
        except DicomError:
            continue
    return found


def _draw(basis: Basis, index: int, values: Slice) -> Pixels:
    """(rows, cols, 3) of a slice under P of its places, its sites in circles; pixels are squares."""
    header, scores = basis.source.headers[index], basis.judgement.scored.scores
    p = np.clip(_heat(scores, index, (header.rows, header.cols)).values, 0.0, 1.0)
    drawn = under_colour(grey_of(values, header.modality), p)  # by P itself: what is unlikely stays pale
    return _circled(basis, index, squared(drawn, header.spacing_mm))


def _heat(scores: ScanScores, index: int, shape: tuple[int, int]) -> HeatMap:
    if scores.place_p is None or not scores.place_step_px:
        return HeatMap(np.zeros(shape))
    p = scores.place_p[index].astype(np.float64)
    return heat_of(PlaceMap(p, p > 0, float(scores.place_step_px)), shape)


def _circled(basis: Basis, index: int, pixels: Pixels) -> Pixels:
    from PIL import Image, ImageDraw

    image, geometry = Image.fromarray(pixels), basis.source.geometry
    (rows, cols), (shown_rows, shown_cols) = geometry.shape, pixels.shape[:2]
    tall, wide = shown_rows / rows, shown_cols / cols
    draw, width = ImageDraw.Draw(image), max(1, max(pixels.shape) // 512)
    for site in basis.judgement.sites:
        for disc in geometry.discs(site, RADIUS_MM):
            if disc.index == index:
                down, across = geometry.radius_px(disc)
                left, right = (wide * (disc.x + side * across + CENTRE_OF_PIXEL) for side in (-1, 1))
                top, bottom = (tall * (disc.y + side * down + CENTRE_OF_PIXEL) for side in (-1, 1))
                box = [one - CENTRE_OF_PIXEL for one in (left, top, right, bottom)]
                draw.ellipse(box, outline=_SKY_BLUE, width=width)
    return np.asarray(image)


def _words(judgement: Judgement, index: int) -> list[str]:
    """What is burned in: the software, the detector, its verdict, and what this is not."""
    scored, verdict = judgement.scored, judgement.verdict
    number = scored.series.headers.index(scored.headers[index]) + 1
    synthetic = f" Synthetic scan ({judgement.synthetic})." if judgement.synthetic else ""
    words = [
        f"medfake {__version__}: {verdict.verdict}, P(tampered) {verdict.p_tampered:.3f}",
        f"slice {number} of {len(scored.series.headers)}, P {float(scored.scores.slice_p[index]):.3f}",
        f"by {judgement.model.name}",
        RESEARCH_USE + synthetic,
    ]
    return ["".join(one if " " <= one <= "~" else "?" for one in line) for line in words]


def _capture(basis: Basis, index: int, number: int, pixels: Pixels) -> Dataset:
    made = new_object(basis, ResultKind.SC, number)
    made.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    made.ConversionType = "WSD"
    made.SecondaryCaptureDeviceManufacturer, made.SecondaryCaptureDeviceManufacturerModelName = MANUFACTURER, MODEL
    made.SecondaryCaptureDeviceSoftwareVersions = __version__
    made.DerivationDescription = f"A slice under a detector's map, with a caption. {RESEARCH_USE}"
    source = basis.source.images[index].item()
    source.PurposeOfReferenceCodeSequence = DicomSequence([coded(SOURCE_IMAGE)])
    made.SourceImageSequence = DicomSequence([source])
    made.update(basis.source.statements[index].of_picture())  # the caption adds no word that tells who the patient is
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PlanarConfiguration = 3, "RGB", 0
    made.Rows, made.Columns = pixels.shape[:2]
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 8, 7, 0
    stored = pixels.tobytes()
    made.add_new("PixelData", "OB", stored + bytes(len(stored) % 2))
    return made
