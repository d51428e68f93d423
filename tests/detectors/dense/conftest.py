"""A small bank: chests whose lung was smoothed in a square, beside the same chests before."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from medfake.tamper.bank import (
    FACTS_FILE,
    SITE_COLUMNS,
    SITES_FILE,
    SLICE_COLUMNS,
    SLICES_FILE,
    Bank,
    Change,
    shard_file,
)
from tests.fixtures.chests import LUNGS, SIZE, draw_chest

PATIENTS = (*(f"train-{number}" for number in range(6)), "val-0", "val-1", "test-0")
WriteBank = Callable[..., Bank]
_HALF = 20


@pytest.fixture(scope="session")
def write_bank(tmp_path_factory: pytest.TempPathFactory) -> WriteBank:
    def write(patients: Sequence[str] = PATIENTS, seed: int = 0, makers: Sequence[str] = ("ACME",)) -> Bank:
        rng = np.random.default_rng(seed)
        folder = tmp_path_factory.mktemp("bank")
        slices, sites, pixels, changes = [], [], [], []

        def add(patient: str, kind: str, twin: int, hu: np.ndarray, change: np.ndarray) -> None:
            number = len(slices)
            maker = makers[patients.index(patient) % len(makers)]
            slices.append((number, patient, 0, maker, "B30f", 0.7, 0.0, "", kind, twin, 0, number))
            pixels.append(np.clip(np.rint(hu), -1024, 3071).astype(np.int16))
            changes.append(change)

        nothing = np.zeros((SIZE, SIZE), np.uint8)
        for patient in patients:
            add(patient, "untouched", -1, draw_chest(rng), nothing)
            for index, manipulation in enumerate(("injection", "self-blended")):
                before, (y, x) = draw_chest(rng), (int(rng.integers(84, 109)), LUNGS[index])
                square = np.s_[y - _HALF : y + _HALF, x - _HALF : x + _HALF]
                after, change = before.copy(), nothing.copy()
                after[square] = gaussian_filter(after[square], 1.5)
                change[square] = Change.STRONG
                family = ("cube", "blend")[index]
                sites.append((len(slices), manipulation, family, "FM", y, x, 0.0))
                add(patient, "forged", len(slices) + 1, after, change)
                add(patient, "twin", -1, before, nothing)
        pd.DataFrame(slices, columns=list(SLICE_COLUMNS)).to_parquet(folder / SLICES_FILE)
        pd.DataFrame(sites, columns=list(SITE_COLUMNS)).to_parquet(folder / SITES_FILE)
        (folder / FACTS_FILE).write_text("{}")
        np.save(shard_file(folder, "hu", 0), np.stack(pixels))
        np.save(shard_file(folder, "change", 0), np.stack(changes))
        return Bank.open(folder)

    return write


@pytest.fixture(scope="session")
def bank(write_bank: WriteBank) -> Bank:
    return write_bank()
