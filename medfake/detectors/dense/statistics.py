"""Features of the places of a bank, stored once: what every judge learns from, whatever its seed and its patients."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.detectors.dense import grid
from medfake.files import write_atomic, write_json
from medfake.lungs import square_sums
from medfake.package.scorer import INPUT, open_session
from medfake.progress import track
from medfake.tamper.bank import Bank, Change

FOLDER: Final = "statistics"
FRONT_FILE: Final = "front.onnx"
KEY_FILE: Final = "bank.json"
UNTOUCHED_OF_FORGED: Final = 100
"""Untouched places that are kept of a manipulated slice; all of its tampered ones are."""
_PLACE_PX: Final = 24
_TAMPERED, _UNTOUCHED, _UNTOUCHED_WEAK = (
    0.6,
    0.01,
    0.03,
)  # share of a place's pixels that changed; between, it does not train
_SLICES_A_PART = 64

Features = NDArray[np.float16]


@dataclass(frozen=True)
class PlaceStatistics:
    """Places of a bank.

    Attributes:
        features: (places, 440) float16.
        places: One row a place: number (of the slice), i, j (on the grid), label (1 tampered, 0 untouched), site (row
            of `Bank.sites`, -1 for none), and what bank says of the slice and the site: patient_id, manufacturer,
            kind, manipulation, family.
    """

    features: Features
    places: pd.DataFrame

    def where(self, kept: "pd.Series[bool]") -> "PlaceStatistics":
        """Some of the places."""
        chosen = kept.to_numpy()
        return PlaceStatistics(self.features[chosen], self.places[chosen].reset_index(drop=True))


def store_statistics(bank: Bank) -> int:
    """Compute the features of a bank and store them in its folder; after an interrupt it goes on where it was.

    Returns:
        Places that are stored.
    """
    folder = bank.folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    if _key_of(folder) != bank.digest:
        for old in folder.glob("*.npy"):
            old.unlink()
        write_front(folder / FRONT_FILE)
        write_json(folder / KEY_FILE, {"sha256": bank.digest})
    session = open_session(folder / FRONT_FILE)
    units: list[Any] = [unit for unit in bank.slices.itertuples() if unit.kind != "twin"]
    parts = [units[at : at + _SLICES_A_PART] for at in range(0, len(units), _SLICES_A_PART)]
    total = 0
    for ordinal, part in enumerate(track(parts, "statistics of the bank", len(parts))):
        of_features, of_places = _files(folder, ordinal)
        if not of_places.exists():
            rows, values = zip(*(one for unit in part for one in _unit(bank, unit, session)), strict=True)
            _save(of_features, np.concatenate(values))
            _save(of_places, np.concatenate(rows))
        total += len(np.load(of_places, mmap_mode="r", allow_pickle=False))
    return total


def open_statistics(bank: Bank) -> PlaceStatistics:
    """Read what `store_statistics` stored, and store what is missing."""
    store_statistics(bank)
    folder = bank.folder / FOLDER
    ordinals = range(len(list(folder.glob("places-*.npy"))))
    pairs = [_files(folder, ordinal) for ordinal in ordinals]
    features = np.concatenate([np.load(one, allow_pickle=False) for one, _ in pairs])
    rows = np.concatenate([np.load(one, allow_pickle=False) for _, one in pairs])
    places = pd.DataFrame(rows, columns=["number", "i", "j", "label", "site"])
    of_slice = bank.slices.loc[places.number, ["patient_id", "manufacturer", "kind"]].reset_index(drop=True)
    of_site = bank.sites[["manipulation", "family"]].reindex(places.site).fillna("").reset_index(drop=True)
    return PlaceStatistics(features, pd.concat([places, of_slice, of_site], axis=1))


def write_front(path: Path) -> None:
    """Write the part of the graph in which nothing is learnt."""
    from medfake.detectors.dense.network import build_front
    from medfake.package.export import write_onnx

    write_onnx(build_front(), path, np.zeros((1, 128, 128), np.int16))


def place_labels(change: NDArray[np.uint8]) -> NDArray[np.int8]:
    """What every place of a slice is.

    Args:
        change: (rows, cols) of `Change`.

    Returns:
        (down, across) 1 where more than 60 % of 24 px changed, 0 where less than 1 % did and less than 3 % by little,
        -1 where neither holds: such places do not train.
    """
    half = _PLACE_PX // 2
    strong, any_ = (
        square_sums(np.pad(mask, half), _PLACE_PX, grid.STEP_PX) / _PLACE_PX**2
        for mask in (change == Change.STRONG, change != Change.NONE)
    )
    labels = np.where(strong > _TAMPERED, 1, np.where((strong < _UNTOUCHED) & (any_ < _UNTOUCHED_WEAK), 0, -1))
    return labels.astype(np.int8)


def _unit(bank: Bank, unit: Any, session: Any) -> Iterator[tuple[NDArray[np.int32], Features]]:
    """Places of a slice, and of its twin the places that were tampered with later."""
    features, lung = _front(session, bank.hu(unit.number))
    labels = place_labels(bank.change(unit.number))[: lung.shape[0], : lung.shape[1]]
    labels = np.where(lung, labels, -1)
    rng = np.random.default_rng(unit.number)
    untouched = np.argwhere(labels == 0)
    tampered = np.argwhere(labels == 1)
    if unit.kind == "forged":
        untouched = untouched[rng.permutation(len(untouched))[:UNTOUCHED_OF_FORGED]]
    sites = bank.sites[bank.sites.number == unit.number]
    owners = _nearest(tampered, sites)
    none = np.full(len(untouched), -1)
    yield _rows(unit.number, untouched, 0, none), features[tuple(untouched.T)]
    yield _rows(unit.number, tampered, 1, owners), features[tuple(tampered.T)]
    if unit.kind == "forged" and len(tampered):
        before, _ = _front(session, bank.hu(unit.twin))
        yield _rows(unit.twin, tampered, 0, owners), before[tuple(tampered.T)]


def _front(session: Any, hu: NDArray[np.int16]) -> tuple[Features, NDArray[np.bool_]]:
    features, lung, _ = session.run(None, {INPUT: np.ascontiguousarray(hu)[None]})
    return features[0].astype(np.float16), lung[0, ..., 0] > 0


def _nearest(places: NDArray[np.int64], sites: pd.DataFrame) -> NDArray[np.int64]:
    centres = sites[["y", "x"]].to_numpy(dtype=float)
    if not len(places) or not len(centres):
        return np.full(len(places), -1)
    apart = np.hypot(*(places[:, None] * grid.STEP_PX - centres[None]).transpose(2, 0, 1))
    nearest: NDArray[np.int64] = sites.index.to_numpy()[apart.argmin(axis=1)]
    return nearest


def _rows(number: int, places: NDArray[np.int64], label: int, sites: NDArray[np.int64]) -> NDArray[np.int32]:
    column = np.ones(len(places), np.int64)
    return np.stack([number * column, *places.T, label * column, sites], axis=1).astype(np.int32)


def _files(folder: Path, ordinal: int) -> tuple[Path, Path]:
    return folder / f"features-{ordinal:04d}.npy", folder / f"places-{ordinal:04d}.npy"


def _save(path: Path, values: NDArray[Any]) -> None:
    with write_atomic(path, "wb") as file:
        np.save(file, values, allow_pickle=False)


def _key_of(folder: Path) -> str | None:
    path = folder / KEY_FILE
    return str(json.loads(path.read_text(encoding="utf-8"))["sha256"]) if path.exists() else None
