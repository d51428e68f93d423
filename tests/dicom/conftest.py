from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medfake.dicom.writer import SeriesTemplate, write_series

Edit = Callable[[Dataset], None]
PATIENT = "QX-PATIENT-77"


def make_template(**changes: object) -> SeriesTemplate:
    known = {
        "patient_id": PATIENT,
        "manufacturer": "ACME",
        "model": "One",
        "kernel": "B70f",
        "thickness_mm": 2.0,
        "spacing_mm": (0.7, 0.8),
    }
    return SeriesTemplate(**{**known, **changes})  # type: ignore[arg-type]  # a test's keyword arguments


@pytest.fixture
def template() -> Callable[..., SeriesTemplate]:
    return make_template


@pytest.fixture
def volume() -> np.ndarray:
    """(4, 16, 12) HU, every voxel different."""
    return (np.arange(4 * 16 * 12) - 300).astype(np.int16).reshape(4, 16, 12)


@pytest.fixture
def write(volume: np.ndarray) -> Callable[..., Path]:
    def _write(folder: Path, z_mm: tuple[float, ...] = (0, 2, 4, 6), seed: str = "seed", **changes: object) -> Path:
        positions = np.array([(-10.0, -20.0, z) for z in z_mm])
        shown = np.resize(volume, (len(z_mm), *volume.shape[1:]))
        write_series(folder, shown, positions, make_template(**changes), uid_seed=seed, synthetic=None)
        return folder

    return _write


@pytest.fixture
def edited(tmp_path: Path, write: Callable[..., Path]) -> Callable[..., Path]:
    """One valid file with something changed."""
    source = write(tmp_path / "source") / "1.dcm"

    def _edited(edit: Edit, name: str = "edited.dcm") -> Path:
        dataset = pydicom.dcmread(source)
        edit(dataset)
        target = tmp_path / name
        dataset.save_as(target)
        return target

    return _edited


@pytest.fixture
def enhanced(edited: Callable[..., Path], volume: np.ndarray) -> Path:
    """An enhanced CT file of four frames; geometry and rescale stand in the functional groups only."""

    def spread(dataset: Dataset) -> None:
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = pydicom.uid.EnhancedCTImageStorage
        measures, orientation, rescale, shared = Dataset(), Dataset(), Dataset(), Dataset()
        measures.PixelSpacing, measures.SliceThickness = dataset.PixelSpacing, dataset.SliceThickness
        orientation.ImageOrientationPatient = dataset.ImageOrientationPatient
        rescale.RescaleSlope, rescale.RescaleIntercept, rescale.RescaleType = "1", "-1000", "HU"
        shared.PixelMeasuresSequence = Sequence([measures])
        shared.PlaneOrientationSequence = Sequence([orientation])
        shared.PixelValueTransformationSequence = Sequence([rescale])
        frames = []
        for z in (0.0, 2.0, 4.0, 6.0):
            place, frame = Dataset(), Dataset()
            place.ImagePositionPatient = [-10.0, -20.0, z]
            frame.PlanePositionSequence = Sequence([place])
            frames.append(frame)
        for keyword in ("PixelSpacing", "SliceThickness", "ImageOrientationPatient", "ImagePositionPatient"):
            delattr(dataset, keyword)
        for keyword in ("RescaleSlope", "RescaleIntercept", "RescaleType"):
            delattr(dataset, keyword)
        dataset.SharedFunctionalGroupsSequence = Sequence([shared])
        dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
        dataset.NumberOfFrames = "4"
        dataset.PixelData = (volume.astype(np.int32) + 1000).astype("<i2").tobytes()

    return edited(spread, "enhanced.dcm")
