"""What an image says of itself that whatever is made of it has to say, too."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pydicom.dataset import Dataset

from medfake.dicom.header import SliceHeader
from medfake.pacs.results.values import first_of, text_of

_YES_OR_NO: Final = frozenset({"YES", "NO"})
_RATIO: Final = re.compile(r"\d{1,10}(\.\d{1,5})?")
_METHOD: Final = re.compile(r"[A-Z0-9_]{1,16}")
_WORD: Final = re.compile(r"[A-Z0-9_ ]{1,16}")  # Code String
_UNPAIRED: Final = frozenset({
    "ABDOMEN", "ABDOMENPELVIS", "BLADDER", "BRAIN", "CERVIX", "CHEST", "CHESTABDOMEN", "CHESTABDPELVIS", "COCCYX",
    "CSPINE", "CTSPINE", "HEAD", "HEADNECK", "HEART", "LIVER", "LSPINE", "LSSPINE", "MEDIASTINUM", "NECK", "NECKCHEST",
    "PANCREAS", "PELVIS", "PROSTATE", "SKULL", "SPINE", "SPLEEN", "SSPINE", "STERNUM", "TLSPINE", "TRACHEA", "TSPINE",
    "UTERUS", "WHOLEBODY",
})  # fmt: skip
"""Parts of which a body has one (PS3.16 annex L)."""
_TOWARDS: Final = ("LR", "PA", "HF")  # along x, y and z of the patient, and against them
_LEAST_COSINE: Final = 0.01  # of a direction that is told


@dataclass(frozen=True)
class ImageStatements:
    """Of one image; what is no value of its kind counts as not said.

    Attributes:
        burned_in: Burned In Annotation (0028,0301), YES or NO; "" where the image does not say.
        recognizable: Recognizable Visual Features (0028,0302), likewise.
        orientation: Patient Orientation (0020,0020), directions of a row and of a column, of slices by their direction
            cosines; empty where nothing says it.
        body_part: Body Part Examined (0018,0015); "" where the image does not say.
        laterality: (0020,0060), R or L; "" where the image does not say.
        image_laterality: (0020,0062), R, L, U or B; "" likewise.
        lossy: Whether its pixels ever lost something.
        ratios: Lossy Image Compression Ratio (0028,2112), one a compression; empty where not known.
        methods: Lossy Image Compression Method (0028,2114), likewise.
    """

    burned_in: str
    recognizable: str
    orientation: tuple[str, ...]
    body_part: str
    laterality: str
    image_laterality: str
    lossy: bool
    ratios: tuple[str, ...]
    methods: tuple[str, ...]

    def of_picture(self) -> Dataset:
        """Elements of a picture that shows the image."""
        said = Dataset()
        if self.burned_in:
            said.BurnedInAnnotation = self.burned_in
        if self.recognizable:
            said.RecognizableVisualFeatures = self.recognizable
        said.PatientOrientation = list(self.orientation) or ""  # type 2C: there, and empty where unknown
        said.update(self.body_part_and_side())
        said.update(lossy_history([self]))
        return said

    def body_part_and_side(self, *, image: bool = True) -> Dataset:
        """Of the General Series module (PS3.3 C.7.3.1).

        Laterality is there, and empty, where the part may be a paired one and nobody says which; of no other.

        Args:
            image: Whether the object is an image, which may say its side itself.
        """
        said = Dataset()
        if self.body_part:
            said.BodyPartExamined = self.body_part
        if image and self.image_laterality:
            said.ImageLaterality = self.image_laterality
        elif self.laterality or self.body_part not in _UNPAIRED:
            said.Laterality = self.laterality
        return said


def statements_of(header: SliceHeader, elements: Dataset) -> ImageStatements:
    """Read them.

    Args:
        header: Of the image.
        elements: Of its file; nothing in it is trusted.
    """
    lossy, part = header.lossy, first_of(elements, "BodyPartExamined").upper()
    return ImageStatements(
        burned_in=_among(elements, "BurnedInAnnotation", _YES_OR_NO),
        recognizable=_among(elements, "RecognizableVisualFeatures", _YES_OR_NO),
        orientation=_of_slice(header.orientation) if header.modality.is_stack else _of_radiograph(elements),
        body_part=part if _WORD.fullmatch(part) else "",
        laterality=_among(elements, "Laterality", frozenset("RL")),
        image_laterality=_among(elements, "ImageLaterality", frozenset("RLUB")),
        lossy=lossy,
        ratios=_values(elements, "LossyImageCompressionRatio", _RATIO) if lossy else (),
        methods=_values(elements, "LossyImageCompressionMethod", _METHOD) if lossy else (),
    )


def lossy_history(images: Iterable[ImageStatements]) -> Dataset:
    """Lossy Image Compression (0028,2110) of what is derived from images: once lossy, always lossy (C.7.6.1.1.5).

    Args:
        images: What it is derived from.

    Returns:
        With ratio (0028,2112) and method (0028,2114) of the first lossy image that tells them.
    """
    said = Dataset()
    lossy = [image for image in images if image.lossy]
    said.LossyImageCompression = "01" if lossy else "00"
    telling = next((image for image in lossy if image.ratios or image.methods), None)
    if telling and telling.ratios:
        said.LossyImageCompressionRatio = list(telling.ratios)
    if telling and telling.methods:
        said.LossyImageCompressionMethod = list(telling.methods)
    return said


def _among(elements: Dataset, keyword: str, allowed: frozenset[str]) -> str:
    said = first_of(elements, keyword).upper()
    return said if said in allowed else ""


def _values(elements: Dataset, keyword: str, pattern: "re.Pattern[str]") -> tuple[str, ...]:
    values = text_of(elements, keyword).split("\\")
    return tuple(values) if all(pattern.fullmatch(value) for value in values) else ()


def _of_radiograph(elements: Dataset) -> tuple[str, ...]:
    directions = text_of(elements, "PatientOrientation").split("\\")
    return tuple(directions) if len(directions) == 2 and all(map(_is_direction, directions)) else ()


def _is_direction(letters: str) -> bool:
    """Whether each letter is of an axis of its own."""
    axes = [axis for letter in letters for axis in _TOWARDS if letter in axis]
    return 0 < len(letters) == len(axes) == len(set(axes))


def _of_slice(cosines: tuple[float, ...]) -> tuple[str, ...]:
    """Letters of a row and of a column, the most prominent first (PS3.3 C.7.6.1.1.1)."""
    return tuple(_letters(cosines[start : start + 3]) for start in (0, 3))


def _letters(cosines: tuple[float, ...]) -> str:
    order = sorted(range(3), key=lambda axis: -abs(cosines[axis]))
    return "".join(_TOWARDS[axis][cosines[axis] < 0] for axis in order if abs(cosines[axis]) > _LEAST_COSINE)
