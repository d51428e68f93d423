"""What results take from the files of a scored scan: references, patient and study, the frame of reference."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from pydicom.dataset import Dataset

from medfake.dicom.fields import element
from medfake.dicom.header import SliceHeader
from medfake.dicom.parse import PARSE_ERRORS, read_header_elements
from medfake.dicom.pixel_size import frame_count
from medfake.dicom.series import CHANGED
from medfake.errors import DicomError, HeaderError, PacsError
from medfake.pacs.results.display import Display, display_of
from medfake.pacs.results.geometry import Geometry
from medfake.pacs.results.image_statements import ImageStatements, statements_of
from medfake.pacs.results.patient_study import patient_and_study
from medfake.pacs.results.uids import is_uid
from medfake.pacs.results.values import first_of, long_string, text_of


@dataclass(frozen=True)
class ImageReference:
    """An image of the scan.

    Attributes:
        sop_class: SOP Class UID (0008,0016).
        sop_uid: SOP Instance UID (0008,0018).
        series_uid: Series Instance UID (0020,000E).
        frames: Numbers of frames, from 1, ascending; empty where all are meant, or the file has a single one.
    """

    sop_class: str
    sop_uid: str
    series_uid: str
    frames: tuple[int, ...] = ()

    @property
    def listed(self) -> list[int] | None:
        """Frames as highdicom takes them."""
        return list(self.frames) or None

    @property
    def whole(self) -> "ImageReference":
        """All frames of its file."""
        return ImageReference(self.sop_class, self.sop_uid, self.series_uid)

    def item(self) -> Dataset:
        """Of an Image SOP Instance Reference macro (PS3.3 table 10-3)."""
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = self.sop_class, self.sop_uid
        if self.frames:
            item.ReferencedFrameNumber = list(self.frames)
        return item


@dataclass(frozen=True)
class Source:
    """A scored scan as its files say it.

    Attributes:
        headers: (n,) of the scored slices.
        images: (n,) likewise.
        statements: (n,) what they say of themselves.
        displays: (n,) how they are shown; None where a presentation state cannot say it.
        patient_study: Elements of the Patient and Study modules, cleaned.
        study_uid: Study Instance UID (0020,000D).
        position_reference: Position Reference Indicator (0020,1040), which comes with the frame of reference.
        whole_files: SOP Instance UIDs of the files of which each frame was scored.
    """

    headers: tuple[SliceHeader, ...]
    images: tuple[ImageReference, ...]
    statements: tuple[ImageStatements, ...]
    displays: tuple[Display | None, ...]
    patient_study: Dataset
    study_uid: str
    position_reference: str
    whole_files: frozenset[str]

    @property
    def geometry(self) -> Geometry:
        """Of the scored slices."""
        return Geometry(self.headers)

    @property
    def instances(self) -> tuple[ImageReference, ...]:
        """Files, each once, in the order of their first slice, with frames where others of the file were not scored."""
        return tuple(
            image.whole if image.sop_uid in self.whole_files else image for image in merged_by_file(self.images)
        )

    @property
    def frame_of_reference(self) -> str:
        """Frame of Reference UID (0020,0052) that all slices share; "" where they share none, and of radiographs."""
        uids = {header.frame_of_reference_uid for header in self.headers}
        shared = uids.pop() if len(uids) == 1 else ""
        return shared if self.headers[0].modality.is_stack and is_uid(shared) else ""

    def digest(self) -> str:
        """SHA-256 of all that results may say of these files, pixels apart; of no file's name."""
        slices = [
            (one.rows, one.cols, one.position_mm, one.orientation, one.spacing_mm, one.thickness_mm, one.slope,
             one.intercept, one.monochrome1, one.signed, one.padding, one.frame_of_reference_uid, one.synthetic,
             one.contrast.said)
            for one in self.headers
        ]  # fmt: skip
        displays = {one: sha256(repr(one).encode()).hexdigest() for one in dict.fromkeys(self.displays)}
        shown = [displays[one] for one in self.displays]
        files = (self.images, self.statements, shown, self.study_uid, self.position_reference, sorted(self.whole_files))
        said = (slices, files, [(int(one.tag), str(one.value)) for one in self.patient_study])
        return sha256(repr(said).encode()).hexdigest()


def read_source(headers: Sequence[SliceHeader]) -> Source:
    """Read what results need of the files of scored slices; no pixels.

    Args:
        headers: At least one.

    Raises:
        DicomError: A file is gone, is another than was scored, or has a UID that no archive could keep.
        PacsError: The slices are of several studies or patients: their results would belong to none.
    """
    _require_one({header.study_uid for header in headers}, "studies")
    _require_one({header.patient_id.strip() for header in headers}, "patients")
    if not headers:
        raise PacsError("no slice of this scan was scored, so there is nothing to say of it")
    by_file: dict[Path, list[int]] = {}  # each is read once, however files of many frames lie between each other
    for index, header in enumerate(headers):
        by_file.setdefault(header.path, []).append(index)
    images: dict[int, ImageReference] = {}
    statements: dict[int, ImageStatements] = {}
    displays: dict[int, Display | None] = {}
    kept: dict[Display | None, Display | None] = {}  # of thousands of slices with one table it is kept once
    frames: dict[str, int] = {}
    first = read_header_elements(headers[0].path)[0]
    for path, indices in by_file.items():
        elements = first if path == headers[0].path else read_header_elements(path)[0]
        references, count = _references(elements, path, [headers[index] for index in indices])
        images |= zip(indices, references, strict=True)
        frames[references[0].sop_uid] = count
        for index in indices:
            display = display_of(headers[index], elements)
            statements[index], displays[index] = (
                statements_of(headers[index], elements),
                kept.setdefault(display, display),
            )
    scored = Counter(image.sop_uid for image in images.values())
    order = range(len(headers))
    return Source(
        headers=tuple(headers),
        images=tuple(images[index] for index in order),
        statements=tuple(statements[index] for index in order),
        displays=tuple(displays[index] for index in order),
        patient_study=patient_and_study(first),
        study_uid=_required_uid(first, "StudyInstanceUID", headers[0].path),
        position_reference=long_string(first_of(first, "PositionReferenceIndicator")),
        whole_files=frozenset(uid for uid, count in frames.items() if scored[uid] >= count),
    )


def merged_by_file(images: Iterable[ImageReference]) -> Iterator[ImageReference]:
    """Images under their file, each once with all frames that are named, in the order of their first."""
    found: dict[ImageReference, set[int]] = {}
    for image in images:
        found.setdefault(image.whole, set()).update(image.frames)
    for file, frames in found.items():
        yield replace(file, frames=tuple(sorted(frames)))


def grouped_by_series(images: Iterable[ImageReference]) -> Iterator[tuple[str, list[ImageReference]]]:
    """Images under their series, both in the order of their first occurrence, each image once."""
    found: dict[str, dict[ImageReference, None]] = {}
    for image in images:
        found.setdefault(image.series_uid, {})[image] = None
    for series, members in found.items():
        yield series, list(members)


def _require_one(found: Collection[str], what: str) -> None:
    if len(found) > 1:
        raise PacsError(
            f"a scan whose slices are of several {what} gets no results: they would belong to none of them",
            received=f"{len(found)} {what}", remedy="give each a series of its own",
        )  # fmt: skip


def _references(elements: Dataset, path: Path, headers: Sequence[SliceHeader]) -> tuple[list[ImageReference], int]:
    """Of slices of one file, and how many frames it has."""
    sop_class, sop_uid, series_uid = (
        _required_uid(elements, keyword, path) for keyword in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID")
    )
    try:
        count = frame_count(elements, path)
    except PARSE_ERRORS:
        raise DicomError(CHANGED, where=path, remedy="score the scan again") from None
    for header in headers:
        if (header.sop_uid, header.series_uid) != (sop_uid, series_uid):
            raise DicomError(CHANGED, where=path, remedy="score the scan again")
    return [
        ImageReference(sop_class, sop_uid, series_uid, (header.frame + 1,) if count > 1 else ()) for header in headers
    ], count


def _required_uid(elements: Dataset, keyword: str, path: Path) -> str:
    uid = text_of(elements, keyword)
    if not is_uid(uid):
        raise HeaderError(
            "no UID: results cannot refer to this image", where=path, element=element(keyword),
            received=f"{len(uid)} characters", remedy="give the file a valid UID, and send it again",
        )  # fmt: skip
    return uid
