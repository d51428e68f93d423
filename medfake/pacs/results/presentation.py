"""Circles around the sites, laid over the scan's own slices: grayscale softcopy presentation states (PS3.3 A.33.1).

A presentation state replaces what an image says of its grey values, so each holds for images of one rescaling, and
says that, and a window, once more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from medfake.dicom import fields
from medfake.dicom.fields import FunctionalGroups
from medfake.dicom.header import SliceHeader
from medfake.dicom.parse import PARSE_ERRORS, read_header_elements
from medfake.dicom.written_modules import decimal
from medfake.pacs.results.geometry import Disc
from medfake.pacs.results.kinds import ResultKind
from medfake.pacs.results.objects import RESEARCH_USE, Basis, long_string, new_object, references
from medfake.pacs.results.regions import RADIUS_MM
from medfake.vocabulary import Modality

LAYER: Final = "MEDFAKE"
_LUNG: Final = ("-600", "1500")
_RATIO: Final = 1000  # what the longer side of a pixel counts
_CENTRE_OF_PIXEL: Final = 0.5
"""The corner of the first pixel is (0, 0), its centre (0.5, 0.5) (PS3.3 C.10.5.1.2)."""


@dataclass(frozen=True)
class _Grey:
    """What stored values mean and how they are shown; elements of the modality LUT and VOI LUT modules."""

    slope: str
    intercept: str
    kind: str
    centre: str
    width: str
    inverse: bool


@dataclass(frozen=True)
class _Mark:
    """A circle of a site, from 1, on a slice."""

    site: int
    disc: Disc


def build_presentation(basis: Basis) -> tuple[Dataset, ...]:
    """Presentation states that mark the sites; none where there are none, or where values go through a table."""
    marks = list(_marks(basis))
    greys = _greys(basis, sorted({mark.disc.index for mark in marks}))
    of_grey: dict[_Grey, list[_Mark]] = {}
    for mark in marks:
        if (grey := greys[mark.disc.index]) is not None:
            of_grey.setdefault(grey, []).append(mark)
    return tuple(_state(basis, number, grey, of_grey[grey]) for number, grey in enumerate(of_grey, start=1))


def _marks(basis: Basis) -> Iterator[_Mark]:
    for number, site in enumerate(basis.judgement.sites, start=1):
        for disc in basis.source.geometry.discs(site, RADIUS_MM):
            yield _Mark(number, disc)


def _greys(basis: Basis, indices: Sequence[int]) -> dict[int, _Grey | None]:
    """By slice; None where there is a table. Each file is read once: its header may tell of thousands of frames."""
    headers = basis.source.headers
    found: dict[int, _Grey | None] = {}
    for path, group in groupby(indices, key=lambda index: headers[index].path):
        elements = read_header_elements(path)[0]
        found |= {index: _grey(headers[index], elements) for index in group}
    return found


def _grey(header: SliceHeader, elements: Dataset) -> _Grey | None:
    if "ModalityLUTSequence" in elements:
        return None
    try:
        groups = FunctionalGroups(elements, header.frame)
        centre, width = _LUNG if header.modality is Modality.CT else _window(groups)
    except PARSE_ERRORS:  # what nobody needed to read until now
        return None
    return _Grey(
        slope=decimal(header.slope),
        intercept=decimal(header.intercept),
        kind="HU" if header.modality is Modality.CT else "US",
        centre=centre,
        width=width,
        inverse=header.monochrome1,
    )


def _window(groups: FunctionalGroups) -> tuple[str, str]:
    """The image's own first window; none where it has no valid one, and values are shown from lowest to highest."""
    found = [groups.find(keyword) for keyword in ("WindowCenter", "WindowWidth")]
    centre, width = (fields.number(one if isinstance(one, (str, float, int)) or not one else one[0]) for one in found)
    if centre is None or width is None or width < 1:
        return "", ""
    return decimal(centre), decimal(width)


def _state(basis: Basis, number: int, grey: _Grey, marks: Sequence[_Mark]) -> Dataset:
    made = new_object(basis, ResultKind.GSPS, number)
    made.PresentationCreationDate, made.PresentationCreationTime = made.ContentDate, made.ContentTime
    made.ContentLabel, made.ContentDescription = LAYER, long_string(f"{basis.judgement.site_words}, research use only")
    made.ContentCreatorName = made.Laterality = ""  # type 2 and type 2C
    del made.ContentDate, made.ContentTime  # not of this kind of object
    images = [basis.source.images[mark.disc.index] for mark in marks]
    made.ReferencedSeriesSequence = references(images, "ReferencedImageSequence")
    made.DisplayedAreaSelectionSequence = DicomSequence([_area(basis)])
    made.GraphicLayerSequence = DicomSequence([_layer()])
    made.GraphicAnnotationSequence = DicomSequence([_annotation(basis, mark) for mark in marks])
    made.RescaleSlope, made.RescaleIntercept, made.RescaleType = grey.slope, grey.intercept, grey.kind
    if grey.width:
        window = Dataset()
        window.WindowCenter, window.WindowWidth = grey.centre, grey.width
        made.SoftcopyVOILUTSequence = DicomSequence([window])
    made.PresentationLUTShape = "INVERSE" if grey.inverse else "IDENTITY"
    return made


def _area(basis: Basis) -> Dataset:
    """The whole image (PS3.3 C.10.4)."""
    area, (rows, cols) = Dataset(), basis.source.geometry.shape
    area.DisplayedAreaTopLeftHandCorner, area.DisplayedAreaBottomRightHandCorner = [1, 1], [cols, rows]
    area.PresentationSizeMode = "SCALE TO FIT"
    spacing = basis.source.geometry.spacing_mm
    if basis.source.headers[0].modality.is_stack:
        area.PresentationPixelSpacing = [decimal(one) for one in spacing]
    else:  # lengths on a detector are none in the patient
        area.PresentationPixelAspectRatio = [max(1, round(_RATIO * one / max(spacing))) for one in spacing]
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
    x, y = disc.x + _CENTRE_OF_PIXEL, disc.y + _CENTRE_OF_PIXEL
    circle.GraphicAnnotationUnits, circle.GraphicDimensions, circle.GraphicFilled = "PIXEL", 2, "N"
    down, across = basis.source.geometry.radius_px(disc.radius_mm)
    if down == across:
        circle.GraphicType, circle.GraphicData = "CIRCLE", [x, y, x + across, y]
    else:
        circle.GraphicType, circle.GraphicData = "ELLIPSE", [x - across, y, x + across, y, x, y - down, x, y + down]
    circle.NumberOfGraphicPoints = len(circle.GraphicData) // 2
    item.GraphicObjectSequence = DicomSequence([circle])
    site = basis.judgement.sites[mark.site - 1]
    if site.slice_index == disc.index:
        words = Dataset()
        words.UnformattedTextValue = f"medfake site {mark.site}, P {site.p:.2f}, research use only"
        words.AnchorPointAnnotationUnits, words.AnchorPoint, words.AnchorPointVisibility = "PIXEL", [x, y + down], "N"
        item.TextObjectSequence = DicomSequence([words])
    return item
