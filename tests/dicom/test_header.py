import logging
import math
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import MediaStorageDirectoryStorage, SecondaryCaptureImageStorage

from medfake.dicom.header import read_headers
from medfake.errors import DicomError, HeaderError, NotDicomError, PixelDataError, UnsupportedImageError

Edited = Callable[..., Path]


def changes(**values: object) -> Callable[[Dataset], None]:
    def edit(dataset: Dataset) -> None:
        for keyword, value in values.items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)

    return edit


def test_a_header_tells_what_the_file_tells(edited: Edited) -> None:
    (header,) = read_headers(edited(lambda _: None))
    assert (header.rows, header.cols, header.frame) == (16, 12, 0)
    assert header.position_mm == (-10.0, -20.0, 2.0)
    assert header.orientation == (1, 0, 0, 0, 1, 0)
    assert header.spacing_mm == (0.7, 0.8)
    assert (header.thickness_mm, header.slope, header.intercept) == (2.0, 1.0, 0.0)
    assert (header.manufacturer, header.model, header.kernel) == ("ACME", "One", "B70f")
    assert (header.signed, header.bits_stored, header.lossy, header.synthetic) == (True, 16, False, None)


def test_each_frame_of_an_enhanced_file_has_a_header_from_its_functional_groups(enhanced: Path) -> None:
    headers = read_headers(enhanced)
    assert [header.frame for header in headers] == [0, 1, 2, 3]
    assert [header.position_mm[2] for header in headers] == [0, 2, 4, 6]
    assert {(header.intercept, header.spacing_mm, header.thickness_mm) for header in headers} == {
        (-1000, (0.7, 0.8), 2)
    }


def test_a_header_tells_part_of_the_body_series_and_acquisition(edited: Edited) -> None:
    edit = changes(BodyPartExamined="chest ", SeriesNumber="3000522", AcquisitionNumber="2", FrameOfReferenceUID="1.2")
    (header,) = read_headers(edited(edit))
    assert (header.body_part, header.series_number, header.acquisition_number) == ("CHEST", 3000522, 2)
    assert header.frame_of_reference_uid == "1.2"


def test_what_is_not_told_of_body_series_and_acquisition_is_empty(edited: Edited) -> None:
    edit = changes(SeriesNumber=None, AcquisitionNumber=None, FrameOfReferenceUID=None)
    (header,) = read_headers(edited(edit))
    assert (header.body_part, header.series_number, header.acquisition_number) == ("", None, None)
    assert header.frame_of_reference_uid == ""


def test_an_enhanced_file_tells_its_region_as_a_code(enhanced: Path) -> None:
    dataset = dcmread(enhanced)
    anatomy, region = Dataset(), Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = "51185008", "SCT", "Chest"
    anatomy.AnatomicRegionSequence = [region]
    dataset.SharedFunctionalGroupsSequence[0].FrameAnatomySequence = [anatomy]
    dataset.save_as(enhanced)
    assert {header.body_part for header in read_headers(enhanced)} == {"CHEST"}


def test_an_identifier_is_not_in_the_repr(edited: Edited) -> None:
    (header,) = read_headers(edited(lambda _: None))
    assert header.patient_id == "QX-PATIENT-77"
    shown = repr(header)
    assert not any(secret in shown for secret in (header.patient_id, header.series_uid, header.sop_uid))


@pytest.mark.parametrize("uid", ["0", "1", ""])
def test_invalid_instance_uids_are_read(edited: Edited, uid: str) -> None:
    assert read_headers(edited(changes(SOPInstanceUID=uid)))[0].sop_uid == uid


@pytest.mark.parametrize("sop_class", [SecondaryCaptureImageStorage, None])
def test_ct_with_geometry_is_read_whatever_its_class(edited: Edited, sop_class: str | None) -> None:
    assert len(read_headers(edited(changes(SOPClassUID=sop_class)))) == 1


@pytest.mark.parametrize(
    ("values", "kind", "words"),
    [
        ({"Modality": "MR"}, UnsupportedImageError, "no CT image"),
        ({"Modality": None}, UnsupportedImageError, "no CT image"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, UnsupportedImageError, "localizer"),
        ({"SamplesPerPixel": 3}, UnsupportedImageError, "colour"),
        ({"NumberOfFrames": "2"}, UnsupportedImageError, "without positions"),
        ({"NumberOfFrames": "5001"}, HeaderError, "frames"),
        ({"Rows": 4097}, HeaderError, "4096"),
        ({"Rows": 4096, "Columns": 4096}, PixelDataError, "too short"),
        ({"Columns": 13}, PixelDataError, "too short"),
        ({"Columns": 11}, PixelDataError, "too long"),
        ({"BitsAllocated": 12}, HeaderError, "8, 16 or 32"),
        ({"ImagePositionPatient": None}, HeaderError, "3 finite numbers"),
        ({"ImageOrientationPatient": [1, 0, 0]}, HeaderError, "6 finite numbers"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, HeaderError, "right angle"),
        ({"ImageOrientationPatient": [2, 0, 0, 0, 1, 0]}, HeaderError, "unit vectors"),
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}, UnsupportedImageError, "sagittal"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, UnsupportedImageError, "coronal"),
        ({"RescaleType": "Z_EFF"}, UnsupportedImageError, "no Hounsfield units"),
        ({"PixelSpacing": ["0", "0.7"]}, HeaderError, "pixel spacing"),
        ({"PixelSpacing": ["10.1", "0.7"]}, HeaderError, "pixel spacing"),
    ],
)
def test_an_impossible_header_is_refused_by_name(
    edited: Edited, values: dict[str, object], kind: type[DicomError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        read_headers(edited(changes(**values)))


def test_the_largest_spacing_is_still_read(edited: Edited) -> None:
    assert read_headers(edited(changes(PixelSpacing=["10", "10"])))[0].spacing_mm == (10, 10)


@pytest.mark.parametrize("kind", ["HU", "US", "", None])
def test_hounsfield_and_unspecified_rescale_types_are_read(edited: Edited, kind: str | None) -> None:
    assert len(read_headers(edited(changes(RescaleType=kind)))) == 1


@pytest.mark.parametrize(("degrees", "axial"), [(45, True), (46, False)])
def test_a_steep_image_is_axial_up_to_45_degrees(edited: Edited, degrees: float, axial: bool) -> None:
    angle = math.radians(degrees)
    path = edited(changes(ImageOrientationPatient=[1, 0, 0, 0, round(math.cos(angle), 6), round(math.sin(angle), 6)]))
    if axial:
        assert len(read_headers(path)) == 1
        return
    with pytest.raises(UnsupportedImageError):
        read_headers(path)


def test_an_odd_number_of_pixel_bytes_is_read_with_its_pad_byte(edited: Edited) -> None:
    pixels = bytes(5 * 3 + 1)
    edit = changes(Rows=5, Columns=3, BitsAllocated=8, BitsStored=8, HighBit=7, PixelData=pixels)
    assert read_headers(edited(edit))[0].rows == 5


def test_a_dicomdir_is_refused(edited: Edited) -> None:
    def edit(dataset: Dataset) -> None:
        dataset.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage

    with pytest.raises(UnsupportedImageError, match="DICOMDIR"):
        read_headers(edited(edit))


@pytest.mark.parametrize("content", [b"", b"slice,x,y\n1,2,3\n", b"\0" * 4096])
def test_a_file_that_is_no_dicom_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text.dcm"
    path.write_bytes(content)
    with pytest.raises(NotDicomError):
        read_headers(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(edited: Edited) -> None:
    path = edited(lambda _: None)
    path.chmod(0)
    with pytest.raises(NotDicomError, match="permission denied"):
        read_headers(path)


def test_errors_name_the_file_and_no_identifier(edited: Edited) -> None:
    path = edited(changes(ImagePositionPatient=None))
    with pytest.raises(HeaderError) as caught:
        read_headers(path)
    assert str(path) in str(caught.value)
    assert "QX-PATIENT-77" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_no_warning_quotes_a_value_of_the_file(edited: Edited) -> None:
    path = edited(lambda _: None)
    path.write_bytes(path.read_bytes().replace(b"ISO_IR 192", b"SECRET 192"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_headers(path)
    assert caught == []


def test_no_warning_quotes_a_value_of_a_nested_item(edited: Edited) -> None:
    def edit(dataset: Dataset) -> None:
        item = Dataset()
        item.SpecificCharacterSet, item.Manufacturer = "ISO_IR 192", "ACME"
        dataset.ContributingEquipmentSequence = [item]

    path = edited(edit)
    whole = path.read_bytes()
    last = whole.rindex(b"ISO_IR 192")
    path.write_bytes(whole[:last] + b"SECRET 192" + whole[last + 10 :])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_headers(path)
    assert caught == []


def test_no_log_line_quotes_a_value_of_the_file(edited: Edited, caplog: pytest.LogCaptureFixture) -> None:
    path = edited(lambda _: None)
    path.write_bytes(path.read_bytes().replace(b"ISO_IR 192", b"SECRET 192"))
    with caplog.at_level(logging.WARNING):
        read_headers(path)
    assert "SECRET" not in caplog.text


@pytest.mark.parametrize("values", [{"RescaleSlope": None}, {"RescaleIntercept": None}, {"RescaleSlope": "0"}])
def test_a_missing_or_zero_rescale_is_refused(edited: Edited, values: dict[str, object]) -> None:
    with pytest.raises(HeaderError):
        read_headers(edited(changes(**values)))


def test_an_orientation_of_zeros_is_refused(edited: Edited) -> None:
    with pytest.raises(HeaderError):
        read_headers(edited(changes(ImageOrientationPatient=[0, 0, 0, 0, 0, 0])))


def test_a_file_without_pixels_is_refused_before_decoding(edited: Edited) -> None:
    with pytest.raises(PixelDataError):
        read_headers(edited(changes(PixelData=None)))
