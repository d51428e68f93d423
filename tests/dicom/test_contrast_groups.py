"""MR series of several contrasts: one scan each, and none where they cannot be told apart."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import EnhancedMRImageStorage

from medfake.dicom.reader import read_volume
from medfake.dicom.series import Series, find_series
from medfake.vocabulary import Modality
from tests.dicom.conftest import changes

WriteStack = Callable[..., Path]
PLACES = (0.0, 3.0, 6.0)


def found(folder: Path) -> tuple[list[Series], dict[str, str]]:
    series, skipped = find_series(folder, modality=Modality.MR)
    return series, {one.path.name: one.reason for one in skipped}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"EchoTime": "20"}, {"EchoTime": "90"}),
        ({"EchoNumbers": "1"}, {"EchoNumbers": "2"}),
        ({"DiffusionBValue": 0.0}, {"DiffusionBValue": 1000.0}),
        ({"TemporalPositionIdentifier": "1"}, {"TemporalPositionIdentifier": "2"}),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M"]}, {"ImageType": ["ORIGINAL", "PRIMARY", "P"]}),
        ({"InversionTime": "700"}, {"InversionTime": "2200"}),
    ],
)
def test_two_contrasts_in_one_series_are_two_scans(
    write_stack: WriteStack, one: dict[str, object], other: dict[str, object]
) -> None:
    series, skipped = found(write_stack([(z, values) for z in PLACES for values in (one, other)]))
    assert [scan.z_mm.tolist() for scan in series] == [list(PLACES)] * 2
    assert skipped == {}
    assert all(len({header.contrast for header in scan.headers}) == 1 for scan in series)
    assert len({scan.identity for scan in series}) == 2


def test_contrasts_at_different_places_are_not_mixed_either(write_stack: WriteStack) -> None:
    places = [(z, {"EchoTime": "20"}) for z in PLACES] + [(z + 9, {"EchoTime": "90"}) for z in PLACES]
    series, _ = found(write_stack(places))
    assert [[header.contrast.echo_ms for header in scan.headers] for scan in series] == [[20] * 3, [90] * 3]


def test_what_no_element_tells_apart_is_refused_with_the_reason(write_stack: WriteStack) -> None:
    series, skipped = found(write_stack([(z, {"EchoTime": "90"}) for z in (*PLACES, *PLACES)]))
    assert series == []
    assert set(skipped) == {f"{number}.dcm" for number in range(6)}
    assert all("several contrasts are never mixed" in reason for reason in skipped.values())


def test_a_contrast_that_is_told_apart_stays_beside_one_that_is_refused(write_stack: WriteStack) -> None:
    places = [(z, {"DiffusionBValue": 0.0}) for z in PLACES]
    places += [(z, {"DiffusionBValue": 1000.0}) for z in (*PLACES, *PLACES)]  # of two directions
    series, skipped = found(write_stack(places))
    assert [len(scan.headers) for scan in series] == [3]
    assert len(skipped) == 6


def test_times_that_count_images_part_no_stack(write_stack: WriteStack) -> None:
    """Some scanners count images by them; one that was taken again makes no scans of single slices."""
    counted = [(z, {"TemporalPositionIdentifier": str(time)}) for time, z in enumerate((*PLACES, PLACES[-1]), start=1)]
    series, skipped = found(write_stack(counted))
    assert series == []
    assert all("several contrasts are never mixed" in reason for reason in skipped.values())
    series, _ = found(write_stack([(0.0, values) for _, values in counted]))
    assert [len(one.headers) for one in series] == [1] * len(counted)  # one place at several times


def test_rounded_echo_times_are_one_echo(write_stack: WriteStack) -> None:
    times = ("91.999", "92", "92.4")
    series, _ = found(write_stack([(z, {"EchoTime": time}) for z, time in zip(PLACES, times, strict=True)]))
    assert [len(scan.headers) for scan in series] == [3]


def test_a_number_that_counts_images_parts_nothing(write_stack: WriteStack) -> None:
    places = [(z, {"TemporalPositionIdentifier": str(number)}) for number, z in enumerate(PLACES, start=1)]
    series, _ = found(write_stack(places))
    assert [len(scan.headers) for scan in series] == [3]


def test_planes_of_one_series_are_apart_and_named(write_stack: WriteStack) -> None:
    planes = {"axial": [1, 0, 0, 0, 1, 0], "coronal": [1, 0, 0, 0, 0, -1], "sagittal": [0, 1, 0, 0, 0, -1]}
    planes["oblique"] = [1, 0, 0, 0, 0.8, -0.6]
    series, _ = found(write_stack([(0.0, {"ImageOrientationPatient": cosines}) for cosines in planes.values()]))
    assert [scan.plane for scan in series] == list(planes)


@pytest.fixture
def enhanced_mr(write_stack: WriteStack, tmp_path: Path) -> Path:
    """Two echoes of three places in one file; what tells them apart stands in the frames' groups."""
    dataset = pydicom.dcmread(write_stack([(0.0, {})]) / "0.dcm")
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    shared, measures, plane = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = dataset.PixelSpacing, dataset.SliceThickness
    plane.ImageOrientationPatient = dataset.ImageOrientationPatient
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = Sequence([measures]), Sequence([plane])
    frames = []
    for echo in (20.0, 90.0):
        for z in PLACES:
            frame, place, said = Dataset(), Dataset(), Dataset()
            place.ImagePositionPatient, said.EffectiveEchoTime = [0.0, 0.0, z], echo
            frame.PlanePositionSequence, frame.MREchoSequence = Sequence([place]), Sequence([said])
            frames.append(frame)
    changes(
        PixelSpacing=None, SliceThickness=None, ImageOrientationPatient=None, ImagePositionPatient=None, EchoTime=None
    )(dataset)
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    dataset.PerFrameFunctionalGroupsSequence, dataset.NumberOfFrames = Sequence(frames), "6"
    pixels = np.random.default_rng(1).integers(0, 500, (6, 16, 12))
    dataset.PixelData = pixels.astype("<i2").tobytes()
    path = tmp_path / "enhanced" / "mr.dcm"
    path.parent.mkdir()
    dataset.save_as(path)
    return path


def test_an_enhanced_file_of_two_echoes_is_two_scans(enhanced_mr: Path) -> None:
    series, skipped = found(enhanced_mr)
    assert [[header.frame for header in scan.headers] for scan in series] == [[0, 1, 2], [3, 4, 5]]
    assert [scan.headers[0].contrast.echo_ms for scan in series] == [20, 90]
    assert skipped == {}
    assert read_volume(series[1].headers).shape == (3, 16, 12)


def test_frames_that_no_element_tells_apart_are_refused_each_by_its_number(enhanced_mr: Path) -> None:
    dataset = pydicom.dcmread(enhanced_mr)
    for frame in dataset.PerFrameFunctionalGroupsSequence[:4]:
        frame.PlanePositionSequence[0].ImagePositionPatient = [0.0, 0.0, 0.0]
        frame.MREchoSequence[0].EffectiveEchoTime = 20.0
    dataset.save_as(enhanced_mr)
    series, skipped = found(enhanced_mr)
    assert [[header.frame for header in scan.headers] for scan in series] == [[4, 5]]
    assert set(skipped) == {"mr.dcm", "mr.dcm#1", "mr.dcm#2", "mr.dcm#3"}
