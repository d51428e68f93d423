"""Sites as a binary segmentation at the scan's own resolution (PS3.3 A.51), a segment each; what is empty is left out.

Written by hand: highdicom takes its frames from whole source files and dates them by the clock, while this needs frames
of enhanced files, radiographs, scans without a frame of reference, and the same bytes for the same judgement.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.tag import Tag

from medfake.pacs.results.codes import (
    ARTIFICIAL_INTELLIGENCE,
    SPATIAL_CONCEPT,
    coded,
    scheme_declared,
    site_code,
)
from medfake.pacs.results.frame_groups import FrameGroups
from medfake.pacs.results.image_statements import lossy_history
from medfake.pacs.results.kinds import ResultKind
from medfake.pacs.results.objects import Basis, detector_version, new_object, references
from medfake.pacs.results.packed_bits import PackedBits
from medfake.pacs.results.regions import RegionSlice, region_of
from medfake.pacs.results.values import long_string

_COLOURS: Final = ((230, 97, 0), (86, 180, 233), (240, 228, 66), (204, 121, 167), (0, 158, 115))
"""Of Okabe and Ito, but for the first: told apart by colour-blind readers, and from grey. Neighbouring sites differ."""


def build_segmentation(basis: Basis) -> tuple[Dataset, ...]:
    """The Segmentation of a scan's sites; none where it has none."""
    packed = PackedBits()
    frames: list[tuple[int, int]] = []  # of which site, from 0, and of which slice
    for number in range(len(basis.judgement.sites)):
        for region in _region(basis, number):
            frames.append((number, region.index))
            packed.add(region.mask)
    if not frames:
        return ()
    used = sorted({index for _, index in frames})
    made = new_object(basis, ResultKind.SEG)
    made.CodingSchemeIdentificationSequence = DicomSequence([scheme_declared()])
    _image(made, basis, used)
    made.NumberOfFrames = len(frames)
    _dimensions(made, basis)
    _segments(made, basis)
    groups = FrameGroups(basis.source, used)
    made.SharedFunctionalGroupsSequence = DicomSequence([groups.shared()])
    made.PerFrameFunctionalGroupsSequence = DicomSequence([groups.of(site + 1, index) for site, index in frames])
    sources = [basis.source.images[index].whole for index in used]
    made.ReferencedSeriesSequence = references(sources, "ReferencedInstanceSequence")
    made.add_new("PixelData", "OB", packed.whole())
    return (made,)


def _region(basis: Basis, number: int) -> Iterator[RegionSlice]:
    judgement, geometry = basis.judgement, basis.source.geometry
    yield from region_of(number, judgement.sites, judgement.scored.scores, geometry, judgement.model.card.threshold)


def _image(made: Dataset, basis: Basis, used: Sequence[int]) -> None:
    """General Image, Image Pixel and Segmentation Image modules (PS3.3 C.8.20.2)."""
    made.ImageType = ["DERIVED", "PRIMARY"]
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.Rows, made.Columns = basis.source.geometry.shape
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 1, 1, 0, 0
    made.update(lossy_history(basis.source.statements[index] for index in used))
    made.SegmentationType = "BINARY"
    made.SegmentsOverlap = "UNDEFINED"
    made.ContentLabel, made.ContentDescription = (
        "MEDFAKE",
        long_string(f"{basis.judgement.site_words}, research use only"),
    )
    made.ContentCreatorName = ""
    if basis.source.frame_of_reference:
        made.FrameOfReferenceUID = basis.source.frame_of_reference
        made.PositionReferenceIndicator = basis.source.position_reference
    else:  # type 2C of General Image where no position is told
        made.PatientOrientation = list(basis.source.statements[used[0]].orientation) or ""
    aspect = basis.source.geometry.aspect(used[0])
    if not basis.source.headers[0].modality.is_stack and aspect != (1, 1):  # type 1C where no spacing is told
        made.PixelAspectRatio = list(aspect)


def _dimensions(made: Dataset, basis: Basis) -> None:
    """Segment, then place along the stack (PS3.3 C.7.6.17)."""
    uid = basis.uids.dimensions()
    organization = Dataset()
    organization.DimensionOrganizationUID = uid
    made.DimensionOrganizationSequence = DicomSequence([organization])
    place = ("ImagePositionPatient", "PlanePositionSequence")
    if not basis.source.frame_of_reference:
        place = ("InStackPositionNumber", "FrameContentSequence")
    items = []
    for pointer, group in (("ReferencedSegmentNumber", "SegmentIdentificationSequence"), place):
        item = Dataset()
        item.DimensionOrganizationUID = uid
        item.DimensionIndexPointer, item.FunctionalGroupPointer = Tag(pointer), Tag(group)
        item.DimensionDescriptionLabel = pointer
        items.append(item)
    made.DimensionIndexSequence = DicomSequence(items)


def _segments(made: Dataset, basis: Basis) -> None:
    judgement = basis.judgement
    items = []
    for number, site in enumerate(judgement.sites, start=1):
        item = Dataset()
        item.SegmentNumber, item.SegmentLabel = number, f"site {number}, P {site.p:.2f}"
        item.SegmentDescription = f"{judgement.site_words}; research use only"
        item.SegmentedPropertyCategoryCodeSequence = DicomSequence([coded(SPATIAL_CONCEPT)])
        item.SegmentedPropertyTypeCodeSequence = DicomSequence([coded(site_code(judgement))])
        item.SegmentAlgorithmType = "AUTOMATIC"
        item.SegmentAlgorithmName = long_string(judgement.model.card.detector)
        item.SegmentationAlgorithmIdentificationSequence = DicomSequence([_algorithm(basis)])
        item.TrackingID, item.TrackingUID = site_name(number), basis.uids.tracking(site_name(number))
        item.RecommendedDisplayCIELabValue = _cielab(_COLOURS[(number - 1) % len(_COLOURS)])
        items.append(item)
    made.SegmentSequence = DicomSequence(items)


def _cielab(rgb: tuple[int, int, int]) -> list[int]:
    """A colour of sRGB, 0..255, as CIELab in the integers of PS3.3 C.10.7.1.1."""
    from skimage.color import rgb2lab

    lightness, a, b = rgb2lab(np.array(rgb) / 255.0)
    return [round(lightness / 100.0 * 65_535), *(round((one + 128.0) / 255.0 * 65_535) for one in (a, b))]


def site_name(number: int) -> str:
    """Tracking Identifier (0062,0020) of a site, from 1; strongest first."""
    return f"medfake site {number}"


def _algorithm(basis: Basis) -> Dataset:
    """Algorithm Identification macro (PS3.3 table 10-19)."""
    item = Dataset()
    item.AlgorithmFamilyCodeSequence = DicomSequence([coded(ARTIFICIAL_INTELLIGENCE)])
    item.AlgorithmName = long_string(basis.judgement.model.card.detector)
    item.AlgorithmVersion = detector_version(basis.judgement)
    item.AlgorithmSource = "medfake"
    return item
