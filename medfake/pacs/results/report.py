"""The verdict as a structured report: Comprehensive 3D SR (PS3.3 A.35.13), template TID 1500 Measurement Report."""

from collections.abc import Sequence

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from medfake.pacs.results.codes import scheme_declared
from medfake.pacs.results.judgement import ResultKind
from medfake.pacs.results.objects import SERIES, Basis, new_object, references
from medfake.pacs.results.report_content import report_content
from medfake.pacs.results.source import ImageReference


def build_report(basis: Basis) -> tuple[Dataset, ...]:
    """The report of a scan: complete, preliminary, verified by nobody."""
    made = new_object(basis, ResultKind.SR)
    made.CodingSchemeIdentificationSequence = DicomSequence([scheme_declared()])
    made.CompletionFlag, made.VerificationFlag, made.PreliminaryFlag = "COMPLETE", "UNVERIFIED", "PRELIMINARY"
    made.PerformedProcedureCodeSequence = DicomSequence()
    made.ReferencedPerformedProcedureStepSequence = DicomSequence()
    made.update(report_content(basis, segmentation_reference(basis)))
    made.CurrentRequestedProcedureEvidenceSequence = DicomSequence([_evidence(basis)])
    return (made,)


def segmentation_reference(basis: Basis) -> ImageReference | None:
    """The segmentation of the same judgement; None where none is made."""
    if ResultKind.SEG not in basis.kinds or not basis.judgement.sites:
        return None
    return ImageReference(
        SERIES[ResultKind.SEG].sop_class, basis.uids.instance(ResultKind.SEG, 1), basis.uids.series(ResultKind.SEG)
    )


def _evidence(basis: Basis) -> Dataset:
    """An item of Current Requested Procedure Evidence Sequence (0040,A375): what was scored or is referred to."""
    segmentation = segmentation_reference(basis)
    images: Sequence[ImageReference] = (*basis.source.instances, *([segmentation] if segmentation else []))
    item = Dataset()
    item.StudyInstanceUID = basis.source.study_uid
    item.ReferencedSeriesSequence = references(images)
    return item
