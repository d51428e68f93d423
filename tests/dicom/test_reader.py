from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from medfake.dicom.header import read_headers
from medfake.dicom.normalised import DARKEST, normalise
from medfake.dicom.reader import AIR_HU, read_slice, read_volume
from medfake.errors import DicomError, PixelDataError
from medfake.vocabulary import Modality

Edited = Callable[..., Path]


def read(path: Path) -> np.ndarray:
    return read_slice(read_headers(path)[0])


def test_a_slice_is_int16_hounsfield_units(edited: Edited, volume: np.ndarray) -> None:
    decoded = read(edited(lambda _: None))
    assert decoded.dtype == np.int16
    np.testing.assert_array_equal(decoded, volume[1])


def test_slope_and_intercept_come_from_the_header_and_are_rounded(edited: Edited, volume: np.ndarray) -> None:
    def edit(dataset: Dataset) -> None:
        dataset.RescaleSlope, dataset.RescaleIntercept = "0.5", "-7"

    np.testing.assert_array_equal(read(edited(edit)), np.rint(volume[1] * 0.5 - 7))


@pytest.mark.parametrize(("slope", "expected"), [("1000", 32767), ("-1000", -32768)])
def test_values_beyond_int16_are_clipped(edited: Edited, slope: str, expected: int) -> None:
    def edit(dataset: Dataset) -> None:
        dataset.RescaleSlope = slope

    assert read(edited(edit))[-1, -1] == expected  # stored value 83


def test_a_modality_lut_replaces_slope_and_intercept(edited: Edited) -> None:
    def edit(dataset: Dataset) -> None:
        table = Dataset()
        table.LUTDescriptor, table.ModalityLUTType = [4, 0, 16], "HU"
        table["LUTDescriptor"].VR = "US"
        table.add_new("LUTData", "US", [10, 20, 30, 40])
        dataset.ModalityLUTSequence = Sequence([table])
        dataset.PixelRepresentation = 0
        dataset.PixelData = (np.arange(16 * 12) % 4).astype("<u2").tobytes()

    assert read(edited(edit))[0, :4].tolist() == [10, 20, 30, 40]


def test_padding_becomes_air_and_its_neighbours_stay(edited: Edited, volume: np.ndarray) -> None:
    value = int(volume[1, 3, 4])

    def edit(dataset: Dataset) -> None:
        dataset.add_new("PixelPaddingValue", "SS", value)
        dataset.add_new("PixelPaddingRangeLimit", "SS", value + 1)

    expected = volume[1].copy()
    expected[3, 4:6] = AIR_HU
    np.testing.assert_array_equal(read(edited(edit)), expected)


def test_padding_written_unsigned_masks_signed_pixels(edited: Edited) -> None:
    def edit(dataset: Dataset) -> None:
        dataset.PixelData = np.full((16, 12), -2000, "<i2").tobytes()
        dataset.add_new("PixelPaddingValue", "US", 65536 - 2000)

    assert (read(edited(edit)) == AIR_HU).all()


def test_a_padding_range_written_unsigned_is_ordered_after_wrapping(edited: Edited) -> None:
    def edit(dataset: Dataset) -> None:
        dataset.PixelData = np.resize(np.array([-1, 0, 1, 2], "<i2"), (16, 12)).tobytes()
        dataset.add_new("PixelPaddingValue", "US", 65535)
        dataset.add_new("PixelPaddingRangeLimit", "US", 1)

    assert read(edited(edit))[0, :4].tolist() == [AIR_HU, AIR_HU, AIR_HU, 2]


def test_monochrome1_changes_the_display_and_no_hounsfield_unit(edited: Edited, volume: np.ndarray) -> None:
    def edit(dataset: Dataset) -> None:
        dataset.PhotometricInterpretation = "MONOCHROME1"

    path = edited(edit)
    assert read_headers(path)[0].monochrome1
    np.testing.assert_array_equal(read(path), volume[1])


def test_frames_of_an_enhanced_file_are_read(enhanced: Path, volume: np.ndarray) -> None:
    headers = read_headers(enhanced)
    np.testing.assert_array_equal(read_volume(headers), volume)
    np.testing.assert_array_equal(read_slice(headers[2]), volume[2])


def test_a_volume_keeps_the_order_asked_for(tmp_path: Path, write: Callable[..., Path], volume: np.ndarray) -> None:
    folder = write(tmp_path / "scan")
    headers = [read_headers(folder / f"{index}.dcm")[0] for index in (3, 0, 2)]
    np.testing.assert_array_equal(read_volume(headers), volume[[3, 0, 2]])


def test_rle_is_decoded(edited: Edited, volume: np.ndarray) -> None:
    np.testing.assert_array_equal(read(edited(lambda dataset: dataset.compress(RLELossless))), volume[1])


@pytest.mark.parametrize(("stored", "expected"), [(32767, 32767 - 40000), (7232, -32768), (7231, -32768)])
def test_an_intercept_beyond_int16_is_added_and_clipped(edited: Edited, stored: int, expected: int) -> None:
    def edit(dataset: Dataset) -> None:
        dataset.RescaleIntercept = "-40000"
        dataset.PixelData = np.full((16, 12), stored, "<i2").tobytes()

    assert (read(edited(edit)) == expected).all()


@pytest.mark.parametrize(("place", "name"), [(8, "width"), (12, "height")])
def test_a_codestream_larger_than_its_header_is_refused_before_it_is_decoded(
    tmp_path: Path, place: int, name: str
) -> None:
    whole = bytearray(Path(str(get_testdata_file("693_J2KI.dcm", download=False))).read_bytes())
    start = whole.index(b"\xff\x4f\xff\x51") + place
    whole[start : start + 4] = (1 << 30).to_bytes(4, "big")
    (tmp_path / name).write_bytes(whole)
    with pytest.raises(PixelDataError, match=str(1 << 30)):
        read(tmp_path / name)


def test_a_file_without_slope_but_with_a_modality_lut_is_read(edited: Edited) -> None:
    def edit(dataset: Dataset) -> None:
        table = Dataset()
        table.LUTDescriptor, table.ModalityLUTType = [2, 0, 16], "HU"
        table["LUTDescriptor"].VR = "US"
        table.add_new("LUTData", "US", [10, 20])
        dataset.ModalityLUTSequence = Sequence([table])
        del dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType
        dataset.PixelRepresentation = 0
        dataset.PixelData = bytes(16 * 12 * 2)

    assert (read(edited(edit)) == 10).all()


@pytest.mark.parametrize("name", ["693_J2KI.dcm", "J2K_pixelrep_mismatch.dcm"])
def test_jpeg_2000_is_decoded_as_pydicom_does(name: str) -> None:
    path = Path(str(get_testdata_file(name, download=False)))
    dataset = pydicom.dcmread(path)
    expected = np.rint(dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept))
    decoded = read(path)
    inside = decoded != AIR_HU
    assert inside.any()
    np.testing.assert_array_equal(decoded[inside], expected[inside])


def test_a_deflated_file_is_read(edited: Edited, volume: np.ndarray) -> None:
    def edit(dataset: Dataset) -> None:
        dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian

    np.testing.assert_array_equal(read(edited(edit)), volume[1])


def test_a_deflated_file_smaller_than_its_pixels_is_read(edited: Edited) -> None:
    def edit(dataset: Dataset) -> None:
        dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        dataset.Rows = dataset.Columns = 256
        dataset.PixelData = bytes(256 * 256 * 2)

    assert (read(edited(edit)) == 0).all()


def test_a_deflated_file_cut_in_its_pixels_is_refused(edited: Edited) -> None:
    path = edited(lambda dataset: setattr(dataset.file_meta, "TransferSyntaxUID", DeflatedExplicitVRLittleEndian))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DicomError):
        read(path)


@pytest.mark.parametrize("rows", [8, 17])
def test_rows_that_lie_about_the_pixels_are_refused(edited: Edited, rows: int) -> None:
    with pytest.raises(DicomError):
        read(edited(lambda dataset: setattr(dataset, "Rows", rows)))


def test_columns_that_lie_about_the_pixels_are_refused(edited: Edited) -> None:
    with pytest.raises(DicomError):
        read(edited(lambda dataset: setattr(dataset, "Columns", 11)))


def test_a_file_cut_in_its_pixels_is_refused(edited: Edited) -> None:
    path = edited(lambda _: None)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DicomError):
        read(path)


def test_slices_of_different_shapes_are_refused(tmp_path: Path, write: Callable[..., Path], edited: Edited) -> None:
    other = edited(lambda dataset: (setattr(dataset, "Rows", 12), setattr(dataset, "Columns", 16)))
    with pytest.raises(DicomError):
        read_volume([*read_headers(write(tmp_path / "scan") / "0.dcm"), *read_headers(other)])


def test_a_volume_of_no_slices_is_refused() -> None:
    with pytest.raises(PixelDataError, match="0 slices"):
        read_volume([])


@pytest.mark.parametrize("modality", [Modality.MR, Modality.XRAY])
@pytest.mark.parametrize("syntax", [RLELossless, DeflatedExplicitVRLittleEndian])
def test_mr_and_x_ray_are_read_alike_in_other_transfer_syntaxes(
    edited: Edited, modality: Modality, syntax: str
) -> None:
    def stored(dataset: Dataset) -> None:
        if syntax == RLELossless:
            dataset.compress(syntax, generate_instance_uid=False)
        dataset.file_meta.TransferSyntaxUID = syntax

    plain = read(edited(lambda _: None, modality=modality))
    np.testing.assert_array_equal(read(edited(stored, "other.dcm", modality)), plain)


def test_padding_of_mr_is_darkest_and_changes_nothing_else(edited: Edited, volume: np.ndarray) -> None:
    def padded(dataset: Dataset) -> None:
        pixels = volume[1].copy()
        pixels[:, :3] = -2000
        dataset.PixelData = pixels.astype("<i2").tobytes()
        dataset.add_new("PixelPaddingValue", "SS", -2000)

    units = read(edited(padded, modality=Modality.MR))
    assert (units[:, :3] == DARKEST).all()
    np.testing.assert_array_equal(units[:, 3:], normalise(volume[1][:, 3:], None, Path("x.dcm")))


@pytest.mark.parametrize("modality", [Modality.MR, Modality.XRAY])
def test_an_image_that_shows_nothing_is_refused(edited: Edited, modality: Modality) -> None:
    path = edited(lambda dataset: setattr(dataset, "PixelData", bytes(2 * 16 * 12)), modality=modality)
    with pytest.raises(PixelDataError, match="shows nothing"):
        read(path)


def test_mr_with_a_falling_slope_is_turned(edited: Edited) -> None:
    def turned(dataset: Dataset) -> None:
        dataset.RescaleSlope, dataset.RescaleIntercept = "-1", "4000"

    plain, other = read(edited(lambda _: None, modality=Modality.MR)), read(edited(turned, "t.dcm", Modality.MR))
    assert np.corrcoef(plain.ravel(), other.ravel())[0, 1] < -0.999


def test_a_broken_table_of_a_radiograph_is_refused(edited: Edited) -> None:
    def broken(dataset: Dataset) -> None:
        table = Dataset()
        table.LUTDescriptor, table.ModalityLUTType = [4096, 0, 16], "US"
        table.add_new("LUTData", "OW", b"\0\0")
        dataset.ModalityLUTSequence = Sequence([table])

    with pytest.raises(PixelDataError, match="cannot be decoded"):
        read(edited(broken, modality=Modality.XRAY))
