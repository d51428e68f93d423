from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import config
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, MRImageStorage

from medfake.dicom.header import read_headers
from medfake.dicom.projection import Projection
from medfake.dicom.reader import read_stored, read_volume
from medfake.dicom.series import find_series
from medfake.dicom.writer import SeriesTemplate, write_series
from medfake.errors import PixelDataError
from medfake.vocabulary import Evidence, Modality

Template = Callable[..., SeriesTemplate]
POSITIONS = np.array([(-201.0, -59.0, -515.800049 + 1.25 * index) for index in range(4)])


@pytest.mark.parametrize(("signed", "intercept"), [(True, 0), (False, -1024), (False, -1000)])
def test_what_is_written_is_read_back(
    tmp_path: Path, volume: np.ndarray, template: Template, signed: bool, intercept: int
) -> None:
    write_series(
        tmp_path, volume, POSITIONS, template(signed=signed, intercept=intercept), uid_seed="s", synthetic=None
    )
    ((series,), skipped) = find_series(tmp_path)
    assert skipped == []
    np.testing.assert_array_equal(read_volume(series.headers), volume)
    np.testing.assert_allclose([header.position_mm for header in series.headers], POSITIONS)
    assert {header.intercept for header in series.headers} == {intercept}


def test_the_same_arguments_make_the_same_bytes(tmp_path: Path, volume: np.ndarray, template: Template) -> None:
    for name in ("a", "b"):
        write_series(tmp_path / name, volume, POSITIONS, template(), uid_seed="s", synthetic=Evidence.PHANTOM)
    for index in range(4):
        assert (tmp_path / "a" / f"{index}.dcm").read_bytes() == (tmp_path / "b" / f"{index}.dcm").read_bytes()


def test_uids_are_valid_and_depend_on_the_seed(tmp_path: Path, write: Callable[..., Path]) -> None:
    first = [pydicom.dcmread(path) for path in sorted(write(tmp_path / "a", seed="a").iterdir())]
    other = pydicom.dcmread(write(tmp_path / "b", seed="b") / "0.dcm")
    assert all(UID(uid).is_valid for one in first for uid in (one.SOPInstanceUID, one.SeriesInstanceUID))
    assert len({one.SOPInstanceUID for one in first}) == 4
    assert len({one.SeriesInstanceUID for one in first}) == 1
    assert other.SeriesInstanceUID != first[0].SeriesInstanceUID


@pytest.mark.parametrize("word", [Evidence.PHANTOM, Evidence.FORGED])
def test_a_synthetic_scan_says_so_in_its_header(
    tmp_path: Path, volume: np.ndarray, template: Template, word: str
) -> None:
    write_series(tmp_path, volume, POSITIONS, template(), uid_seed="s", synthetic=word)
    dataset = pydicom.dcmread(tmp_path / "0.dcm")
    assert list(dataset.ImageType[:2]) == ["DERIVED", "SECONDARY"]
    assert "Synthetic" in dataset.DerivationDescription
    (equipment,) = dataset.ContributingEquipmentSequence
    assert equipment.PurposeOfReferenceCodeSequence[0].CodingSchemeDesignator == "DCM"
    assert read_headers(tmp_path / "0.dcm")[0].synthetic == word


def test_a_real_scan_carries_no_mark(tmp_path: Path, write: Callable[..., Path]) -> None:
    dataset = pydicom.dcmread(write(tmp_path) / "0.dcm")
    assert dataset.ImageType[0] == "ORIGINAL"
    assert "DerivationDescription" not in dataset
    assert "ContributingEquipmentSequence" not in dataset


def test_every_value_passes_strict_validation(tmp_path: Path, volume: np.ndarray, template: Template) -> None:
    write_series(tmp_path, volume, POSITIONS, template(), uid_seed="s", synthetic="forged")
    with config.strict_reading():
        list(pydicom.dcmread(tmp_path / "0.dcm").iterall())


@pytest.mark.parametrize(("lowest", "fits"), [(-1000, True), (-1001, False)])
def test_a_value_that_does_not_fit_is_refused_and_nothing_is_written(
    tmp_path: Path, volume: np.ndarray, template: Template, lowest: int, fits: bool
) -> None:
    shown = volume.copy()
    shown[0, 0, 0] = lowest
    arguments = (tmp_path / "out", shown, POSITIONS, template(signed=False, intercept=-1000))
    if fits:
        write_series(*arguments, uid_seed="s", synthetic=None)
        return
    with pytest.raises(PixelDataError, match="stored values"):
        write_series(*arguments, uid_seed="s", synthetic=None)
    assert not (tmp_path / "out").exists()


def test_a_copy_of_a_series_differs_in_its_pixels_only(tmp_path: Path, write: Callable[..., Path]) -> None:
    ((series,), _) = find_series(write(tmp_path / "a", signed=False, intercept=-1024))
    positions = np.array([header.position_mm for header in series.headers])
    copied = SeriesTemplate.from_series(series)
    write_series(tmp_path / "b", read_volume(series.headers) + 1, positions, copied, uid_seed="b", synthetic="forged")
    first, second = series.headers[0], find_series(tmp_path / "b")[0][0].headers[0]
    for name in ("patient_id", "manufacturer", "model", "kernel", "thickness_mm", "spacing_mm", "intercept", "signed"):
        assert getattr(first, name) == getattr(second, name), name


@pytest.mark.parametrize("count", [0, 3])
def test_as_many_positions_as_slices_are_needed(
    tmp_path: Path, volume: np.ndarray, template: Template, count: int
) -> None:
    with pytest.raises(PixelDataError, match="one position"):
        write_series(tmp_path / "out", volume, POSITIONS[:count], template(), uid_seed="s", synthetic=None)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("keyword", ["KVP", "AcquisitionNumber", "PatientPosition"])
def test_fields_that_the_ct_module_demands_are_there(tmp_path: Path, write: Callable[..., Path], keyword: str) -> None:
    assert keyword in pydicom.dcmread(write(tmp_path) / "0.dcm")


@pytest.mark.parametrize(
    ("slope", "intercept", "exact"), [(1, -1000, True), (0.5, -1000.5, True), (1, -1000.5, False), (2, 0, False)]
)
def test_values_are_written_only_when_they_read_back_the_same(
    tmp_path: Path, volume: np.ndarray, template: Template, slope: float, intercept: float, exact: bool
) -> None:
    arguments = (tmp_path / "out", volume, POSITIONS, template(slope=slope, intercept=intercept))
    if exact:
        write_series(*arguments, uid_seed="s", synthetic=None)
        np.testing.assert_array_equal(read_volume(find_series(tmp_path)[0][0].headers), volume)
        return
    with pytest.raises(PixelDataError, match="exactly"):
        write_series(*arguments, uid_seed="s", synthetic=None)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("padding", [{"padding": -2000}, {"padding": -2000, "padding_limit": -1990}])
def test_a_copy_keeps_padding_slope_and_intercept(
    tmp_path: Path, write: Callable[..., Path], padding: dict[str, int]
) -> None:
    ((series,), _) = find_series(write(tmp_path / "a", slope=0.5, intercept=-1000.5, **padding))
    copied = SeriesTemplate.from_series(series)
    positions = np.array([header.position_mm for header in series.headers])
    write_series(tmp_path / "b", read_volume(series.headers), positions, copied, uid_seed="b", synthetic="forged")
    first, second = series.headers[0], find_series(tmp_path / "b")[0][0].headers[0]
    assert first.padding == second.padding == (-2000, padding.get("padding_limit", -2000))
    assert (first.slope, first.intercept) == (second.slope, second.intercept) == (0.5, -1000.5)


@pytest.mark.parametrize(("padding", "written"), [(32767, True), (32768, False)])
def test_padding_beyond_the_stored_type_is_not_written(
    tmp_path: Path, write: Callable[..., Path], padding: int, written: bool
) -> None:
    assert ("PixelPaddingValue" in pydicom.dcmread(write(tmp_path, padding=padding) / "0.dcm")) == written


def test_the_nearest_that_can_be_stored_is_stored(template: Template) -> None:
    unsigned = template(intercept=-1000, slope=1, signed=False)
    given = np.array([[-1012, -1000, 7, 3000]], np.int16)
    assert unsigned.storable(given).tolist() == [[-1000, -1000, 7, 3000]]
    coarse = template(intercept=-1000, slope=3, signed=True)
    assert coarse.storable(given).tolist() == [[-1012, -1000, 8, 2999]]
    np.testing.assert_array_equal(coarse.storable(coarse.storable(given)), coarse.storable(given))


@pytest.mark.parametrize(
    ("modality", "sop_class", "word"),
    [
        (Modality.MR, MRImageStorage, "MR"),
        (Modality.XRAY, DigitalXRayImageStorageForPresentation, "DX"),
    ],
)
def test_mr_and_x_ray_keep_the_stored_values_that_they_are_given(
    tmp_path: Path, template: Template, modality: Modality, sop_class: str, word: str
) -> None:
    stored = np.random.default_rng(0).integers(0, 4096, (4, 16, 12)).astype(np.uint16)
    made = template(modality=modality, signed=False, bits_stored=12, slope=2, intercept=-3, body_part="CHEST")
    write_series(tmp_path, stored, POSITIONS, made, uid_seed="s", synthetic=Evidence.PHANTOM)
    dataset = pydicom.dcmread(tmp_path / "0.dcm")
    assert (dataset.SOPClassUID, dataset.Modality, dataset.BitsStored) == (sop_class, word, 12)
    assert "Synthetic" in dataset.DerivationDescription
    series, skipped = find_series(tmp_path, modality=modality)
    assert skipped == []
    headers = [header for one in series for header in one.headers]
    np.testing.assert_array_equal(read_stored(headers), stored)
    assert {header.synthetic for header in headers} == {Evidence.PHANTOM}


@pytest.mark.parametrize("modality", [Modality.MR, Modality.XRAY])
def test_values_beyond_the_stored_bits_are_refused(tmp_path: Path, template: Template, modality: Modality) -> None:
    made = template(modality=modality, signed=False, bits_stored=12)
    for value, fine in ((4095, True), (4096, False)):
        image = np.full((1, 16, 12), value, np.uint16)
        if fine:
            write_series(tmp_path, image, np.zeros((1, 3)), made, uid_seed="s", synthetic=None)
            continue
        with pytest.raises(PixelDataError, match=r"must lie within 0\.\.4095"):
            write_series(tmp_path, image, np.zeros((1, 3)), made, uid_seed="s", synthetic=None)


@pytest.mark.parametrize("modality", [Modality.MR, Modality.XRAY])
def test_a_copy_of_what_was_read_is_read_alike(
    tmp_path: Path, write: Callable[..., Path], volume: np.ndarray, modality: Modality
) -> None:
    write(tmp_path / "one", modality=modality, body_part="CHEST", echo_ms=90, monochrome1=modality is Modality.XRAY)
    before, _ = find_series(tmp_path / "one", modality=modality)
    for number, series in enumerate(before):
        positions = np.array([header.position_mm for header in series.headers])
        made, stored = SeriesTemplate.from_series(series), read_stored(series.headers)
        write_series(tmp_path / "two" / str(number), stored, positions, made, uid_seed="t", synthetic=None)
    after, _ = find_series(tmp_path / "two", modality=modality)
    assert len(after) == len(before)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(read_volume(one.headers), read_volume(other.headers))
        for name in ("body_part", "bits_stored", "projection", "monochrome1", "spacing_mm", "padding"):
            assert getattr(one.headers[0], name) == getattr(other.headers[0], name)
        assert one.headers[0].contrast.echo_ms == other.headers[0].contrast.echo_ms


def test_a_radiograph_that_says_nothing_of_its_values_is_written_as_it_is_shown(
    tmp_path: Path, volume: np.ndarray, template: Template
) -> None:
    made = template(modality=Modality.XRAY, projection=Projection(), monochrome1=True)
    write_series(tmp_path, volume[:1], POSITIONS[:1], made, uid_seed="s", synthetic=None)
    (header,) = read_headers(tmp_path / "0.dcm")
    assert (header.projection.sign, header.monochrome1, header.dense_is_dark) == (1, True, True)
