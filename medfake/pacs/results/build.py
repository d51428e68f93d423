"""The door of this room: a judgement of a scan becomes DICOM objects of its study, to be sent by others."""

from collections.abc import Callable, Collection
from typing import Final

from pydicom.dataset import Dataset

from medfake.dicom.quiet import quiet_pydicom
from medfake.pacs.results.judgement import Finding, Judgement
from medfake.pacs.results.kinds import ResultKind
from medfake.pacs.results.objects import Basis, file_bytes
from medfake.pacs.results.source import read_source
from medfake.pacs.results.uids import ResultUids

__all__ = ["Finding", "Judgement", "ResultKind", "build_results", "file_bytes"]

Builder = Callable[[Basis], tuple[Dataset, ...]]


def _report(basis: Basis) -> tuple[Dataset, ...]:
    from medfake.pacs.results.report import build_report  # highdicom takes a second

    return build_report(basis)


def _segmentation(basis: Basis) -> tuple[Dataset, ...]:
    from medfake.pacs.results.segmentation import build_segmentation

    return build_segmentation(basis)


def _pictures(basis: Basis) -> tuple[Dataset, ...]:
    from medfake.pacs.results.pictures import build_pictures

    return build_pictures(basis)


def _presentation(basis: Basis) -> tuple[Dataset, ...]:
    from medfake.pacs.results.presentation import build_presentation

    return build_presentation(basis)


BUILDERS: Final[dict[ResultKind, Builder]] = {
    ResultKind.SEG: _segmentation,  # what others refer to comes first
    ResultKind.SR: _report,
    ResultKind.SC: _pictures,
    ResultKind.GSPS: _presentation,
}


def build_results(judgement: Judgement, kinds: Collection[ResultKind]) -> tuple[Dataset, ...]:
    """Make the DICOM objects that say of a scan what was found, each kind in a series of its own.

    The scan's files are read again, headers and the pixels of the few slices that are shown; nothing is written. The
    same judgement gives the same objects, byte for byte as `file_bytes` writes them.

    Args:
        judgement: Of a scored scan.
        kinds: That are wanted; a segmentation and a presentation state are made only where there are sites.

    Returns:
        Data sets with file meta information, what others refer to first.

    Raises:
        DicomError: A file of the scan is gone or was changed, or has a UID that no archive could keep.
        PacsError: The slices are of several studies; or a digest or the time of the judgement is none.
    """
    judgement.require_whole()
    with quiet_pydicom():
        source = read_source(judgement.scored.headers)
        basis = Basis(judgement, source, ResultUids.of(judgement, source.digest(), kinds), frozenset(kinds))
        return tuple(made for kind, build in BUILDERS.items() if kind in basis.kinds for made in build(basis))
