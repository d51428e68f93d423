from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from medfake.dicom.writer import SeriesTemplate, write_series
from medfake.vocabulary import Modality

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
    """One valid file with something changed; of CT unless told otherwise."""

    def _edited(edit: Edit, name: str = "edited.dcm", modality: Modality = Modality.CT) -> Path:
        source = write(tmp_path / f"source-{modality}", modality=modality) / "1.dcm"
        dataset = pydicom.dcmread(source)
        edit(dataset)
        target = tmp_path / name
        dataset.save_as(target)
        return target

    return _edited


def changes(**values: object) -> Edit:
    """Elements set to values, or taken out for None."""

    def edit(dataset: Dataset) -> None:
        for keyword, value in values.items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)

    return edit


@pytest.fixture
def write_stack(tmp_path: Path) -> Callable[..., Path]:
    """Write single MR images, each at a place with elements of its own, into one series."""

    def _write(places: Sequence[tuple[float, dict[str, object]]], name: str = "stack") -> Path:
        folder, rng = tmp_path / name, np.random.default_rng(0)
        positions = np.array([(0.0, 0.0, z) for z, _ in places])
        pixels = rng.integers(0, 900, (len(places), 16, 12)).astype(np.int16)
        write_series(folder, pixels, positions, make_template(modality=Modality.MR), uid_seed=name, synthetic=None)
        for index, (_, values) in enumerate(places):
            dataset = pydicom.dcmread(folder / f"{index}.dcm")
            changes(**values)(dataset)
            dataset.save_as(folder / f"{index}.dcm")
        return folder

    return _write


@pytest.fixture
def enhanced(edited: Callable[..., Path], volume: np.ndarray) -> Path:
    """An enhanced CT file of four frames; geometry and rescale stand in the functional groups only."""

    def spread(dataset: Dataset) -> None:
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = pydicom.uid.EnhancedCTImageStorage
        measures, orientation, rescale, shared = Dataset(), Dataset(), Dataset(), Dataset()
        measures.PixelSpacing, measures.SliceThickness = dataset.PixelSpacing, dataset.SliceThickness
        orientation.ImageOrientationPatient = dataset.ImageOrientationPatient
        rescale.RescaleSlope, rescale.RescaleIntercept, rescale.RescaleType = "1", "-1000", "HU"
        shared.PixelMeasuresSequence = DicomSequence([measures])
        shared.PlaneOrientationSequence = DicomSequence([orientation])
        shared.PixelValueTransformationSequence = DicomSequence([rescale])
        frames = []
        for z in (0.0, 2.0, 4.0, 6.0):
            place, frame = Dataset(), Dataset()
            place.ImagePositionPatient = [-10.0, -20.0, z]
            frame.PlanePositionSequence = DicomSequence([place])
            frames.append(frame)
        for keyword in ("PixelSpacing", "SliceThickness", "ImageOrientationPatient", "ImagePositionPatient"):
            delattr(dataset, keyword)
        for keyword in ("RescaleSlope", "RescaleIntercept", "RescaleType"):
            delattr(dataset, keyword)
        dataset.SharedFunctionalGroupsSequence = DicomSequence([shared])
        dataset.PerFrameFunctionalGroupsSequence = DicomSequence(frames)
        dataset.NumberOfFrames = "4"
        dataset.PixelData = (volume.astype(np.int32) + 1000).astype("<i2").tobytes()

    return edited(spread, "enhanced.dcm")
