"""What is one series: rounding parts nothing, and nothing but a series is put together."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from medfake.dicom import instances
from medfake.dicom.instances import REPEATED
from medfake.dicom.series import Series, find_series, group_series

Write = Callable[..., Path]


def edit_each(folder: Path, edit: Callable[[Dataset, int], None]) -> None:
    """Change every file, told its number."""
    for path in sorted(folder.iterdir()):
        dataset = pydicom.dcmread(path)
        edit(dataset, int(path.stem))
        dataset.save_as(path)


def sizes(series: list[Series]) -> list[int]:
    return [len(one.headers) for one in series]


@pytest.fixture
def scan(tmp_path: Path, write: Write) -> Path:
    return write(tmp_path / "scan", z_mm=tuple(range(0, 20, 2)))


def rotated(angle: float) -> list[str]:
    cos, sin = math.cos(angle), math.sin(angle)
    return [f"{number:.9f}" for number in (cos, sin, 0, -sin, cos, 0)]


@pytest.mark.parametrize("edge", [0.000499, 0.0005, 0.012499])
def test_rounded_directions_part_no_series(scan: Path, edge: float) -> None:
    edit_each(scan, lambda dataset, n: setattr(dataset, "ImageOrientationPatient", rotated(edge + 2e-6 * (n % 2))))
    ((series,), _) = find_series(scan)
    assert (len(series.headers), series.quality_flags) == (10, ())


def test_a_rounded_spacing_parts_no_series(scan: Path) -> None:
    edit_each(scan, lambda dataset, n: setattr(dataset, "PixelSpacing", ["0.68", "0.68" if n % 2 else "0.6800001"]))
    assert sizes(find_series(scan)[0]) == [10]


@pytest.mark.parametrize(("angle", "parts"), [(1.9e-3, 1), (2.1e-3, 2)])
def test_another_direction_is_another_series(scan: Path, angle: float, parts: int) -> None:
    edit_each(scan, lambda dataset, n: setattr(dataset, "ImageOrientationPatient", rotated(angle * (n % 2))))
    assert len(find_series(scan)[0]) == parts


@pytest.mark.parametrize(("spacing", "parts"), [("0.68067", 1), ("0.6807", 2)])
def test_another_spacing_is_another_series(scan: Path, spacing: str, parts: int) -> None:
    edit_each(scan, lambda dataset, n: setattr(dataset, "PixelSpacing", ["0.68", "0.68"] if n % 2 else [spacing] * 2))
    assert len(find_series(scan)[0]) == parts


def test_a_series_depends_on_no_order_of_its_files(scan: Path) -> None:
    edit_each(scan, lambda dataset, n: setattr(dataset, "ImageOrientationPatient", rotated(1e-3 * n)))
    headers = list(find_series(scan)[0][0].headers)
    assert len(headers) == 10  # a chain whose ends are farther apart than the tolerance
    for seed in range(5):
        shuffled = [headers[index] for index in np.random.default_rng(seed).permutation(10)]
        ((again,), _) = group_series(shuffled)
        assert [header.path.name for header in again.headers] == [f"{n}.dcm" for n in range(10)]
        assert again.identity == find_series(scan)[0][0].identity


def test_a_thickness_that_is_rounded_is_not_mixed(scan: Path) -> None:
    edit_each(scan, lambda dataset, n: setattr(dataset, "SliceThickness", "2.0" if n % 2 else "1.9999"))
    assert find_series(scan)[0][0].quality_flags == ()


def test_an_image_that_is_there_twice_counts_once(scan: Path) -> None:
    for n in (3, 4, 5):
        shutil.copy(scan / f"{n}.dcm", scan / f"{n} (1).dcm")
    ((series,), skipped) = find_series(scan)
    assert [header.path.name for header in series.headers] == [f"{n}.dcm" for n in range(10)]
    assert [(one.path.name, one.reason) for one in skipped] == [(f"{n} (1).dcm", REPEATED) for n in (3, 4, 5)]
    assert series.quality_flags == ()


def test_an_image_that_was_exported_again_counts_once(scan: Path) -> None:
    dataset = pydicom.dcmread(scan / "3.dcm")
    dataset.InstanceCreationDate = "20200101"
    dataset.save_as(scan / "3 (1).dcm")
    assert sizes(find_series(scan)[0]) == [10]


def test_images_that_differ_in_one_value_are_two(scan: Path) -> None:
    """Even where both are far beyond what is looked at."""
    dataset = pydicom.dcmread(scan / "3.dcm")
    for number, value in enumerate((30_000, 30_001)):
        pixels = dataset.pixel_array.copy()
        pixels[0, 0] = value
        dataset.PixelData = pixels.tobytes()
        dataset.save_as(scan / f"3 ({number}).dcm")
    assert sizes(find_series(scan)[0]) == [12]


def test_the_same_values_that_mean_something_else_are_another_image(scan: Path) -> None:
    dataset = pydicom.dcmread(scan / "3.dcm")
    dataset.RescaleIntercept = "-500"
    dataset.save_as(scan / "3 (1).dcm")
    ((series,), skipped) = find_series(scan)
    assert (len(series.headers), series.quality_flags, skipped) == (11, ("duplicate", "instance"), [])


def test_an_image_behind_a_table_that_was_exported_again_counts_once(scan: Path) -> None:
    dataset = pydicom.dcmread(scan / "3.dcm")
    table = pydicom.Dataset()
    table.LUTDescriptor, table.ModalityLUTType = [256, -1024, 16], "HU"
    table.add_new("LUTData", "OW", np.arange(256, dtype="<u2").tobytes())
    dataset.ModalityLUTSequence = [table]
    del dataset.RescaleSlope, dataset.RescaleIntercept
    dataset.save_as(scan / "3.dcm")
    dataset.InstanceCreationDate = "20200101"
    dataset.save_as(scan / "3 (1).dcm")
    assert sizes(find_series(scan)[0]) == [10]


def test_each_image_of_one_uid_is_decoded_once(scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, decoded = pydicom.dcmread(scan / "3.dcm"), []
    read = instances.read_stored
    monkeypatch.setattr(instances, "read_stored", lambda one: decoded.append(one) or read(one))
    for number in range(8):
        dataset.PixelData = np.roll(dataset.pixel_array, number + 1).tobytes()
        dataset.save_as(scan / f"3 ({number}).dcm")
    assert sizes(find_series(scan)[0]) == [18]
    assert len(decoded) == 9


def test_one_uid_with_two_images_keeps_both_and_says_so(scan: Path) -> None:
    dataset = pydicom.dcmread(scan / "3.dcm")
    dataset.PixelData = np.flip(dataset.pixel_array).tobytes()
    dataset.save_as(scan / "3 (1).dcm")
    ((series,), skipped) = find_series(scan)
    assert (len(series.headers), series.quality_flags, skipped) == (11, ("duplicate", "instance"), [])
    assert series.z_index(dataset.SOPInstanceUID) is None


def test_one_uid_for_all_slices_loses_none(scan: Path) -> None:
    edit_each(scan, lambda dataset, _: setattr(dataset, "SOPInstanceUID", "1.2.3"))
    ((series,), _) = find_series(scan)
    assert (len(series.headers), series.quality_flags) == (10, ("instance",))


def test_the_same_image_in_two_folders_is_in_two_scans(tmp_path: Path, scan: Path) -> None:
    shutil.copytree(scan, tmp_path / "other")
    assert sizes(find_series(tmp_path)[0]) == [10, 10]


def test_an_instance_tells_its_slice(scan: Path) -> None:
    ((series,), _) = find_series(scan)
    assert [series.z_index(header.sop_uid) for header in series.headers] == list(range(10))
    assert series.z_index("1.2.3") is None


@pytest.mark.parametrize("keyword", ["SeriesNumber", "AcquisitionNumber"])
def test_series_without_uid_are_parted_by_their_numbers(scan: Path, keyword: str) -> None:
    def delete(dataset: Dataset, n: int) -> None:
        del dataset.SeriesInstanceUID
        dataset.SeriesNumber = dataset.AcquisitionNumber = None
        setattr(dataset, keyword, str(n % 2))

    edit_each(scan, delete)
    series, _ = find_series(scan)
    assert sizes(series) == [5, 5]
    assert {one.quality_flags for one in series} == {("series",)}
    assert len({one.identity for one in series}) == 2


def test_a_lone_scan_without_series_uid_stays_whole(scan: Path) -> None:
    def delete(dataset: Dataset, n: int) -> None:
        dataset.SeriesInstanceUID = ""
        dataset.AcquisitionNumber = str(n)  # of a table that moves between slices

    edit_each(scan, delete)
    assert sizes(find_series(scan)[0]) == [10]


def test_a_series_uid_a_slice_is_one_series(scan: Path) -> None:
    edit_each(scan, lambda dataset, _: setattr(dataset, "SeriesInstanceUID", generate_uid()))
    ((series,), _) = find_series(scan)
    assert (len(series.headers), series.quality_flags) == (10, ("series",))


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "FrameOfReferenceUID", "SeriesNumber"])
def test_single_slices_of_other_studies_or_series_stay_apart(scan: Path, keyword: str) -> None:
    def change(dataset: Dataset, n: int) -> None:
        dataset.SeriesInstanceUID = generate_uid()
        setattr(dataset, keyword, str(n) if keyword == "SeriesNumber" else generate_uid())

    edit_each(scan, change)
    assert sizes(find_series(scan)[0]) == [1] * 10


def test_single_slices_at_one_place_stay_apart(tmp_path: Path, write: Write) -> None:
    folder = write(tmp_path / "scan", z_mm=(0, 0, 2))
    edit_each(folder, lambda dataset, _: setattr(dataset, "SeriesInstanceUID", generate_uid()))
    assert sizes(find_series(folder)[0]) == [1, 1, 1]


def test_several_acquisitions_are_mixed(scan: Path) -> None:
    edit_each(scan, lambda dataset, n: setattr(dataset, "AcquisitionNumber", str(n // 5)))
    assert find_series(scan)[0][0].quality_flags == ("mixed",)


@pytest.mark.parametrize(
    ("keyword", "value"), [("AcquisitionNumber", str), ("FrameOfReferenceUID", lambda _: generate_uid())]
)
def test_what_each_slice_has_of_its_own_is_not_mixed(scan: Path, keyword: str, value: Callable[[int], str]) -> None:
    edit_each(scan, lambda dataset, n: setattr(dataset, keyword, value(n)))
    assert find_series(scan)[0][0].quality_flags == ()


@pytest.mark.parametrize(
    ("keyword", "value"), [("SeriesNumber", "9"), ("ManufacturerModelName", "Two"), ("FrameOfReferenceUID", "1.2.3")]
)
def test_a_slice_of_another_scan_in_the_stack_is_mixed(scan: Path, keyword: str, value: str) -> None:
    edit_each(scan, lambda dataset, n: setattr(dataset, keyword, value) if n == 4 else None)
    assert find_series(scan)[0][0].quality_flags == ("mixed",)
