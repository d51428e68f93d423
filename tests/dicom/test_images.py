"""Which images are read at all, by what made them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForProcessing,
    SecondaryCaptureImageStorage,
)

from medfake.dicom.header import read_headers
from medfake.errors import DicomError, HeaderError, UnsupportedImageError
from medfake.vocabulary import Modality
from tests.dicom.conftest import changes

Edited = Callable[..., Path]


def of_class(uid: str, **values: object) -> Callable[[Dataset], None]:
    def edit(dataset: Dataset) -> None:
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = uid
        changes(**values)(dataset)

    return edit


@pytest.mark.parametrize("modality", list(Modality))
def test_a_header_says_what_made_the_image(edited: Edited, modality: Modality) -> None:
    (header,) = read_headers(edited(lambda _: None, modality=modality))
    assert header.modality is modality


@pytest.mark.parametrize(
    ("uid", "word"), [(ComputedRadiographyImageStorage, "CR"), (DigitalXRayImageStorageForProcessing, "DX")]
)
def test_cr_and_dx_are_both_x_ray(edited: Edited, uid: str, word: str) -> None:
    (header,) = read_headers(edited(of_class(uid, Modality=word), modality=Modality.XRAY))
    assert header.modality is Modality.XRAY


@pytest.mark.parametrize("word", ["US", "PT", "MG", "XA", "SR", "MRI", ""])
def test_other_modalities_are_refused(edited: Edited, word: str) -> None:
    with pytest.raises(UnsupportedImageError, match="no CT image, nor one of MR or X-ray"):
        read_headers(edited(changes(Modality=word)))


@pytest.mark.parametrize(
    ("modality", "edit", "kind", "words"),
    [
        (Modality.MR, changes(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), UnsupportedImageError, "a localizer"),
        (Modality.MR, changes(SamplesPerPixel=3), UnsupportedImageError, "colour"),
        (Modality.MR, changes(Rows=None), UnsupportedImageError, "no image"),
        (Modality.MR, changes(ImagePositionPatient=None), HeaderError, "3 finite numbers"),
        (Modality.MR, changes(RescaleSlope="0", RescaleIntercept="0"), HeaderError, "slope other than 0"),
        (Modality.MR, changes(RescaleIntercept="3"), HeaderError, "slope other than 0"),
        (Modality.MR, changes(Rows=4097), HeaderError, "1 to 4096"),
        (Modality.XRAY, changes(PhotometricInterpretation="RGB"), UnsupportedImageError, "colour"),
        (Modality.XRAY, of_class(SecondaryCaptureImageStorage), UnsupportedImageError, "e.g. a screenshot"),
        (Modality.XRAY, changes(Rows=5121), HeaderError, "1 to 5120"),
        (Modality.XRAY, changes(ImagerPixelSpacing=None), HeaderError, "2 finite numbers"),
        (Modality.XRAY, changes(ImagerPixelSpacing=["0", "0.1"]), HeaderError, "pixel spacing"),
    ],
)
def test_what_is_impossible_is_refused_by_name(
    edited: Edited, modality: Modality, edit: Callable[[Dataset], None], kind: type[DicomError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        read_headers(edited(edit, modality=modality))


@pytest.mark.parametrize("cosines", [[0, 1, 0, 0, 0, -1], [1, 0, 0, 0, 0, -1], [0.8, 0.6, 0, 0, 0, -1]])
def test_mr_is_read_in_any_plane(edited: Edited, cosines: list[float]) -> None:
    (header,) = read_headers(edited(changes(ImageOrientationPatient=cosines), modality=Modality.MR))
    assert header.orientation == tuple(cosines)
