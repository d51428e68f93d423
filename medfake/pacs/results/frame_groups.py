"""Where frames of a segmentation lie, and what each was made from: functional groups (PS3.3 C.7.6.16)."""

from collections.abc import Callable, Sequence

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from medfake.dicom.header import SliceHeader
from medfake.dicom.written_modules import decimal
from medfake.pacs.results.codes import SEGMENTATION, SOURCE_IMAGE, coded
from medfake.pacs.results.source import Source


class FrameGroups:
    """Of the frames of one segmentation.

    What all frames have alike is shared. Slices of one series may differ by what their maker rounds, and then each
    frame has what its own slice says.

    Args:
        source: The scan.
        used: Slices that have frames, ascending.
    """

    def __init__(self, source: Source, used: Sequence[int]) -> None:
        self._source, self._used = source, used
        headers = [source.headers[index] for index in used]
        self._in_patient = bool(source.frame_of_reference)
        self._alike = {keyword: len({str(make(one)) for one in headers}) == 1 for keyword, make in _MACROS.items()}
        places = dict.fromkeys(self._place(index) for index in used)
        self._ranks = {place: rank for rank, place in enumerate(places, start=1)}

    def shared(self) -> Dataset:
        """An item of Shared Functional Groups Sequence (5200,9229)."""
        return self._macros(self._used[0], alike=True)

    def of(self, segment: int, index: int) -> Dataset:
        """An item of Per-Frame Functional Groups Sequence (5200,9230).

        Args:
            segment: Number of the segment, from 1.
            index: Of the slice.
        """
        group, content, number = self._macros(index, alike=False), Dataset(), Dataset()
        rank = self._ranks[self._place(index)]
        content.DimensionIndexValues = [segment, rank]
        if self._in_patient:
            position = Dataset()
            position.ImagePositionPatient = list(self._place(index))
            group.PlanePositionSequence = DicomSequence([position])
        else:
            content.StackID, content.InStackPositionNumber = "1", rank
        group.FrameContentSequence = DicomSequence([content])
        number.ReferencedSegmentNumber = segment
        group.SegmentIdentificationSequence = DicomSequence([number])
        group.DerivationImageSequence = DicomSequence([self._derivation(index)])
        return group

    def _macros(self, index: int, *, alike: bool) -> Dataset:
        group, header = Dataset(), self._source.headers[index]
        wanted = {"PixelMeasuresSequence": header.modality.is_stack, "PlaneOrientationSequence": self._in_patient}
        for keyword, make in _MACROS.items():
            if wanted[keyword] and self._alike[keyword] == alike:
                setattr(group, keyword, DicomSequence([make(header)]))
        return group

    def _place(self, index: int) -> tuple[str, ...]:
        """What the second dimension counts: the position, or the slice where there is no such space."""
        if not self._in_patient:
            return (str(index),)
        return tuple(decimal(one) for one in self._source.headers[index].position_mm)

    def _derivation(self, index: int) -> Dataset:
        derivation, source = Dataset(), self._source.images[index].item()
        source.PurposeOfReferenceCodeSequence = DicomSequence([coded(SOURCE_IMAGE)])
        source.SpatialLocationsPreserved = "YES"
        derivation.SourceImageSequence = DicomSequence([source])
        derivation.DerivationCodeSequence = DicomSequence([coded(SEGMENTATION)])
        return derivation


def _measures(header: SliceHeader) -> Dataset:
    """Spacing of a slice; that of a detector is none in the patient."""
    measures = Dataset()
    measures.PixelSpacing = [decimal(one) for one in header.spacing_mm]
    if header.thickness_mm:
        measures.SliceThickness = decimal(header.thickness_mm)
    return measures


def _orientation(header: SliceHeader) -> Dataset:
    orientation = Dataset()
    orientation.ImageOrientationPatient = [decimal(one) for one in header.orientation]
    return orientation


_MACROS: dict[str, Callable[[SliceHeader], Dataset]] = {
    "PixelMeasuresSequence": _measures,
    "PlaneOrientationSequence": _orientation,
}
