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
from tests.dicom.conftest import changes

Edited = Callable[..., Path]


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
    edit = changes(BodyPartExamined="CHEST ", SeriesNumber="3000522", AcquisitionNumber="2", FrameOfReferenceUID="1.2")
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
        ({"Modality": "US"}, UnsupportedImageError, "no CT image"),
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
        ({"PhotometricInterpretation": "PALETTE COLOR"}, UnsupportedImageError, "colour"),
        ({"PhotometricInterpretation": "RGB"}, UnsupportedImageError, "colour"),
        ({"PhotometricInterpretation": None}, HeaderError, "expected a value"),
        ({"SamplesPerPixel": None}, HeaderError, "expected a value"),
        ({"ImageType": ["DERIVED", "PRIMARY", "AXIAL", "EFF_ATOMIC_NUM"]}, UnsupportedImageError, "no Hounsfield"),
        ({"Modality": "PT"}, UnsupportedImageError, "no CT image"),
        ({"Rows": None}, UnsupportedImageError, "no image"),
        ({"Rows": 0}, HeaderError, "4096"),
        ({"BitsAllocated": None}, HeaderError, "8, 16 or 32"),
        ({"BitsStored": None}, HeaderError, "within 1 to 16"),
        ({"BitsStored": 17}, HeaderError, "within 1 to 16"),
        ({"BitsStored": 0}, HeaderError, "within 1 to 16"),
        ({"BitsStored": 12, "HighBit": 15}, HeaderError, "expected 11"),
        ({"PixelRepresentation": None}, HeaderError, "0 or 1"),
        ({"PixelRepresentation": 2}, HeaderError, "0 or 1"),
        ({"PixelSpacing": ["0", "0.7"]}, HeaderError, "pixel spacing"),
        ({"PixelSpacing": ["10.1", "0.7"]}, HeaderError, "pixel spacing"),
    ],
)
def test_an_impossible_header_is_refused_by_name(
    edited: Edited, values: dict[str, object], kind: type[DicomError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        read_headers(edited(changes(**values)))


@pytest.mark.parametrize(
    ("values", "element", "received"),
    [
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "(0028,0004) Photometric Interpretation", "PALETTE COLOR"),
        ({"Modality": "NM"}, "(0008,0060) Modality", "NM"),
        ({"RescaleType": "OD"}, "(0028,1054) Rescale Type", "OD"),
        ({"RescaleSlope": None}, "(0028,1053) Rescale Slope", "nothing"),
        ({"RescaleIntercept": None}, "(0028,1052) Rescale Intercept", "nothing"),
        ({"PixelSpacing": ["0.7", "0.7", "0.7"]}, "(0028,0030) Pixel Spacing", "0.7\\0.7\\0.7"),
        ({"ImagePositionPatient": None}, "(0020,0032) Image Position (Patient)", "nothing"),
        ({"BitsStored": 17}, "(0028,0101) Bits Stored", "17"),
        ({"HighBit": 14}, "(0028,0102) High Bit", "14"),
        ({"PixelData": None}, "(7FE0,0010) Pixel Data", None),
    ],
)
def test_a_refusal_names_the_element_what_it_held_and_what_to_do(
    edited: Edited, values: dict[str, object], element: str, received: str | None
) -> None:
    with pytest.raises(DicomError) as caught:
        read_headers(edited(changes(**values)))
    assert (caught.value.element, caught.value.received) == (element, received)
    assert caught.value.remedy
    assert caught.value.reason.startswith(f"{element}: ")


def test_a_decimal_comma_is_read_as_a_point(edited: Edited) -> None:
    path = edited(changes(PixelSpacing=["0.75", "0.75"], RescaleIntercept="-1024.0", SliceThickness="1.25"))
    whole = path.read_bytes()
    for number in (b"0.75", b"-1024.0", b"1.25"):
        assert number in whole
        whole = whole.replace(number, number.replace(b".", b","))
    path.write_bytes(whole)
    (header,) = read_headers(path)
    assert (header.spacing_mm, header.intercept, header.thickness_mm) == ((0.75, 0.75), -1024, 1.25)


@pytest.mark.parametrize("text", [b"0,7,5", b"0;75 ", b"O,75 "])
def test_what_is_no_number_is_refused_with_what_it_was(edited: Edited, text: bytes) -> None:
    path = edited(changes(PixelSpacing=["0.755", "0.755"]))
    path.write_bytes(path.read_bytes().replace(b"0.755", text))
    with pytest.raises(HeaderError) as caught:
        read_headers(path)
    shown = text.decode().strip()
    assert caught.value.reason == (rf"(0028,0030) Pixel Spacing: expected 2 finite numbers, received {shown}\{shown}")


@pytest.mark.parametrize("thickness", ["0", "-1", None])
def test_a_thickness_that_is_no_length_is_unknown(edited: Edited, thickness: str | None) -> None:
    assert read_headers(edited(changes(SliceThickness=thickness)))[0].thickness_mm is None


@pytest.mark.parametrize("words", ["MONOCHROME1", "monochrome2"])
def test_grey_images_are_read(edited: Edited, words: str) -> None:
    path = edited(changes(PhotometricInterpretation="MONOCHROME2"))
    path.write_bytes(path.read_bytes().replace(b"MONOCHROME2", words.encode()))
    assert read_headers(path)[0].monochrome1 == (words == "MONOCHROME1")


def test_bits_below_the_word_are_read(edited: Edited) -> None:
    assert read_headers(edited(changes(BitsStored=12, HighBit=11)))[0].bits_stored == 12


@pytest.mark.parametrize("start", [128, 132, 0])
def test_a_data_set_without_the_prefix_of_a_file_is_told_so(edited: Edited, start: int) -> None:
    path = edited(lambda _: None)
    whole = path.read_bytes()
    path.write_bytes(whole[start or 144 + int.from_bytes(whole[140:144], "little") :])  # with DICM, meta, or neither
    with pytest.raises(NotDicomError, match=r"DICM.*PS3\.10 7\.1.*dcmconv") as caught:
        read_headers(path)
    assert caught.value.remedy == "dcmconv edited.dcm mended-edited.dcm"


@pytest.mark.parametrize("content", [b"\x08\0", b"slice,x,y\n", bytes(200), b"\x08\0\x05\0zz" + bytes(190)])
def test_what_is_no_data_set_is_not_told_to_lack_a_prefix(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text.dcm"
    path.write_bytes(content)
    with pytest.raises(NotDicomError, match="not a DICOM file"):
        read_headers(path)


def test_a_value_that_names_the_patient_is_not_shown(edited: Edited) -> None:
    with pytest.raises(UnsupportedImageError) as caught:
        read_headers(edited(changes(PatientID="QX 77 PATIENT", Modality="QX 77 PATIENT")))
    assert "77" not in str(caught.value)


def test_the_largest_spacing_is_still_read(edited: Edited) -> None:
    assert read_headers(edited(changes(PixelSpacing=["10", "10"])))[0].spacing_mm == (10, 10)


@pytest.mark.parametrize("kind", ["HU", "US", "", None, "Houndsfield Unit", "HOUNSFIELD UNITS"])
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


def test_a_file_that_is_gone_is_told_as_that(tmp_path: Path) -> None:
    with pytest.raises(NotDicomError, match="the file is gone"):
        read_headers(tmp_path / "gone.dcm")
