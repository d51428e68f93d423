"""Where a slice lies that could not be read as one: it still counts when the slices of its series are numbered."""

from dataclasses import replace
from pathlib import Path

from pydicom.dataset import Dataset

from medfake.dicom import fields
from medfake.dicom.images import DICOMDIR
from medfake.dicom.parse import PARSE_ERRORS, read_header_elements
from medfake.dicom.quiet import quiet_pydicom
from medfake.dicom.series import Series, positions_along_normal
from medfake.errors import DicomError, HeaderError, NotDicomError, UnsupportedImageError
from medfake.vocabulary import Modality

_SUFFIXES = (".dcm", ".dicom", ".ima")
_PREAMBLE = 128  # bytes before the mark of every DICOM file, PS3.10 7.1


def unread_position(path: Path, series: Series) -> float | str | None:
    """Ask whether a file that is in no series is a slice of this one all the same.

    Args:
        path: In the folder of the series.
        series: The slices that could be read.

    Returns:
        Its position along the normal of the series, mm; None where it is no slice of the series (a note, a localizer,
        an instance that is there already); a sentence where that cannot be known.
    """
    if path.is_symlink() or not series.modality.is_stack:
        return None
    try:
        dataset, _ = read_header_elements(path)
        return _position(dataset, path, series)
    except UnsupportedImageError:  # sagittal or coronal
        return None
    except NotDicomError as error:
        return error.what if _may_be_dicom(path) else None
    except DicomError as error:
        return error.what
    except PARSE_ERRORS as error:
        return f"its header cannot be read ({type(error).__name__})"


def _position(dataset: Dataset, path: Path, series: Series) -> float | None:
    first = series.headers[0]
    with quiet_pydicom():
        groups = fields.FunctionalGroups(dataset, 0)
        if "SeriesInstanceUID" not in dataset and dataset.file_meta.get("MediaStorageSOPClassUID") != DICOMDIR:
            raise HeaderError(
                "it does not say which series it belongs to", where=path, element=fields.element("SeriesInstanceUID")
            )
        another_series = str(dataset.get("SeriesInstanceUID", "")) != first.series_uid
        there_already = str(dataset.get("SOPInstanceUID", "")) in {header.sop_uid for header in series.headers}
        if another_series or there_already or Modality.named(fields.text(dataset, "Modality")) != first.modality:
            return None
        if "LOCALIZER" in fields.image_type(dataset, groups):
            return None
        (fields.axial_orientation if first.modality is Modality.CT else fields.orientation)(groups, path)
        if int(dataset.get("NumberOfFrames", 1) or 1) > 1:
            raise HeaderError("an image of several frames that cannot be read", where=path)
        return float(positions_along_normal([replace(first, position_mm=fields.position(groups, path))])[0])


def _may_be_dicom(path: Path) -> bool:
    """Whether a file that cannot be parsed calls itself DICOM, by its name or by its mark."""
    if path.suffix.casefold() in _SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            return file.read(_PREAMBLE + 4)[_PREAMBLE:] == b"DICM"
    except OSError:
        return True
