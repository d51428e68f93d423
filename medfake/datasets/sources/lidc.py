"""LIDC-IDRI as The Cancer Imaging Archive gives it out: any folder depth, several series a patient."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from medfake.datasets.sources.label_files import is_label_file
from medfake.datasets.sources.nodules import NodulePlace, Nodules, read_nodules
from medfake.datasets.sources.registry import Find, Problem, Reading, SourceScan, SourceSite, source
from medfake.dicom.patients import patient_or_folder
from medfake.errors import LabelError, SourceError
from medfake.files import path_text
from medfake.vocabulary import LabelCode

if TYPE_CHECKING:
    from medfake.dicom.series import Series


def _looks_like_lidc(root: Path) -> bool:
    return root.name.upper().startswith("LIDC") or next(root.glob("**/LIDC-IDRI-[0-9]*"), None) is not None


@source(
    "lidc",
    _looks_like_lidc,
    min_slices=3,  # fewer are scouts and stray images
    origin="the collection LIDC-IDRI from The Cancer Imaging Archive (cancerimagingarchive.net), with its data "
    "retriever and under its terms of use",
)
def read_lidc(root: Path, find: Find) -> Reading:
    """Read the tree; DX and CR are skipped, the patient is the header's PatientID.

    Nodules that the readers outlined, in the XML beside the DICOM, become sites of type TM: real nodules.

    Raises:
        SourceError: No CT series at all.
        LabelError: A label file lies there: this kind reads none, and every scan would count as real.
    """
    from medfake.dicom.series import told_reasons

    series, skipped = find(root)
    labels = next((one.path for one in skipped if is_label_file(one.path)), None)
    if labels is not None:
        raise LabelError(
            "kind lidc reads no label file, and all of its scans would count as real", where=path_text(labels),
            remedy="set kind: folder (or ct_gan) beside the path in params.yaml, or move the file elsewhere",
        )  # fmt: skip
    xml = [one for one in skipped if one.path.suffix.lower() == ".xml"]
    reading = Reading([], [one for one in skipped if one not in xml])
    nodules = _nodules([one.path for one in xml], reading)
    for one in sorted(series, key=lambda one: _order(one, root)):
        first = one.headers[0]
        group = patient_or_folder(first.patient_id, path_text(one.folder.relative_to(root)))
        key = "/".join(map(str, _order(one, root)))
        scan = SourceScan(one, "LIDC-IDRI", key, group)
        of_scan = nodules.get(first.series_uid, [])
        reading.scans.append(_annotated(scan, of_scan) if of_scan else scan)
    if not reading.scans:
        raise SourceError(
            "no CT series below this folder", where=root, received=told_reasons(skipped),
            remedy="point the path at the folder that holds the LIDC-IDRI patients",
        )  # fmt: skip
    return reading


def _order(series: Series, root: Path) -> tuple[object, ...]:
    """Names of a series that no download changes; the folder only where the header names no patient."""
    first = series.headers[0]
    patient = patient_or_folder(first.patient_id, path_text(series.folder.relative_to(root)))
    return patient, first.study_uid, first.series_uid, first.rows, first.cols, *first.position_mm


def _nodules(paths: list[Path], reading: Reading) -> dict[str, list[Nodules]]:
    """Annotations by series UID; an XML file that is none of LIDC's is skipped, one that is broken is a problem."""
    from medfake.dicom.folders import Skipped

    of_series: dict[str, list[Nodules]] = {}
    for path in paths:
        try:
            found = read_nodules(path)
        except LabelError as error:
            reading.problems.append(Problem(path_text(Path(path.name)), error.what, "its nodules are not used"))
            continue
        if found is None:
            reading.skipped.append(Skipped(path, "no LIDC nodule annotation"))
        else:
            of_series.setdefault(found.series_uid, []).append(found)
    return of_series


def _annotated(scan: SourceScan, found: list[Nodules]) -> SourceScan:
    """A scan with what readers drew in it; an annotation without a nodule says that there is none.

    Where something was drawn beside the image or on a slice that is not there, nobody knows which slices show it.
    """
    index = {header.sop_uid: at for at, header in enumerate(scan.series.headers)}
    first = scan.series.headers[0]
    places = [place for one in found for place in one.places]
    marked = {uid for one in found for uid in one.marked}
    inside = [one for one in places if one.sop_uid in index and 0 <= one.y < first.rows and 0 <= one.x < first.cols]
    drawn = marked.union(*(place.outlined for place in places))
    return replace(
        scan,
        sites=tuple(
            SourceSite(LabelCode.TM, index[one.sop_uid], one.y, one.x, reach=_reach(one, index)) for one in inside
        ),
        annotated=len(inside) == len(places) and drawn <= index.keys(),
        marked=frozenset(index[uid] for uid in marked & index.keys()),
    )


def _reach(place: NodulePlace, index: dict[str, int]) -> tuple[int, int]:
    outlined = [index[uid] for uid in place.outlined if uid in index]
    return min(outlined), max(outlined)
