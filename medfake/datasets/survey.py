"""What is in a folder of scans: kind, scanners, labels and faults, from names and headers alone."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from medfake.datasets.reading import SourceRules, missing_source, read_source
from medfake.datasets.sources.registry import SOURCES, Problem
from medfake.dicom.header_cache import HeaderCache
from medfake.files import path_text
from medfake.vocabulary import Modality


@dataclass(frozen=True)
class Survey:
    """Facts about a folder of scans; no identifiers.

    Attributes:
        sites: Labelled places by type: FM, FB, TM.
        thickness_mm: Scans by slice thickness; likewise the others below it.
        skipped: Files that belong to no scan, by reason.
        problems: Faults, each with what would be done about it.
        notes: What is no fault and still must be said.
    """

    path: str
    kind: str
    scans: int
    patients: int
    slices: int
    modalities: dict[str, int]
    manipulations: dict[str, int]
    sites: dict[str, int]
    makers: dict[str, int]
    kernels: dict[str, int]
    thickness_mm: dict[str, int]
    spacing_mm: dict[str, int]
    sizes: dict[str, int]
    transfer_syntaxes: dict[str, int]
    skipped: dict[str, int]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """As plain values."""
        return asdict(self)


def survey(root: Path, kind: str | None = None, jobs: int = 1, cache: HeaderCache | None = None) -> Survey:
    """Look at a folder without decoding a pixel.

    Args:
        root: Folder of scans.
        kind: A kind of source; recognised by looking when left out.
        jobs: Processes that read headers.
        cache: Headers read before.

    Raises:
        SourceError: There is no such folder, or no series in it.
        LabelError: A label file lacks a column.
    """
    if not root.is_dir():
        raise missing_source(root, kind)
    kind = kind or recognise(root)
    modality = None if SOURCES[kind].catch_all else Modality.CT  # public sets are of CT, whatever lies beside it
    rules = SourceRules(unknown_labels="leave_out", modality=modality)
    reading = read_source(kind, root, jobs, cache, rules)
    if reading.unknown:
        what = f"names in them that no scan has: {len(reading.unknown)}"
        reading.problems.insert(0, Problem("label files", what, "dvc repro stops, unless unknown_labels is leave_out"))
    scans = reading.scans
    firsts = [scan.series.headers[0] for scan in scans]
    return Survey(
        path=path_text(root),
        kind=kind,
        scans=len(scans),
        patients=len({scan.group for scan in scans}),
        slices=sum(len(scan.series.headers) for scan in scans),
        modalities=_counted(scan.series.modality for scan in scans),
        manipulations=_counted(scan.manipulation for scan in scans),
        sites=_counted(site.kind for scan in scans for site in scan.sites),
        makers=_counted(f"{first.manufacturer} {first.model}".strip() or "unknown" for first in firsts),
        kernels=_counted(first.kernel or "unknown" for first in firsts),
        thickness_mm=_counted(
            "unknown" if first.thickness_mm is None else f"{first.thickness_mm:g}" for first in firsts
        ),
        spacing_mm=_counted(f"{first.spacing_mm[0]:.2f}" for first in firsts),
        sizes=_counted(f"{one.rows} x {one.cols}" for one in firsts),
        transfer_syntaxes=_counted(_syntax(first.transfer_syntax) for first in firsts),
        skipped=_counted(one.reason for one in reading.skipped),
        problems=tuple(reading.problems),
        notes=tuple(reading.notes),
    )


def recognise(root: Path) -> str:
    """Kind of a tree, by the names in it."""
    order = sorted(SOURCES.values(), key=lambda one: (one.catch_all, one.kind))
    return next(one.kind for one in order if one.looks_like(root))


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items(), key=lambda item: (-item[1], item[0])))


def _syntax(uid: str) -> str:
    from pydicom.uid import UID

    return UID(uid).name
