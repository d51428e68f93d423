"""The words that files, columns and params.yaml use, each with its sentence; the one list of each.

Members are strings: they compare, sort, join and are written as their values. Protocols and views are open, because
other packages add some: they are registered by name in medfake.datasets.
"""

from enum import StrEnum
from typing import Final, Self


class _Word(StrEnum):
    """A word with a sentence beside it."""

    sentence: str

    def __new__(cls, value: str, sentence: str = "") -> Self:
        word = str.__new__(cls, value)
        word._value_ = value
        word.sentence = sentence
        return word


class Modality(_Word):
    """What made an image, and so what its values mean. A data set and a detector have one."""

    CT = "CT", "computed tomography, in Hounsfield units"
    MR = "MR", "magnetic resonance, in units of the slice's own range"
    XRAY = "X-ray", "a radiograph (CR or DX), in units of the image's own range, dense things bright"

    @classmethod
    def named(cls, word: str) -> "Modality | None":
        """What a value of Modality (0008,0060) means (PS3.3 C.7.3.1.1.1); None for one that is not read."""
        return _OF_DICOM.get(word.strip().upper())

    @property
    def units(self) -> "Units":
        """What its pixels are measured in once they are read."""
        return Units.HU if self is Modality.CT else Units.NORMALISED

    @property
    def is_stack(self) -> bool:
        """Whether slices make a scan; else each image is one."""
        return self is not Modality.XRAY

    @property
    def image(self) -> str:
        """What an image of it is called, with the article."""
        return f"{'a' if self is Modality.CT else 'an'} {self} image"

    @property
    def noun(self) -> str:
        """What a scan of it is called."""
        return f"{self} series" if self.is_stack else f"{self} image"

    @property
    def scan(self) -> str:
        """What a scan of it is called, with the article."""
        return f"{'a' if self is Modality.CT else 'an'} {self.noun}"

    @property
    def subject(self) -> str:
        """What detectors of it are about."""
        return {Modality.CT: "chest CT", Modality.MR: "MR scan"}.get(self, "X-ray image")

    @property
    def files(self) -> str:
        """What files must hold to be scored by a detector of it."""
        return {Modality.CT: "axial CT slices", Modality.MR: "MR series"}.get(self, "X-ray images (CR, DX)")


class Units(_Word):
    """What values of pixels are measured in."""

    HU = "HU", "Hounsfield units"
    NORMALISED = (
        "normalised",
        "each slice by itself: its 0.5th percentile is -1000, its 99.5th 1000, what lies beyond is clipped at 1250",
    )


_OF_DICOM: Final = {"CT": Modality.CT, "MR": Modality.MR, "CR": Modality.XRAY, "DX": Modality.XRAY}


class Split(_Word):
    """Part of a data set."""

    TRAIN = "train", "detectors learn from it"
    VAL = "val", "chooses epochs, options, thresholds and the challenger"
    TEST = "test", "is measured, and chooses nothing"


class PositiveClass(_Word):
    """Class that precision, recall, specificity, F1, H and fall-out are of."""

    TAMPERED = "tampered", "finding what was tampered with counts; what every stored score and label means"
    REAL = "real", "recognising what is real counts, as for Alsabbagh and Al-Kadi, whose networks give P(real)"


class Manipulation(_Word):
    """What was done to a slice."""

    NONE = "none", "as the scanner made it"
    INJECTED = "injected", "a nodule was put in"
    REMOVED = "removed", "a nodule was taken out"
    GENERATED = "generated", "the whole slice was made"


CLASSES: Final = (Manipulation.NONE, Manipulation.REMOVED, Manipulation.INJECTED)
"""Of data sets with three classes, in the order of a detector's outputs."""


class LabelCode(_Word):
    """Type of a labelled place in label files (Mirsky et al. 2019)."""

    FM = "FM", "a fake nodule"
    FB = "FB", "fake healthy tissue where a nodule was"
    TM = "TM", "a real nodule"
    TB = "TB", "nothing, and nothing was done"

    @property
    def manipulation(self) -> Manipulation:
        """What such a place shows."""
        return _SHOWN.get(self, Manipulation.NONE)

    @property
    def tampered(self) -> bool:
        """Whether such a place was manipulated."""
        return self.manipulation is not Manipulation.NONE


_SHOWN: Final = {LabelCode.FM: Manipulation.INJECTED, LabelCode.FB: Manipulation.REMOVED}

TAMPERED_CODES: Final = tuple(code for code in LabelCode if code.tampered)


class Evidence(_Word):
    """What figures on a data set are worth, the least first."""

    PHANTOM = (
        "phantom",
        "Phantom figures are no clinical evidence: scans and fakes were made by medfake's built-in phantom.",
    )
    FORGED = (
        "forged",
        "Figures on home-made fakes are no clinical evidence: medfake forged them out of real scans.",
    )
    CLINICAL = (
        "clinical",
        "Figures on a public or local set of real scans; they hold for its scanners, patients and fakes.",
    )

    def is_less_than(self, other: "Evidence") -> bool:
        """Whether figures of this kind are worth less; words themselves compare as text."""
        kinds = list(Evidence)
        return kinds.index(self) < kinds.index(other)


class QualityFlag(_Word):
    """What is odd about a series."""

    DUPLICATE = "duplicate", "slices repeat a position"
    GAP = "gap", "slices are missing"
    INSTANCE = "instance", "different images share a SOP Instance UID (0008,0018)"
    MIXED = "mixed", "slices of several acquisitions: they differ in acquisition, kernel, thickness or patient"
    POLARITY = (
        "polarity",
        "Photometric Interpretation (0028,0004) has dense things dark or bright against (0028,1041)",
    )
    RAW = "raw", "raw values of the detector: Presentation Intent Type (0008,0068) is FOR PROCESSING"
    SERIES = (
        "series",
        "Series Instance UID (0020,000E) is missing or differs a slice: numbers and geometry tell what is one",
    )
    TILT = "tilt", "the gantry was tilted"
