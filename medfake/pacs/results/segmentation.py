"""Sites as a binary segmentation at the scan's own resolution (PS3.3 A.51), a segment each; what is empty is left out.

Written by hand: highdicom takes its frames from whole source files and dates them by the clock, while this needs frames
of enhanced files, radiographs, scans without a frame of reference, and the same bytes for the same judgement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.tag import Tag

from medfake.dicom.written_modules import decimal
from medfake.pacs.results.codes import (
    ARTIFICIAL_INTELLIGENCE,
    SEGMENTATION,
    SOURCE_IMAGE,
    SPATIAL_CONCEPT,
    coded,
    scheme_declared,
    site_code,
)
from medfake.pacs.results.kinds import ResultKind
from medfake.pacs.results.objects import Basis, detector_version, long_string, new_object, references
from medfake.pacs.results.regions import RegionSlice, region_of

_COLOURS: Final = ((230, 97, 0), (86, 180, 233), (240, 228, 66), (204, 121, 167), (0, 158, 115))
"""Of Okabe and Ito, but for the first: told apart by colour-blind readers, and from grey. Neighbouring sites differ."""
_BYTE: Final = 8


@dataclass(frozen=True)
class _Frame:
    """A frame of the segmentation: a site's part of a slice."""

    site: int
    region: RegionSlice


def build_segmentation(basis: Basis) -> tuple[Dataset, ...]:
    """The Segmentation of a scan's sites; none where it has none."""
    frames = _frames(basis)
    if not frames:
        return ()
    made = new_object(basis, ResultKind.SEG)
    made.CodingSchemeIdentificationSequence = DicomSequence([scheme_declared()])
    _image(made, basis, frames)
    _dimensions(made, basis)
    _segments(made, basis)
    made.SharedFunctionalGroupsSequence = DicomSequence([_shared(basis)])
    order = sorted({frame.region.index for frame in frames})
    made.PerFrameFunctionalGroupsSequence = DicomSequence([_group(basis, frame, order) for frame in frames])
    used = [basis.source.images[index].whole for index in order]
    made.ReferencedSeriesSequence = references(used, "ReferencedInstanceSequence")
    made.add_new("PixelData", "OB", _packed(frames))
    return (made,)


def _frames(basis: Basis) -> list[_Frame]:
    judgement = basis.judgement
    return [
        _Frame(number, region)
        for number in range(len(judgement.sites))
        for region in region_of(
            number, judgement.sites, judgement.scored.scores, basis.source.geometry, judgement.model.card.threshold
        )
    ]


def _image(made: Dataset, basis: Basis, frames: Sequence[_Frame]) -> None:
    """General Image, Image Pixel and Segmentation Image modules (PS3.3 C.8.20.2)."""
    made.ImageType = ["DERIVED", "PRIMARY"]
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.Rows, made.Columns = basis.source.geometry.shape
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 1, 1, 0, 0
    made.NumberOfFrames = len(frames)
    made.update(basis.source.lossy)
    made.SegmentationType = "BINARY"
    made.SegmentsOverlap = "UNDEFINED"
    made.ContentLabel, made.ContentDescription = (
        "MEDFAKE",
        long_string(f"{basis.judgement.site_words}, research use only"),
    )
    made.ContentCreatorName = ""
    if basis.source.frame_of_reference:
        made.FrameOfReferenceUID, made.PositionReferenceIndicator = basis.source.frame_of_reference, ""
    else:
        made.PatientOrientation = ""  # type 2C of General Image where no position is told


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


def _shared(basis: Basis) -> Dataset:
    group, first = Dataset(), basis.source.headers[0]
    if not first.modality.is_stack:  # spacing of a detector is none in the patient
        return group
    measures = Dataset()
    measures.PixelSpacing = [decimal(one) for one in first.spacing_mm]
    if first.thickness_mm:
        measures.SliceThickness = decimal(first.thickness_mm)
    group.PixelMeasuresSequence = DicomSequence([measures])
    if basis.source.frame_of_reference:
        orientation = Dataset()
        orientation.ImageOrientationPatient = [decimal(one) for one in first.orientation]
        group.PlaneOrientationSequence = DicomSequence([orientation])
    return group


def _group(basis: Basis, frame: _Frame, order: Sequence[int]) -> Dataset:
    """Per-frame functional groups: where the frame lies, of which segment it is, what it was made from."""
    group, content, segment = Dataset(), Dataset(), Dataset()
    index, rank = frame.region.index, order.index(frame.region.index) + 1
    content.DimensionIndexValues = [frame.site + 1, rank]
    if basis.source.frame_of_reference:
        position = Dataset()
        position.ImagePositionPatient = [decimal(one) for one in basis.source.headers[index].position_mm]
        group.PlanePositionSequence = DicomSequence([position])
    else:
        content.StackID, content.InStackPositionNumber = "1", rank
    group.FrameContentSequence = DicomSequence([content])
    segment.ReferencedSegmentNumber = frame.site + 1
    group.SegmentIdentificationSequence = DicomSequence([segment])
    derivation, source = Dataset(), basis.source.images[index].item()
    source.PurposeOfReferenceCodeSequence = DicomSequence([coded(SOURCE_IMAGE)])
    source.SpatialLocationsPreserved = "YES"
    derivation.SourceImageSequence = DicomSequence([source])
    derivation.DerivationCodeSequence = DicomSequence([coded(SEGMENTATION)])
    group.DerivationImageSequence = DicomSequence([derivation])
    return group


def _packed(frames: Sequence[_Frame]) -> bytes:
    """Pixels of all frames, a bit each, the first in the lowest (PS3.5 8.1.1); frames follow each other bit by bit."""
    parts = [
        np.packbits(
            np.concatenate([frame.region.mask.ravel() for frame in frames[start : start + _BYTE]]), bitorder="little"
        ).tobytes()
        for start in range(0, len(frames), _BYTE)  # eight frames are whole bytes, whatever their size
    ]
    whole = b"".join(parts)
    return whole + bytes(len(whole) % 2)
