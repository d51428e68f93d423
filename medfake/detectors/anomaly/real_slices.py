"""Real slices to learn from: of scans without any manipulated slice, and those of a bank that nobody touched."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.datasets.dataset import Dataset
from medfake.errors import TrainingError
from medfake.tamper.bank import Bank, SliceKind
from medfake.vocabulary import TAMPERED_CODES

LEAST_PATIENTS: Final = 3
"""Of fewer, what is usual is how their scanners are."""


@dataclass(frozen=True)
class RealSlice:
    """One slice, read where it is looked at.

    Attributes:
        patient: Pseudonym.
        read: Gives (rows, cols) int16 HU.
    """

    patient: str
    read: Callable[[], NDArray[np.int16]]


def real_rows(dataset: Dataset, split: str) -> pd.DataFrame:
    """Slices of a split that are of scans none of whose slices is manipulated, those that are not kept included."""
    manifest, sites = dataset.manifest, dataset.sites
    tampered = {*manifest.scan_id[manifest.label == 1], *sites.scan_id[sites.kind.isin(TAMPERED_CODES)]}
    rows = dataset.split(split)
    return rows[~rows.scan_id.isin(tampered)]


def slices_of(dataset: Dataset, rows: pd.DataFrame) -> list[RealSlice]:
    """Some rows of a data set."""
    return [RealSlice(patient, _later(dataset.mapped, rows.iloc[[at]])) for at, patient in enumerate(rows.patient_id)]


def untouched_slices(bank: Bank, without: Collection[str]) -> list[RealSlice]:
    """Slices of a bank as scanners made them, of all patients but some."""
    slices = bank.of_patients(tuple(without))
    untouched = slices[slices.kind == SliceKind.UNTOUCHED]
    owners = zip(untouched.number, untouched.patient_id, strict=True)
    return [RealSlice(str(patient), _of_bank(bank, int(number))) for number, patient in owners]


def learnt_from(dataset: Dataset, bank: str | None, most: int, seed: int) -> list[RealSlice]:
    """Real slices of the train split, and untouched ones of a bank whose patients are in no other split.

    Args:
        dataset: The data set.
        bank: Folder; None for none.
        most: Slices; by turns of their patients, drawn by the seed.
        seed: Same seed, same slices.

    Raises:
        TrainingError: There are none, or of too few patients.
        ManifestError: The bank is not whole.
    """
    rows = real_rows(dataset, "train")
    found = slices_of(dataset, rows)
    if bank is not None:
        others = set(dataset.manifest.patient_id[dataset.manifest.split != "train"])
        found += untouched_slices(Bank.open(Path(bank)), others)
    require_patients(found, dataset.name)
    return by_turns(found, most, seed)


def require_patients(slices: Sequence[RealSlice], where: str) -> None:
    """Raises TrainingError unless the slices are of patients enough."""
    patients = len({one.patient for one in slices})
    if patients < LEAST_PATIENTS:
        raise TrainingError(
            f"a detector that learns what is usual needs real slices of {LEAST_PATIENTS} patients: of fewer it learns "
            "how their scanners are",
            where=where, received=f"{len(slices)} real slices of {patients} patients to learn from",
            remedy="add real scans to the data set, put fewer patients into val and test, or name a bank under "
            "detectors.<name>.bank",
        )  # fmt: skip


def by_turns(slices: Sequence[RealSlice], most: int, seed: int) -> list[RealSlice]:
    """At most so many, one of each patient by turns, in an order that the seed draws."""
    order = np.random.default_rng(seed).permutation(len(slices))
    patients = pd.Series([slices[at].patient for at in order])
    turns = patients.groupby(patients).cumcount().to_numpy()
    return [slices[order[at]] for at in np.argsort(turns, kind="stable")[:most]]


def _later(mapped: Callable[[pd.DataFrame], list[NDArray[np.int16]]], row: pd.DataFrame) -> Any:
    return lambda: mapped(row)[0]


def _of_bank(bank: Bank, number: int) -> Any:
    return lambda: bank.hu(number)


def batches(slices: Sequence[RealSlice], size: int) -> Iterator[tuple[NDArray[np.int16], list[str]]]:
    """Pixels of one size and their patients, a few slices at a time, in order."""
    pixels: list[NDArray[np.int16]] = []
    patients: list[str] = []
    for one in slices:
        hu = one.read()
        if pixels and (len(pixels) == size or pixels[0].shape != hu.shape):
            yield np.stack(pixels), patients
            pixels, patients = [], []
        pixels.append(hu)
        patients.append(one.patient)
    if pixels:
        yield np.stack(pixels), patients
