"""Circles around the sites, laid over the scan's own slices: grayscale softcopy presentation states (PS3.3 A.33.1).

A presentation state replaces what an image says of its grey values, so each holds for images that say the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from medfake.dicom.reader import read_stored
from medfake.dicom.written_modules import decimal
from medfake.errors import DicomError
from medfake.pacs.results.display import LINEAR_EXACT, Display, Window
from medfake.pacs.results.geometry import CENTRE_OF_PIXEL, Disc
from medfake.pacs.results.kinds import ResultKind
from medfake.pacs.results.objects import RESEARCH_USE, Basis, new_object, references
from medfake.pacs.results.regions import RADIUS_MM
from medfake.pacs.results.source import ImageReference, merged_by_file
from medfake.pacs.results.values import long_string

LAYER: Final = "MEDFAKE"
_NEARLY_ALL: Final = (0.5, 99.5)  # percentiles
_NARROW: Final = 16.0  # a linear window is a half off its centre, and never narrower than 1 (PS3.3 C.11.2.1.2)
_LEAST_WIDTH: Final = 1e-6  # of an image of one value
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Mark:
    """A circle of a site, from 1, on a slice."""

    site: int
    disc: Disc


def build_presentation(basis: Basis) -> tuple[Dataset, ...]:
    """Presentation states that mark the sites; none where there are none, or where values go through a table."""
    of_display: dict[Display, list[_Mark]] = {}
    for mark in _marks(basis):
        if (display := basis.source.displays[mark.disc.index]) is not None:
            of_display.setdefault(display, []).append(mark)
    return tuple(
        _state(basis, number, display, marks) for number, (display, marks) in enumerate(of_display.items(), start=1)
    )


def _marks(basis: Basis) -> Iterator[_Mark]:
    for number, site in enumerate(basis.judgement.sites, start=1):
        for disc in basis.source.geometry.discs(site, RADIUS_MM):
            yield _Mark(number, disc)


def _state(basis: Basis, number: int, display: Display, marks: Sequence[_Mark]) -> Dataset:
    made = new_object(basis, ResultKind.GSPS, number)
    made.PresentationCreationDate, made.PresentationCreationTime = made.ContentDate, made.ContentTime
    made.ContentLabel, made.ContentDescription = LAYER, long_string(f"{basis.judgement.site_words}, research use only")
    made.ContentCreatorName = ""  # type 2
    del made.ContentDate, made.ContentTime  # not of this kind of object
    first = basis.source.headers[marks[0].disc.index]
    made.update(basis.source.statements[marks[0].disc.index].body_part_and_side(image=False))
    made.ReferencedSeriesSequence = references(_images(basis, marks), "ReferencedImageSequence")
    made.DisplayedAreaSelectionSequence = DicomSequence(_areas(basis, marks))
    made.GraphicLayerSequence = DicomSequence([_layer()])
    made.GraphicAnnotationSequence = DicomSequence([_annotation(basis, mark) for mark in marks])
    if display.voi is None:
        display = replace(display, voi=_window_of_values(basis, marks))
    made.update(display.elements(signed=first.signed or first.intercept < 0 or first.slope < 0))
    return made


def _images(basis: Basis, marks: Sequence[_Mark]) -> list[ImageReference]:
    """Each file once, with all its frames that are marked."""
    return list(merged_by_file(basis.source.images[mark.disc.index] for mark in marks))


def _window_of_values(basis: Basis, marks: Sequence[_Mark]) -> Window | None:
    """Of images that have none: nearly all values of the slices in which the sites of a state are strongest.

    Viewers that are given no window take the whole range of what could be stored, and MR fills a tenth of that.
    """
    strongest = {basis.judgement.sites[mark.site - 1].slice_index for mark in marks}
    here = {mark.disc.index for mark in marks}
    found: list[Floats] = []
    for index in sorted(strongest & here) or [marks[0].disc.index]:
        header = basis.source.headers[index]
        try:
            values = read_stored([header]).ravel()
        except DicomError:
            continue
        if header.padding:
            values = values[(values < header.padding[0]) | (values > header.padding[1])]
        if len(values):
            found.append(np.percentile(values, _NEARLY_ALL) * header.slope + header.intercept)
    if not found:
        return None
    low, high = float(np.min(found)), float(np.max(found))
    centre, width = decimal((low + high) / 2), high - low
    if width >= _NARROW:
        return Window(centre, decimal(width))
    return Window(centre, decimal(max(width, _LEAST_WIDTH)), LINEAR_EXACT)


def _areas(basis: Basis, marks: Sequence[_Mark]) -> list[Dataset]:
    """The whole image (PS3.3 C.10.4), by spacing where slices differ in that."""
    of_spacing: dict[tuple[float, float], list[_Mark]] = {}
    for mark in marks:
        of_spacing.setdefault(basis.source.headers[mark.disc.index].spacing_mm, []).append(mark)
    areas = [_area(basis, members[0].disc.index) for members in of_spacing.values()]
    if len(areas) > 1:
        for area, members in zip(areas, of_spacing.values(), strict=True):
            area.ReferencedImageSequence = DicomSequence([image.item() for image in _images(basis, members)])
    return areas


def _area(basis: Basis, index: int) -> Dataset:
    area, (rows, cols) = Dataset(), basis.source.geometry.shape
    area.DisplayedAreaTopLeftHandCorner, area.DisplayedAreaBottomRightHandCorner = [1, 1], [cols, rows]
    area.PresentationSizeMode = "SCALE TO FIT"
    header = basis.source.headers[index]
    if header.modality.is_stack:
        area.PresentationPixelSpacing = [decimal(one) for one in header.spacing_mm]
    else:  # lengths on a detector are none in the patient
        area.PresentationPixelAspectRatio = list(basis.source.geometry.aspect(index))
    return area


def _layer() -> Dataset:
    layer = Dataset()
    layer.GraphicLayer, layer.GraphicLayerOrder = LAYER, 1
    layer.GraphicLayerDescription = long_string(f"medfake authenticity. {RESEARCH_USE}")
    return layer


def _annotation(basis: Basis, mark: _Mark) -> Dataset:
    """A circle on a slice (PS3.3 C.10.5); the slice in which the site is strongest has words beside it."""
    item, circle, disc = Dataset(), Dataset(), mark.disc
    item.ReferencedImageSequence = DicomSequence([basis.source.images[disc.index].item()])
    item.GraphicLayer = LAYER
    points = basis.source.geometry.outline(disc)
    circle.GraphicAnnotationUnits, circle.GraphicDimensions, circle.GraphicFilled = "PIXEL", 2, "N"
    circle.GraphicType = "CIRCLE" if len(points) == 2 else "ELLIPSE"
    circle.GraphicData, circle.NumberOfGraphicPoints = points.ravel().tolist(), len(points)
    item.GraphicObjectSequence = DicomSequence([circle])
    site = basis.judgement.sites[mark.site - 1]
    if site.slice_index == disc.index:
        words = Dataset()
        words.UnformattedTextValue = f"medfake site {mark.site}, P {site.p:.2f}, research use only"
        words.AnchorPointAnnotationUnits, words.AnchorPointVisibility = "PIXEL", "N"
        down, _ = basis.source.geometry.radius_px(disc)
        words.AnchorPoint = [disc.x + CENTRE_OF_PIXEL, disc.y + down + CENTRE_OF_PIXEL]
        item.TextObjectSequence = DicomSequence([words])
    return item
