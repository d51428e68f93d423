"""Slices grouped into series and sorted by geometry; one bad file never stops a folder."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medfake.dicom.contrast_groups import MIXED, repeats_a_place
from medfake.dicom.folders import Skipped, order_in_walk, walk_folders
from medfake.dicom.grouping import group_slices, has_odd_series_uid
from medfake.dicom.header import SliceHeader, read_headers
from medfake.dicom.header_cache import HeaderCache, Result, Stamp, stamp_of
from medfake.dicom.instances import REPEATED, once_each, share_a_uid
from medfake.dicom.projection import RAW
from medfake.dicom.quiet import quiet_pydicom
from medfake.errors import DicomError, SourceError
from medfake.logs import redact, register_identifier
from medfake.progress import track
from medfake.vocabulary import Modality, QualityFlag

CHANGED = "the file changed while it was read"
_TOLD = 3  # reasons
_CHUNK = 64  # files that a process reads at a time
_WORTH_PROCESSES = 512  # files; reading fewer takes no longer than starting processes does
GAP_FACTOR = 1.5  # a step this many times the median step is a gap
SAME_PLACE_MM = 0.01
SAME_THICKNESS = 1e-3  # relative; thickness is a rounded decimal string
_ANOTHER = "(0008,0060) Modality: {}, and {} is looked for"
_PLANES = ("sagittal", "coronal", "axial")  # by the axis of the patient that the normal is nearest to
_IN_PLANE = 0.9  # cosine of the normal with that axis, 26 degrees: heads and hearts are tilted by less than that
TILT_COSINE = 0.999  # |cosine| between the slice normal and the direction in which slices advance; 2.6 degrees


@dataclass(frozen=True)
class Series:
    """One scan of one folder: slices sorted along their normal, ascending; or a radiograph alone.

    Attributes:
        folder: Where the files lie.
        headers: One a slice.
        quality_flags: Sorted words of `QualityFlag`.
    """

    folder: Path
    headers: tuple[SliceHeader, ...]
    quality_flags: tuple[str, ...]

    @property
    def modality(self) -> Modality:
        """What made it; its slices have one."""
        return self.headers[0].modality

    @property
    def plane(self) -> str:
        """axial, coronal, sagittal or oblique; "projection" of a radiograph."""
        if not self.modality.is_stack:
            return "projection"
        cosines = np.abs(_normal(self.headers[0]))
        return _PLANES[int(cosines.argmax())] if cosines.max() >= _IN_PLANE else "oblique"

    @property
    def z_mm(self) -> NDArray[np.float64]:
        """(slices,) positions along the normal, mm, ascending."""
        return positions_along_normal(self.headers)

    @property
    def identity(self) -> str:
        """What tells scans apart, raw identifiers included.

        One folder may hold a series UID twice, as axial and as reformatted slices, or slices without one.
        """
        first = self.headers[0]
        series: tuple[object, ...] = (first.series_uid,)
        if has_odd_series_uid(self.headers):
            numbers = (first.series_number, first.acquisition_number)
            series = (first.study_uid, first.frame_of_reference_uid, *numbers, first.sop_uid)
        geometry = (first.rows, first.cols, first.spacing_mm, first.orientation)
        return f"{first.path.resolve().parent}#{series}#{geometry}{self.apart}"

    @property
    def apart(self) -> str:
        """What tells scans of one series UID and geometry apart: contrasts of MR, images of X-ray; "" of CT."""
        first = self.headers[0]
        if not self.modality.is_stack:
            return f"#{first.sop_uid}/{first.path.name}/{first.frame}"
        return f"#{first.contrast.said}" if self.modality is Modality.MR else ""

    def z_index(self, sop_uid: str, frame: int = 0) -> int | None:
        """Index of the slice with this SOP Instance UID (0008,0018); None where none or several have it."""
        found = [
            index for index, header in enumerate(self.headers) if (header.sop_uid, header.frame) == (sop_uid, frame)
        ]
        return found[0] if len(found) == 1 else None

    @property
    def spacing_zyx_mm(self) -> tuple[float, float, float]:
        """Median distance of slices, then of rows and columns, mm; a single slice counts its thickness."""
        first = self.headers[0]
        steps = np.diff(self.z_mm)
        steps = steps[steps > SAME_PLACE_MM]
        between = float(np.median(steps)) if len(steps) else (first.thickness_mm or 1.0)
        return (between, *first.spacing_mm)


def find_series(
    root: Path, jobs: int = 1, cache: HeaderCache | None = None, modality: Modality | None = Modality.CT
) -> tuple[list[Series], list[Skipped]]:
    """Find every series of a modality below a folder (or in a single file); headers only.

    A scan is a (folder, series) pair: the same series UID in two folders makes two series. Symbolic links below `root`
    are not followed, so that no slice counts twice and nothing outside is read; they are listed as skipped.

    Args:
        root: Folder or file; may itself be a link.
        jobs: Processes that read headers; the result does not depend on it.
        cache: Headers read before; only files that changed since are read again.
        modality: What is looked for, others are skipped with the reason; None for all that are read.

    Returns:
        Series in the order of folder and first file, and whatever belongs to none (files, links, folders that may not
        be listed), with the reason, in the order of folder and name.

    Raises:
        SourceError: There is nothing at `root`.
    """
    paths, skipped = _files(root)
    series, left_out = series_of(paths, jobs, cache, modality=modality)
    return series, sorted(skipped + left_out, key=lambda one: order_in_walk(one.path))


def series_of(
    paths: Sequence[Path],
    jobs: int = 1,
    cache: HeaderCache | None = None,
    *,
    tell: bool = True,
    modality: Modality | None = None,
) -> tuple[list[Series], list[Skipped]]:
    """Group files into series; headers only.

    Args:
        paths: Files, each once.
        jobs: Processes that read headers, from 512 files on; the result does not depend on it.
        cache: Headers read before; only files that changed since are read again.
        tell: Whether to show how far reading is.
        modality: As of `find_series`.

    Returns:
        Series in the order of their first file, and files that belong to none, with the reason.
    """
    results = _read_paths(paths, jobs, cache, tell=tell)
    skipped = [Skipped(path, result) for path, result in results.items() if isinstance(result, str)]
    headers = [header for result in results.values() if not isinstance(result, str) for header in result]
    for header in headers:
        register_identifier(header.patient_id)  # a worker's register ends with the worker
    wanted = [header for header in headers if modality in (None, header.modality)]
    others = {header.path: header.modality for header in headers if modality not in (None, header.modality)}
    skipped += [Skipped(path, _ANOTHER.format(found.image, modality)) for path, found in others.items()]
    series, left_out = group_series(wanted)
    return series, skipped + left_out


def group_series(headers: Iterable[SliceHeader]) -> tuple[list[Series], list[Skipped]]:
    """Put slices together that make a series, each image once.

    Args:
        headers: Of any files.

    Returns:
        Series in the order of their first header, slices sorted along the normal; files that repeat an image, and
        images of MR whose contrasts cannot be told apart, frames of a file each as "file#frame".
    """
    images, repeated = once_each(headers)
    skipped = [Skipped(path, REPEATED) for path in dict.fromkeys(header.path for header in repeated)]
    used = {header.path for header in images}
    skipped = [one for one in skipped if one.path not in used]
    groups = group_slices(images)
    mixed = [group[0].modality is Modality.MR and repeats_a_place(group) for group in groups]
    skipped += [Skipped(_frame_path(header), MIXED) for group in compress(groups, mixed) for header in group]
    series = [_series(group) for group, several in zip(groups, mixed, strict=True) if not several]
    return _told_of_shared_uids(series), skipped


def told_reasons(skipped: Sequence[Skipped]) -> str:
    """Why files are in no series, the most frequent reasons with their number."""
    counts = Counter(one.reason for one in skipped)
    told = [f"{number} x {reason}" for reason, number in counts.most_common(_TOLD)]
    more = f"; and {len(counts) - _TOLD} more reasons" if len(counts) > _TOLD else ""
    return "; ".join(told) + more or "an empty folder"


def positions_along_normal(headers: Iterable[SliceHeader]) -> NDArray[np.float64]:
    """(slices,) dot product of Image Position (Patient) and the slice normal, mm (PS3.3 C.7.6.2.1.1)."""
    listed = list(headers)
    normal = _normal(listed[0])
    return np.array([np.dot(header.position_mm, normal) for header in listed])


def _files(root: Path) -> tuple[list[Path], list[Skipped]]:
    """What to read, in order, and what is not even opened."""
    if not root.exists():
        raise SourceError("there is no such file or folder", where=root, remedy="check the path")
    if not root.is_dir():
        return [root], []
    folders = list(walk_folders(root))
    return [path for one in folders for path in one.files], [other for one in folders for other in one.left_out]


def _read_paths(paths: Sequence[Path], jobs: int, cache: HeaderCache | None, *, tell: bool) -> dict[Path, Result]:
    """Headers of every file, or why it has none, in the order of the paths."""
    known = cache.known(paths) if cache else {}
    unknown = [path for path in paths if path not in known]
    chunks = [unknown[start : start + _CHUNK] for start in range(0, len(unknown), _CHUNK)]
    read = _in_processes(chunks, jobs) if jobs != 1 and len(unknown) >= _WORTH_PROCESSES else map(_read_all, chunks)
    told = track(read, f"reading {len(unknown)} headers", len(chunks)) if tell else read
    for chunk, results in zip(chunks, told, strict=True):
        known |= {path: result for path, (_, result) in zip(chunk, results, strict=True)}
        if cache:
            cache.keep({
                path: (stamp, result) for path, (stamp, result) in zip(chunk, results, strict=True)
                if stamp is not None and result != CHANGED
            })  # fmt: skip
    return {path: known[path] for path in paths}


def _in_processes(chunks: list[list[Path]], jobs: int) -> Iterable[list[tuple[Stamp | None, Result]]]:
    from joblib import Parallel, delayed

    results: Iterable[list[tuple[Stamp | None, Result]]] = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(_read_all)(chunk) for chunk in chunks
    )
    return results


def _read_all(paths: list[Path]) -> list[tuple[Stamp | None, Result]]:
    with quiet_pydicom():  # once for all: each change of a level empties the caches of all loggers there are
        return [_read(path) for path in paths]


def _read(path: Path) -> tuple[Stamp | None, Result]:
    before = stamp_of(path)
    result: Result
    try:
        result = read_headers(path)
    except DicomError as error:
        result = redact(error.reason)
    return before, result if stamp_of(path) == before else CHANGED


def _series(headers: Sequence[SliceHeader]) -> Series:
    reference = min(headers, key=lambda header: header.orientation)  # whatever comes first
    normal = _normal(reference)

    def place(header: SliceHeader) -> tuple[float, str, int]:
        return float(np.dot(header.position_mm, normal)), header.sop_uid, header.frame

    ordered = tuple(sorted(headers, key=place))  # slices of one place by their UIDs: a file's name means nothing
    return Series(ordered[0].path.parent, ordered, tuple(sorted(_flags(ordered))))


def _told_of_shared_uids(series: list[Series]) -> list[Series]:
    """A radiograph is a scan of its own, so that images that share a UID are several."""
    uids = Counter((one.folder, one.headers[0].sop_uid, one.headers[0].frame)
                   for one in series if not one.modality.is_stack and one.headers[0].sop_uid)  # fmt: skip
    return [
        replace(one, quality_flags=tuple(sorted({*one.quality_flags, QualityFlag.INSTANCE})))
        if not one.modality.is_stack and uids[one.folder, one.headers[0].sop_uid, one.headers[0].frame] > 1
        else one
        for one in series
    ]


def _frame_path(header: SliceHeader) -> Path:
    return header.path.with_name(f"{header.path.name}#{header.frame}") if header.frame else header.path


def _flags(headers: tuple[SliceHeader, ...]) -> set[QualityFlag]:
    flags = set()
    if any(header.projection.intent == RAW for header in headers):
        flags.add(QualityFlag.RAW)
    if any(header.projection.sign and _contradicts_display(header) for header in headers):
        flags.add(QualityFlag.POLARITY)
    steps = np.diff(positions_along_normal(headers))
    if (steps <= SAME_PLACE_MM).any():
        flags.add(QualityFlag.DUPLICATE)
    steps = steps[steps > SAME_PLACE_MM]
    if len(steps) and steps.max() > GAP_FACTOR * np.median(steps):
        flags.add(QualityFlag.GAP)
    way = np.subtract(headers[-1].position_mm, headers[0].position_mm)
    length = float(np.linalg.norm(way))
    if length > SAME_PLACE_MM and abs(np.dot(way / length, _normal(headers[0]))) < TILT_COSINE:
        flags.add(QualityFlag.TILT)
    if _is_mixed(headers):
        flags.add(QualityFlag.MIXED)
    if has_odd_series_uid(headers):
        flags.add(QualityFlag.SERIES)
    if share_a_uid(headers):
        flags.add(QualityFlag.INSTANCE)
    return flags


def _contradicts_display(header: SliceHeader) -> bool:
    """Whether dense things are shown as air is: Photometric Interpretation speaks of values once they are rescaled."""
    return (header.dense_is_dark == (header.slope > 0)) != header.monochrome1


def _is_mixed(headers: Sequence[SliceHeader]) -> bool:
    """Whether a stack holds more than one acquisition, reconstruction or patient.

    Acquisition Number (0020,0012) and Frame of Reference UID (0020,0052) say nothing where each slice has its own: some
    scanners count each turn, some anonymisers make a new UID a file.
    """
    shared = {
        (header.patient_id, header.study_uid, header.series_number, header.manufacturer, header.model, header.kernel,
         header.image_type[:2])
        for header in headers
    }  # fmt: skip
    acquisitions = {header.acquisition_number for header in headers}
    frames = {header.frame_of_reference_uid for header in headers}
    several = any(1 < len(values) < len(headers) for values in (acquisitions, frames))
    known = [header.thickness_mm for header in headers if header.thickness_mm is not None]
    thick = 0 < len(known) < len(headers) or (bool(known) and max(known) - min(known) > SAME_THICKNESS * max(known))
    return len(shared) > 1 or several or thick


def _normal(header: SliceHeader) -> NDArray[np.float64]:
    normal = np.cross(header.orientation[:3], header.orientation[3:])
    length = float(np.linalg.norm(normal))
    normal = normal / length if length > 0 else np.array([0.0, 0.0, 1.0])
    return normal if normal[np.argmax(np.abs(normal))] > 0 else -normal
