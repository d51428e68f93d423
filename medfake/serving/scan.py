"""Scan folders of DICOM files: a verdict for every series, a reason for every other file."""

from collections.abc import Sequence
from pathlib import Path

from medfake.serving.archive import How, scan_archive, suited
from medfake.serving.found import FolderFound, ScanFound
from medfake.serving.model import Model, describe
from medfake.serving.report import ScanReport, ScanVerdict, SkippedFile


def scan_paths(paths: Sequence[Path], model: Model, jobs: int = 1) -> ScanReport:
    """Score every CT series below some paths and hold what was found; `scan_archive` gives it piece by piece.

    Args:
        paths: Folders or files; what is reached twice counts once.
        model: From `open_model`.
        jobs: Processes that read headers, of folders of 512 files or more.

    Returns:
        A report on every file; without scans when none of them is a CT slice, see `ScanReport.require_scans`.

    Raises:
        ScanError: A path is missing.
    """
    model = suited(paths, model, jobs)
    scans: list[ScanVerdict] = []
    skipped: list[SkippedFile] = []
    for found in scan_archive(paths, How(model, readers=jobs)):
        if isinstance(found, ScanFound):
            scans.append(found.verdict)
        if isinstance(found, ScanFound | FolderFound):
            skipped += found.skipped
    return ScanReport(describe(model), tuple(scans), tuple(skipped))
