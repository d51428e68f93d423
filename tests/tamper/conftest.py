"""A small chest: two lungs with noise in a body, one solid nodule, air around."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medfake.dicom.writer import SeriesTemplate, write_series

SIZE = 256
NODULE = (12, 124, 68)
SPACING = (2.5, 1.4, 1.4)
WriteReals = Callable[..., np.ndarray]


def make_chest(slices: int = 24, size: int = SIZE) -> np.ndarray:
    y, x = np.mgrid[:size, :size] / size - 0.5
    plane = np.full((size, size), -1000.0)
    plane[(x / 0.45) ** 2 + (y / 0.38) ** 2 < 1] = 40
    for side in (-0.22, 0.22):
        plane[((x - side) / 0.16) ** 2 + (y / 0.28) ** 2 < 1] = -850
    volume = np.repeat(plane[None], slices, axis=0)
    z, y, x = np.ogrid[:slices, :size, :size]
    distance = ((z - NODULE[0]) * 2.5) ** 2 + ((y - NODULE[1]) * 1.4) ** 2 + ((x - NODULE[2]) * 1.4) ** 2
    volume[distance <= 7.0**2] = 30
    noise = np.random.default_rng(5).normal(0, 15, volume.shape)
    return np.clip(np.rint(volume + noise), -1000, 3000).astype(np.int16)


@pytest.fixture
def chest() -> np.ndarray:
    """(24, 256, 256) int16 HU; a nodule of 7 mm radius at NODULE."""
    return make_chest()


def write_series_of(folder: Path, volume: np.ndarray, **changes: object) -> np.ndarray:
    """Write slices 2.5 mm apart; a keyword changes what the header says."""
    known = {"patient_id": "PATIENT-5", "manufacturer": "ACME", "model": "One", "kernel": "B30f"}
    geometry = {"thickness_mm": 2.5, "spacing_mm": SPACING[1:]}
    template = SeriesTemplate(**{**known, **geometry, **changes})  # type: ignore[arg-type]  # a test's keywords
    positions = np.array([(-178.0, -178.0, 2.5 * index) for index in range(len(volume))])
    write_series(folder, volume, positions, template, uid_seed="real", synthetic=None)
    return volume


@pytest.fixture
def write_reals(chest: np.ndarray) -> WriteReals:
    def write(folder: Path, volume: np.ndarray = chest, **changes: object) -> np.ndarray:
        return write_series_of(folder, volume, **changes)

    return write
