"""Scan folder by folder: what is found leaves at once, and memory holds the headers of one folder."""

import hashlib
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from medfake.datasets.pseudonyms import pseudonym, pseudonym_key
from medfake.dicom.folders import NO_PERMISSION, Folder
from medfake.dicom.header_cache import Stamp, stamp_of
from medfake.dicom.parse import GONE
from medfake.dicom.series import CHANGED, Series, series_of
from medfake.files import path_text
from medfake.package.cores import usable_cores
from medfake.serving.find import given_folders
from medfake.serving.found import Finished, FolderFound, FolderKept, Found, ScanFound, ScanKept
from medfake.serving.model import Model
from medfake.serving.report import SkippedFile
from medfake.serving.score import NO_MEMORY
from medfake.serving.task import PackageOnDisk, ScanAnswer, ScanTask, anonymous, answer, gave_up, score_task
from medfake.serving.verdict import judge
from medfake.serving.workers import Workers
from medfake.vocabulary import Modality

if TYPE_CHECKING:  # what draws is loaded where something is drawn
    from medfake.serving.pictures import Pictures

MOST_JOBS: Final = 16
"""Processes where nobody says how many: each holds a detector and some slices, 200 MiB or more."""
MOST_JOBS_OF_RADIOGRAPHS: Final = 4
"""Likewise: one of 3000 x 3000 px takes 1.6 GB, one of 5000 x 5000 4 GB."""
WORTH_PROCESSES: Final = 400
"""Slices; fewer are scored by the time that processes have started and opened the detector."""
_DIED = "processes that scored this scan died"
_LOST = _DIED + " ({}): too little memory, or a fault in what decodes its pixels"
_PASSING = (_DIED, NO_MEMORY, CHANGED, GONE, NO_PERMISSION)


def most_jobs(modality: Modality) -> int:
    """Processes at most where nobody says how many; memory bounds them."""
    return MOST_JOBS if modality.is_stack else MOST_JOBS_OF_RADIOGRAPHS


@dataclass(frozen=True)
class How:
    """How scans are scored.

    Attributes:
        model: The detector.
        jobs: Processes that score scans side by side; the threads of each share the cores of this machine.
        readers: Processes that read headers, of folders of 512 files or more.
        dask: Address of a Dask scheduler whose workers score instead.
        pictures: Where pictures of the strongest slices go; None where none are wanted.
        finished: What earlier runs have done; None for nothing.
        digests_pixels: Whether each scan comes with a digest of its pixels, by which it is known again.
    """

    model: Model
    jobs: int = 1
    readers: int = 1
    dask: str | None = None
    pictures: "Pictures | None" = None
    finished: Finished | None = None
    digests_pixels: bool = False


def scan_archive(paths: Sequence[Path], how: How, without: Collection[Path] = ()) -> Iterator[Found]:
    """Score every CT series below some paths; memory does not grow with their number.

    Results come in the order of the folders, whoever scores: a folder before what is below it, in the order of names.
    A scan over which its process dies is skipped with the reason, and the others go on.

    Args:
        paths: Folders or files; what is reached twice counts once.
        how: By which detector and by whom; see `suited` for the detector.
        without: Resolved paths that are passed over, as the command's own outputs.

    Raises:
        ScanError: A path is missing.
        DataError: No Dask scheduler answers, or it has no workers.

    Example:
        >>> from pathlib import Path
        >>> from medfake import open_model
        >>> from medfake.serving.archive import How, scan_archive
        >>> from medfake.serving.found import ScanFound
        >>> found = scan_archive([Path("scan")], How(open_model("builtin")))
        >>> [one.verdict.n_slices for one in found if isinstance(one, ScanFound)]
        [24]
    """
    yield from scan_folders(given_folders(paths, without), how)


def suited(paths: Sequence[Path], model: Model, jobs: int = 1, without: Collection[Path] = ()) -> Model:
    """The detector for these paths, see `Model.suited_to`: headers are read only where it matters, up to a real scan.

    Raises:
        ScanError: A path is missing.
    """
    folders = given_folders(paths, without)
    return model.suited_to(one for folder in folders for one in series_of(folder.files, jobs, tell=False)[0])


def scan_folders(folders: Iterable[Folder], how: How, workers: Workers | None = None) -> Iterator[Found]:
    """As `scan_archive`, of folders that were listed.

    Args:
        folders: Each once.
        how: As of `scan_archive`.
        workers: Processes that outlive this call; None to start and end some where they are worth it.
    """
    key = pseudonym_key("private")
    for piece, came in _answered(_pieces(folders, how, key), how, workers):
        if isinstance(piece, _Scan) and came is not None:
            scored = came.scored(piece.series)
            if scored is None:
                piece.folder.skipped += came.broken
                continue
            digest = _lasting(piece.files_sha256, came.broken)
            piece.folder.scans.append((piece.task.scan_id, digest))
            yield ScanFound(judge(scored, how.model.card, key), digest, came.broken, scored)
        elif isinstance(piece, _OpenFolder):
            whole = all(scan_digest for _, scan_digest in piece.scans)
            digest = _lasting(piece.files_sha256, piece.skipped) if whole else ""
            yield FolderFound(digest, piece.n_files, tuple(piece.scans), tuple(piece.skipped))
        elif isinstance(piece, FolderKept | ScanKept):
            yield piece


@dataclass
class _OpenFolder:
    """What has come of a folder so far."""

    files_sha256: str
    n_files: int
    skipped: list[SkippedFile]
    scans: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class _Scan:
    """A scan on its way through a worker, with what the worker need not know."""

    task: ScanTask
    series: Series
    files_sha256: str
    folder: _OpenFolder


_Piece = _Scan | _OpenFolder | FolderKept | ScanKept
_Answered = Iterator[tuple[_Piece, ScanAnswer | None]]


def _pieces(folders: Iterable[Folder], how: How, key: bytes) -> Iterator[_Piece]:
    """Scans to score, each folder behind its last one; and what need not be scored."""
    package: PackageOnDisk | None = None
    for folder in folders:
        stamps = {path: stamp_of(path) for path in folder.files}
        digest = files_digest(folder, stamps)
        if how.finished and how.finished.has_folder(digest):
            yield FolderKept(digest, len(stamps))
            continue
        series, others = series_of(folder.files, how.readers, tell=False)
        left_out = [SkippedFile(path_text(one.path), one.reason) for one in (*folder.left_out, *others)]
        whole = _OpenFolder(digest, len(stamps), left_out)
        for one in series:
            scan_id = pseudonym(one.identity, key, "scan")
            own = Folder(folder.path, tuple(dict.fromkeys(header.path for header in one.headers)))
            digest = files_digest(own, stamps)
            if how.finished and how.finished.has_scan(scan_id, digest):
                whole.scans.append((scan_id, digest))
                yield ScanKept(scan_id, digest)
            else:
                package = package or _package(how)
                task = ScanTask(anonymous(one), scan_id, package, how.pictures, how.digests_pixels)
                yield _Scan(task, one, digest, whole)
        yield whole


def _package(how: How) -> PackageOnDisk:
    return PackageOnDisk.of(how.model.folder, 1 if how.dask else max(1, usable_cores() // how.jobs))


def files_digest(folder: Folder, stamps: Mapping[Path, Stamp | None]) -> str:
    """SHA-256 of a folder's place, of its files' names, sizes, times and inodes, and of what is left out."""
    told = [str(folder.path.resolve()), *(f"{path.name}|{stamps[path]}" for path in folder.files)]
    told += [f"{one.path.name}|{one.reason}" for one in folder.left_out]
    return hashlib.sha256("\0".join(told).encode("utf-8", "surrogateescape")).hexdigest()


def _lasting(digest: str, skipped: Iterable[SkippedFile]) -> str:
    """The digest, unless a reason may pass while the files stay as they are."""
    return "" if any(one.reason.startswith(_PASSING) for one in skipped) else digest


def _answered(pieces: Iterator[_Piece], how: How, workers: Workers | None) -> _Answered:
    if how.dask:
        return _by_cluster(pieces, how.dask)
    if workers:
        return _by_workers(pieces, workers)
    if how.jobs == 1:
        return _here(pieces, how)
    return _by_workers_where_worth_it(pieces, how)


def _here(pieces: Iterable[_Piece], how: How) -> _Answered:
    for piece in pieces:
        yield piece, answer(piece.task, how.model.scorer) if isinstance(piece, _Scan) else None


def _by_workers_where_worth_it(pieces: Iterator[_Piece], how: How) -> _Answered:
    """One scan alone, or a few small ones, are scored here: with as many threads, and no process to start."""
    first: list[_Piece] = []
    weight = scans = 0
    for piece in pieces:
        first.append(piece)
        weight += len(piece.series.headers) if isinstance(piece, _Scan) else 1
        scans += isinstance(piece, _Scan)
        if weight >= WORTH_PROCESSES and scans > 1:
            break
    else:
        yield from _here(first, how)
        return
    workers = Workers(how.jobs)
    try:
        yield from _by_workers(chain(first, pieces), workers)
    finally:
        workers.stop()


def _by_workers(pieces: Iterable[_Piece], workers: Workers) -> _Answered:
    return workers.each(_task_of, score_task, pieces, _lost)


def _by_cluster(pieces: Iterable[_Piece], address: str) -> _Answered:
    """What needs no work waits for the next scan that does, so that the order is kept."""
    from medfake.datasets.parallel import in_order

    passed: deque[_Piece] = deque()

    def tasks() -> Iterator[ScanTask]:
        for piece in pieces:
            passed.append(piece)
            if isinstance(piece, _Scan):
                yield piece.task

    todo = tasks()
    first = next(todo, None)
    if first is not None:  # or there is no need to call on the cluster
        for came in in_order(score_task, chain([first], todo), dask=address, lost=_lost):
            while not isinstance(passed[0], _Scan):
                yield passed.popleft(), None
            yield passed.popleft(), came
    for piece in passed:
        yield piece, None


def _task_of(piece: _Piece) -> ScanTask | None:
    return piece.task if isinstance(piece, _Scan) else None


def _lost(task: ScanTask, how_it_died: str) -> ScanAnswer:
    return gave_up(task, _LOST.format(how_it_died))
