"""Coded terms of results: those of the standard, and medfake's own under the private scheme 99MEDFAKE.

DICOM has no code for synthetic or altered image content. Whatever it has a code for is said with that (PS3.16).
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from medfake.metrics.scans import Verdict
from medfake.pacs.results.judgement import Finding, Judgement
from medfake.vocabulary import Modality

SCHEME: Final = "99MEDFAKE"
SCHEME_NAME: Final = "medfake authenticity of medical images"
SCHEME_VERSION: Final = "1"

PROBABILITY: Final = Code("122157", "DCM", "Probability")
NO_UNITS: Final = Code("1", "UCUM", "no units")
QUALITATIVE_EVALUATIONS: Final = Code("C0034375", "UMLS", "Qualitative Evaluations")
SOURCE_IMAGE: Final = Code("121322", "DCM", "Source image for image processing operation")
SEGMENTATION: Final = Code("113076", "DCM", "Segmentation")
PROCESSING_EQUIPMENT: Final = Code("109102", "DCM", "Processing Equipment")
ARTIFICIAL_INTELLIGENCE: Final = Code("123110", "DCM", "Artificial Intelligence")
SPATIAL_CONCEPT: Final = Code("309825002", "SCT", "Spatial and Relational Concept")
PROCEDURES: Final = {
    Modality.CT: Code("77477000", "SCT", "Computed tomography"),
    Modality.MR: Code("113091000", "SCT", "Magnetic resonance imaging"),
    Modality.XRAY: Code("363680008", "SCT", "Radiographic imaging procedure"),
}
"""Of which the scan is the outcome: "Procedure reported" names the imaging, not the analysis (TID 1500)."""


@dataclass(frozen=True)
class Term:
    """A private code.

    Attributes:
        value: Code Value (0008,0100), at most 16 characters.
        meaning: Code Meaning (0008,0104), at most 64.
        definition: One sentence.
    """

    value: str
    meaning: str
    definition: str


class Private(Enum):
    """Every code of 99MEDFAKE; the conformance statement lists them."""

    TAMPERING = Term(
        "TAMPERING", "Tampering of image content",
        "Content was injected, removed or generated after acquisition: finding of scans with signs of tampering alone.",
    )  # fmt: skip
    REGION = Term(
        "REGION", "Region suspected of tampering",
        "A place of a scan with signs of tampering where P reaches the detector's threshold of a slice.",
    )  # fmt: skip
    PLACE = Term(
        "PLACE", "Place looked at, uncertain whether tampered",
        "A place where P reaches the detector's threshold of a slice, in a scan whose verdict is uncertain.",
    )  # fmt: skip
    AUTHENTICITY = Term(
        "AUTHENTICITY", "Authenticity assessment",
        "What is reported of a scan, whatever comes out; name of the evaluation whose value is the verdict on it.",
    )  # fmt: skip
    TAMPERED = Term(
        "TAMPERED", "Signs of tampering", "The probability of the scan reaches the upper threshold: a reason to look."
    )
    NOT_TAMPERED = Term(
        "NOT_TAMPERED", "No sign of tampering",
        "The probability of the scan is below the lower threshold; no proof that the scan is authentic.",
    )  # fmt: skip
    UNCERTAIN = Term(
        "UNCERTAIN", "Uncertain whether tampered",
        "The probability of the scan lies between both thresholds, or the scan is not of what the detector knows.",
    )  # fmt: skip
    FINDING = Term("FINDING", "Finding beside the detector", "Name of the evaluation whose value is such a finding.")
    OTHER_PIXELS = Term(
        "OTHER_PIXELS", "These UIDs arrived before with other pixels",
        "Instances of these UIDs were received earlier with pixels that are not the same.",
    )  # fmt: skip
    STACK = Term(
        "STACK",
        "Images that were judged",
        "Plane, contrast and number of the images, as a series may hold several stacks.",
    )
    LIMITATION = Term(
        "LIMITATION", "Limitation of the result", "What makes the result worth less than the detector's figures say."
    )
    INTENDED_USE = Term("INTENDED_USE", "Intended use", "What the detector is made for, and what it is not.")
    THRESHOLDS = Term(
        "THRESHOLDS",
        "Origin of the thresholds",
        "Whose scans the thresholds were chosen on, if others than its own.",
    )
    COPIED_TISSUE = Term(
        "COPIED_TISSUE",
        "Tissue that stands twice",
        "Two places of the scan share their noise, as a copy and its original do.",
    )
    SYNTHETIC = Term("SYNTHETIC", "Synthetic scan", "The header says that medfake itself made or altered the scan.")

    @property
    def code(self) -> Code:
        """As highdicom takes it."""
        return Code(self.value.value, SCHEME, self.value.meaning)


VERDICTS: Final = {
    Verdict.TAMPERED: Private.TAMPERED,
    Verdict.NOT_TAMPERED: Private.NOT_TAMPERED,
    Verdict.UNCERTAIN: Private.UNCERTAIN,
}
FINDINGS: Final = {Finding.SAME_UIDS_OTHER_PIXELS: Private.OTHER_PIXELS}


def site_code(judgement: Judgement) -> Code:
    """What sites of a scan are."""
    return (Private.REGION if judgement.suspects else Private.PLACE).code


def coded(code: Code) -> Dataset:
    """An item of a code sequence (PS3.3 8.8)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return item


def scheme_declared() -> Dataset:
    """An item of Coding Scheme Identification Sequence (0008,0110), PS3.3 C.12.1.1."""
    item = Dataset()
    item.CodingSchemeDesignator, item.CodingSchemeName = SCHEME, SCHEME_NAME
    item.CodingSchemeVersion, item.CodingSchemeResponsibleOrganization = SCHEME_VERSION, "medfake"
    return item
