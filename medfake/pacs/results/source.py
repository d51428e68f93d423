"""What results take from the files of a scored scan: references, patient and study, the frame of reference."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from pydicom.dataset import Dataset

from medfake.dicom.fields import element
from medfake.dicom.header import SliceHeader
from medfake.dicom.parse import PARSE_ERRORS, read_header_elements
from medfake.dicom.pixel_size import frame_count
from medfake.dicom.series import CHANGED
from medfake.errors import DicomError, HeaderError, PacsError
from medfake.pacs.results.geometry import Geometry
from medfake.pacs.results.patient_study import lossy_history, patient_and_study, text_of
from medfake.pacs.results.uids import is_uid


@dataclass(frozen=True)
class ImageReference:
    """An image of the scan.

    Attributes:
        sop_class: SOP Class UID (0008,0016).
        sop_uid: SOP Instance UID (0008,0018).
        series_uid: Series Instance UID (0020,000E).
        frame: Number of the frame, from 1; None where the file has a single one.
    """

    sop_class: str
    sop_uid: str
    series_uid: str
    frame: int | None = None

    @property
    def frames(self) -> list[int] | None:
        """As highdicom takes it."""
        return None if self.frame is None else [self.frame]

    @property
    def whole(self) -> "ImageReference":
        """All frames of its file."""
        return ImageReference(self.sop_class, self.sop_uid, self.series_uid)

    def item(self) -> Dataset:
        """Of an Image SOP Instance Reference macro (PS3.3 table 10-3)."""
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = self.sop_class, self.sop_uid
        if self.frame is not None:
            item.ReferencedFrameNumber = self.frame
        return item


@dataclass(frozen=True)
class Source:
    """A scored scan as its files say it.

    Attributes:
        headers: (n,) of the scored slices.
        images: (n,) likewise.
        patient_study: Elements of the Patient and Study modules, cleaned.
        study_uid: Study Instance UID (0020,000D).
        lossy: What is derived of these images says of lossy compression: (0028,2110), and ratio and method if known.
    """

    headers: tuple[SliceHeader, ...]
    images: tuple[ImageReference, ...]
    patient_study: Dataset
    study_uid: str
    lossy: Dataset

    @property
    def geometry(self) -> Geometry:
        """Of the scored slices."""
        return Geometry(self.headers)

    @property
    def instances(self) -> tuple[ImageReference, ...]:
        """Files, each once, in the order of their first slice."""
        return tuple(dict.fromkeys(image.whole for image in self.images))

    @property
    def frame_of_reference(self) -> str:
        """Frame of Reference UID (0020,0052) that all slices share; "" where they share none, and of radiographs."""
        uids = {header.frame_of_reference_uid for header in self.headers}
        shared = uids.pop() if len(uids) == 1 else ""
        return shared if self.headers[0].modality.is_stack and is_uid(shared) else ""

    def elements(self, index: int) -> Dataset:
        """Header of the file of a slice, read again. Raises as `read_header_elements`."""
        return read_header_elements(self.headers[index].path)[0]


def read_source(headers: Sequence[SliceHeader]) -> Source:
    """Read what results need of the files of scored slices; no pixels.

    Args:
        headers: At least one.

    Raises:
        DicomError: A file is gone, is another than was scored, or has a UID that no archive could keep.
        PacsError: The slices are of several studies: their results would belong to none.
    """
    studies = {header.study_uid for header in headers}
    if len(studies) > 1:
        raise PacsError(
            "a scan whose slices are of several studies gets no results: they would belong to none of them",
            received=f"{len(studies)} studies", remedy="give each study a series of its own",
        )  # fmt: skip
    images: list[ImageReference] = []
    first: Dataset | None = None
    for path, group in groupby(headers, key=lambda header: header.path):
        elements = read_header_elements(path)[0]
        first = elements if first is None else first
        images += _references(elements, path, list(group))
    if first is None:
        raise PacsError("no slice of this scan was scored, so there is nothing to say of it")
    study = _required_uid(first, "StudyInstanceUID", headers[0].path)
    lossy = lossy_history(first, any(header.lossy for header in headers))
    return Source(tuple(headers), tuple(images), patient_and_study(first), study, lossy)


def grouped_by_series(images: Iterable[ImageReference]) -> Iterator[tuple[str, list[ImageReference]]]:
    """Images under their series, both in the order of their first occurrence, each image once."""
    found: dict[str, dict[ImageReference, None]] = {}
    for image in images:
        found.setdefault(image.series_uid, {})[image] = None
    for series, members in found.items():
        yield series, list(members)


def _references(elements: Dataset, path: Path, headers: Sequence[SliceHeader]) -> Iterator[ImageReference]:
    sop_class, sop_uid, series_uid = (
        _required_uid(elements, keyword, path) for keyword in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID")
    )
    try:
        several = frame_count(elements, path) > 1
    except PARSE_ERRORS:
        raise DicomError(CHANGED, where=path, remedy="score the scan again") from None
    for header in headers:
        if (header.sop_uid, header.series_uid) != (sop_uid, series_uid):
            raise DicomError(CHANGED, where=path, remedy="score the scan again")
        yield ImageReference(sop_class, sop_uid, series_uid, header.frame + 1 if several else None)


def _required_uid(elements: Dataset, keyword: str, path: Path) -> str:
    uid = text_of(elements, keyword)
    if not is_uid(uid):
        raise HeaderError(
            "no UID: results cannot refer to this image", where=path, element=element(keyword),
            received=f"{len(uid)} characters", remedy="give the file a valid UID, and send it again",
        )  # fmt: skip
    return uid
