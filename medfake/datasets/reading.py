"""One source read by its rules: short series left out, labels that name no scan settled, faults told."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from medfake.config import UnknownLabels
from medfake.datasets.source_files import relative_text
from medfake.datasets.sources.registry import SOURCES, Problem, Reading, SourceScan
from medfake.dicom.folders import Skipped
from medfake.dicom.header_cache import HeaderCache
from medfake.dicom.patients import is_placeholder
from medfake.dicom.series import CHANGED, find_series
from medfake.errors import LabelError, SourceError
from medfake.files import path_text
from medfake.vocabulary import Modality, QualityFlag

_EXAMPLES = 10
_NO_FAULTS = {QualityFlag.TILT, QualityFlag.RAW}
_FAULTS = ("permission denied", "the folder cannot be listed", CHANGED)


@dataclass(frozen=True)
class SourceRules:
    """What is asked of a source.

    Attributes:
        min_slices: Shorter series are left out; None for what the kind of source says.
        unknown_labels: What a row of a label file that names no scan does: stop, or leave out, with itself, every scan
            that it may mean.
        modality: Of the scans; others are skipped with the reason. None for all that are read.
    """

    min_slices: int | None = None
    unknown_labels: UnknownLabels = "stop"
    modality: Modality | None = Modality.CT


def read_source(
    kind: str, root: Path, jobs: int, cache: HeaderCache | None = None, rules: SourceRules | None = None
) -> Reading:
    """Read a tree; what its scans show (gaps, repeated slices) counts among its problems.

    Raises:
        SourceError: The folder is missing or holds nothing of its kind that is long enough.
        LabelError: A label file lacks a column, or names scans that are not there, and the rules say to stop.
    """
    rules = rules or SourceRules()
    source = SOURCES[kind]
    if not root.is_dir():
        raise missing_source(root, kind)
    reading = source.read(root, partial(find_series, jobs=jobs, cache=cache, modality=rules.modality))
    if reading.unknown:
        if rules.unknown_labels == "stop":
            raise _unknown_labels(root, reading)
        _leave_out_doubtful(reading)
    _leave_out_short(reading, root, source.min_slices if rules.min_slices is None else rules.min_slices)
    _tell_anonymous(reading, root)
    faults = [one for one in reading.skipped if one.reason in _FAULTS]
    reading.problems.extend(Problem(relative_text(one.path, root), one.reason, "it is left out") for one in faults)
    for scan in reading.scans:
        where = relative_text(scan.series.folder, root)
        flags = {QualityFlag(flag) for flag in scan.series.quality_flags} - _NO_FAULTS
        reading.problems.extend(
            Problem(where, one.sentence, "the scan is used as it is and flagged") for one in sorted(flags)
        )
    return reading


def missing_source(root: Path, kind: str | None = None) -> SourceError:
    """The error for a folder that is not there: where public sets are to be had, and where they belong.

    Args:
        root: The folder.
        kind: Kind of its tree; None where that is not known.
    """
    origins = {one.kind: one.origin for one in SOURCES.values() if one.origin and kind in (one.kind, None)}
    get = [f"for {name} get {origin}" for name, origin in origins.items()] if kind is None else list(origins.values())
    there = f", and unpack it into {path_text(root)}" if get else ""
    fetch = f"{'' if kind is None else 'get '}{'; '.join(get)}{there}; or " if get else ""
    return SourceError(
        "the source folder is missing", where=path_text(root),
        remedy=f"{fetch}mend the path, which is datasets.<name>.<reals|fakes>.path in params.yaml",
    )  # fmt: skip


def _unknown_labels(root: Path, reading: Reading) -> LabelError:
    examples = [f"{one.problem.where}: {one.problem.what}" for one in reading.unknown[:_EXAMPLES]]
    more = len(reading.unknown) - _EXAMPLES
    return LabelError(
        f"names in label files that no scan has: {len(reading.unknown)}; a scan without its rows would count as real",
        where=root,
        received="; ".join(examples) + (f"; and {more} more" if more > 0 else ""),
        remedy="mend the names; or set unknown_labels: leave_out beside the path in params.yaml: it leaves out these "
        "rows and every scan that they may mean",
    )


def _leave_out_doubtful(reading: Reading) -> None:
    for one in reading.unknown:
        doubtful = [scan for scan in reading.scans if scan.key in one.may_mean]
        if doubtful:
            what = f"{len(doubtful)} scans may be meant by it"
            reading.problems.append(Problem(one.problem.where, what, "they are left out"))
            _drop(reading, doubtful)


def _leave_out_short(reading: Reading, root: Path, least: int) -> None:
    short = [scan for scan in reading.scans if len(scan.series.headers) < least]
    if not short:
        return
    lengths = Counter(len(scan.series.headers) for scan in short)
    listed = ", ".join(f"{number} of {length}" for length, number in sorted(lengths.items()))
    note = f"{len(short)} series of fewer than {least} slices are left out ({listed} slices); min_slices sets this"
    reading.notes.append(note)
    reading.skipped.extend(
        Skipped(path, f"a series of fewer than {least} slices")
        for scan in short for path in dict.fromkeys(header.path for header in scan.series.headers)
    )  # fmt: skip
    _drop(reading, short)
    if not reading.scans:
        raise SourceError(
            f"no series has {least} slices or more", where=root, received=note,
            remedy=f"set min_slices: {max(lengths)} beside the path in params.yaml, or point the path at longer series",
        )  # fmt: skip


def _tell_anonymous(reading: Reading, root: Path) -> None:
    """Tell headers that name nobody from scans of one patient."""
    by_folder = [
        scan for scan in reading.scans
        if is_placeholder(scan.series.headers[0].patient_id) and scan.group == relative_text(scan.series.folder, root)
    ]  # fmt: skip
    if by_folder:
        what = f"{len(by_folder)} scans have a Patient ID that an anonymiser gives to everybody"
        done = "each of their folders counts as a patient of its own: see to it that no patient has two"
        reading.problems.append(Problem("Patient ID (0010,0020)", what, done))
    if len(reading.scans) > 1 and len({scan.group for scan in reading.scans}) == 1:
        reading.notes.append(f"all {len(reading.scans)} scans have the same Patient ID: they count as one patient")


def _drop(reading: Reading, scans: Sequence[SourceScan]) -> None:
    reading.label_rows.left_out += sum(scan.label_rows for scan in scans)
    keys = {scan.key for scan in scans}
    reading.scans[:] = [scan for scan in reading.scans if scan.key not in keys]
