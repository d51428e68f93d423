"""Whether a data set is an image of Hounsfield units: the CT Image and Image Pixel modules (PS3.3 C.8.2.1, C.7.6.3)."""

from pathlib import Path

from pydicom.dataset import Dataset

from medfake.dicom import fields
from medfake.errors import HeaderError, UnsupportedImageError

DICOMDIR = "1.2.840.10008.1.3.10"
_GREY = ("MONOCHROME1", "MONOCHROME2")
_LOCALIZERS = {"LOCALIZER", "SCOUT", "TOPOGRAM", "SCANOGRAM"}
# value 4 of Image Type of multi-energy images whose values are no attenuation (PS3.3 C.8.15.2.1.1.5)
_NO_ATTENUATION = {"MAT_SPECIFIC", "MAT_FRACTIONAL", "MAT_VALUE_BASED", "EFF_ATOMIC_NUM", "ELECTRON_DENSITY"}
_AXIAL_REMEDY = "give the folder of the axial series in HU"


def require_ct_image(dataset: Dataset, path: Path) -> None:
    """Refuse what is no axial grey image of a CT scanner.

    Raises:
        UnsupportedImageError: A DICOMDIR, another modality, no image, a localizer, a map of another quantity or a
            colour image, one of palette indices included.
    """
    sop_class = str(dataset.file_meta.get("MediaStorageSOPClassUID", dataset.get("SOPClassUID", "")))
    if sop_class == DICOMDIR:
        raise UnsupportedImageError("a DICOMDIR, not an image", where=path, remedy="give the folder it lies in")
    modality = fields.text(dataset, "Modality")
    if modality.upper() != "CT":
        _refuse("no CT image", "Modality", modality, path)
    if "Rows" not in dataset or "Columns" not in dataset:
        _refuse("holds no image", "Rows", None, path)
    image_type = {word.strip().upper() for word in fields.image_type(dataset, fields.FunctionalGroups(dataset, 0))}
    if image_type & _LOCALIZERS:
        _refuse("a localizer, not an axial slice", "ImageType", sorted(image_type & _LOCALIZERS), path)
    if image_type & _NO_ATTENUATION:
        _refuse("no Hounsfield units", "ImageType", sorted(image_type & _NO_ATTENUATION), path)
    samples = dataset.get("SamplesPerPixel")
    if samples is not None and fields.whole(samples) != 1:
        _refuse("a colour image", "SamplesPerPixel", samples, path)
    photometric = fields.text(dataset, "PhotometricInterpretation")
    if photometric and photometric.upper() not in _GREY:
        _refuse("a colour image", "PhotometricInterpretation", photometric, path)


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


def _refuse(what: str, keyword: str, received: object, path: Path) -> None:
    raise UnsupportedImageError(
        what, where=path, element=fields.element(keyword), received=fields.shown(received), remedy=_AXIAL_REMEDY
    )
