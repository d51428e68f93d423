"""Whether a data set is a grey image of a modality that is read, and what rules out some images of each.

CT: the CT Image module (PS3.3 C.8.2.1), in Hounsfield units. MR: the MR Image module (C.8.3.1). X-ray: objects of
computed radiography (A.2) and of digital X-ray, for presentation and for processing (A.26). All: the Image Pixel module
(C.7.6.3).
"""

from pathlib import Path
from typing import Final, NoReturn

from pydicom.dataset import Dataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
)

from medfake.dicom import fields
from medfake.errors import HeaderError, UnsupportedImageError
from medfake.vocabulary import Modality

DICOMDIR = "1.2.840.10008.1.3.10"
_GREY = ("MONOCHROME1", "MONOCHROME2")
_LOCALIZERS = {"LOCALIZER", "SCOUT", "TOPOGRAM", "SCANOGRAM"}
# value 4 of Image Type of multi-energy images whose values are no attenuation (PS3.3 C.8.15.2.1.1.5)
_NO_ATTENUATION = {"MAT_SPECIFIC", "MAT_FRACTIONAL", "MAT_VALUE_BASED", "EFF_ATOMIC_NUM", "ELECTRON_DENSITY"}
_RADIOGRAPHS = {
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
}
_REMEDIES: Final = {
    Modality.CT: "give the folder of the axial series in HU",
    Modality.MR: "give the folder of the diagnostic series",
    Modality.XRAY: "give the image as the X-ray system stored it",
}


def require_image(dataset: Dataset, path: Path) -> Modality:
    """Refuse what is no grey image that is read; which modality it is otherwise.

    Raises:
        UnsupportedImageError: A DICOMDIR, another modality, no image, a localizer, a map of another quantity, a
            screenshot of an X-ray image or a colour image, one of palette indices included.
    """
    sop_class = str(dataset.file_meta.get("MediaStorageSOPClassUID", dataset.get("SOPClassUID", "")))
    if sop_class == DICOMDIR:
        raise UnsupportedImageError("a DICOMDIR, not an image", where=path, remedy="give the folder it lies in")
    word = fields.text(dataset, "Modality")
    modality = Modality.named(word)
    if modality is None:
        _refuse("no CT image, nor one of MR or X-ray (CR, DX)", "Modality", word, path, Modality.CT)
    if "Rows" not in dataset or "Columns" not in dataset:
        _refuse("holds no image", "Rows", None, path, modality)
    image_type = {word.strip().upper() for word in fields.image_type(dataset, fields.FunctionalGroups(dataset, 0))}
    if image_type & _LOCALIZERS and modality.is_stack:
        what = "a localizer, not an axial slice" if modality is Modality.CT else "a localizer"
        _refuse(what, "ImageType", sorted(image_type & _LOCALIZERS), path, modality)
    if image_type & _NO_ATTENUATION and modality is Modality.CT:
        _refuse("no Hounsfield units", "ImageType", sorted(image_type & _NO_ATTENUATION), path, modality)
    samples = dataset.get("SamplesPerPixel")
    if samples is not None and fields.whole(samples) != 1:
        _refuse("a colour image", "SamplesPerPixel", samples, path, modality)
    photometric = fields.text(dataset, "PhotometricInterpretation")
    if photometric and photometric.upper() not in _GREY:
        _refuse("a colour image", "PhotometricInterpretation", photometric, path, modality)
    if modality is Modality.XRAY and sop_class not in _RADIOGRAPHS:
        _refuse("no image object of CR or DX, e.g. a screenshot", "SOPClassUID", sop_class, path, modality)
    return modality


def require_stored_bits(dataset: Dataset, path: Path) -> None:
    """Require the rest of what says how pixels are stored (PS3.3 C.7.6.3, PS3.5 8.1.1).

    Raises:
        HeaderError: An element of type 1 is absent or impossible, or the bits are not the lowest of their word.
    """
    for keyword in ("SamplesPerPixel", "PhotometricInterpretation"):
        if dataset.get(keyword) in (None, ""):
            raise HeaderError(
                "expected a value", where=path, element=fields.element(keyword), received="nothing",
                remedy="export the scan again",
            )  # fmt: skip
    allocated = fields.unsigned(dataset, "BitsAllocated", (8, 16, 32), path)
    stored = fields.unsigned(dataset, "BitsStored", range(1, allocated + 1), path)
    fields.unsigned(dataset, "PixelRepresentation", (0, 1), path)
    high = dataset.get("HighBit", stored - 1)
    if fields.whole(high) != stored - 1:
        raise HeaderError(
            f"expected {stored - 1}, one less than Bits Stored",
            where=path,
            element=fields.element("HighBit"),
            received=fields.shown(high),
            remedy=f"if the pixels are right: dcmodify -m (0028,0102)={stored - 1} {path.name}",
        )


def _refuse(what: str, keyword: str, received: object, path: Path, modality: Modality) -> NoReturn:
    raise UnsupportedImageError(
        what, where=path, element=fields.element(keyword), received=fields.shown(received), remedy=_REMEDIES[modality]
    )
