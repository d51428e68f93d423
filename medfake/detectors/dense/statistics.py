"""Features of the places of a bank, stored once: what every judge learns from, whatever its seed and its patients."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.random import default_rng
from numpy.typing import NDArray

from medfake.detectors.dense import grid
from medfake.files import write_atomic, write_json
from medfake.lungs import square_sums
from medfake.package.scorer import INPUT, open_session
from medfake.progress import track
from medfake.tamper.bank import Bank, Change, SliceKind
from medfake.tamper.degradations import degraded as degrade

FOLDER: Final = "statistics"
FRONT_FILE: Final = "front.onnx"
KEY_FILE: Final = "bank.json"
UNTOUCHED_OF_FORGED: Final = 200
"""Untouched places that are kept of a manipulated slice; all of its tampered ones are."""
_PLACE_PX: Final = 24
_TAMPERED, _UNTOUCHED, _UNTOUCHED_WEAK = (
    0.6,
    0.01,
    0.03,
)  # share of a place's pixels that changed; between, it does not train
_SLICES_A_PART = 64
_COLUMNS: Final = ("number", "i", "j", "label", "site", "degraded")
_CODE: Final = (
    "filters.py",
    "grid.py",
    "lung_layers.py",
    "texture_layers.py",
    "statistics.py",
    "../../tamper/degradations.py",
)
"""What features follow from, beside the bank."""

Features = NDArray[np.float16]


@dataclass(frozen=True)
class PlaceStatistics:
    """Places of a bank.

    Attributes:
        features: (places, 440) float16.
        places: One row a place: number (of the slice), i, j (on the grid), label (1 tampered, 0 untouched), site (row
            of `Bank.sites`, -1 for none), degraded (whether the slice went through noise, smoothing or compression
            first), and what bank says of the slice and the site: patient_id, manufacturer, kind, manipulation, family.
    """

    features: Features
    places: pd.DataFrame

    def where(self, kept: "pd.Series[bool]") -> "PlaceStatistics":
        """Some of the places."""
        chosen = kept.to_numpy()
        return PlaceStatistics(self.features[chosen], self.places[chosen].reset_index(drop=True))


def store_statistics(bank: Bank, jobs: int = 1) -> int:
    """Compute the features of a bank and store them in its folder; after an interrupt it goes on where it was.

    Every slice is looked at twice: as it is, and degraded by chance as archives and exports do.

    Args:
        bank: As `medfake.tamper.make_bank.make_bank` made it.
        jobs: Processes.

    Returns:
        Places that are stored.
    """
    from joblib import Parallel, delayed

    folder = bank.folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    key = _key(bank)
    if _key_of(folder) != key:
        for old in folder.glob("*.npy"):
            old.unlink()
        write_front(folder / FRONT_FILE)
        write_json(folder / KEY_FILE, {"sha256": key})
    units = bank.slices.number[bank.slices.kind != SliceKind.TWIN].tolist()
    parts = [units[at : at + _SLICES_A_PART] for at in range(0, len(units), _SLICES_A_PART)]
    run = Parallel(n_jobs=jobs if len(parts) > 1 else 1, return_as="generator")
    done = run(delayed(_store_part)(bank, ordinal, part) for ordinal, part in enumerate(parts))
    return sum(track(done, "statistics of the bank", len(parts)))


def _store_part(bank: Bank, ordinal: int, numbers: Sequence[int]) -> int:
    """Of some slices, unless they are stored; how many places they have."""
    of_features, of_places = _files(bank.folder / FOLDER, ordinal)
    if not of_places.exists():
        session = open_session(bank.folder / FOLDER / FRONT_FILE, threads=1)
        units = bank.slices.loc[list(numbers)].itertuples()
        rows, values = zip(*(one for unit in units for one in _unit(bank, unit, session)), strict=True)
        _save(of_features, np.concatenate(values))
        _save(of_places, np.concatenate(rows))
    return len(np.load(of_places, mmap_mode="r", allow_pickle=False))


def open_statistics(bank: Bank) -> PlaceStatistics:
    """Read what `store_statistics` stored, and store what is missing."""
    store_statistics(bank)
    folder = bank.folder / FOLDER
    ordinals = range(len(list(folder.glob("places-*.npy"))))
    pairs = [_files(folder, ordinal) for ordinal in ordinals]
    features = np.concatenate([np.load(one, allow_pickle=False) for one, _ in pairs])
    rows = np.concatenate([np.load(one, allow_pickle=False) for _, one in pairs])
    places = pd.DataFrame(rows, columns=list(_COLUMNS))
    of_slice = bank.slices.loc[places.number, ["patient_id", "manufacturer", "kind"]].reset_index(drop=True)
    of_site = bank.sites[["manipulation", "family"]].reindex(places.site).fillna("").reset_index(drop=True)
    return PlaceStatistics(features, pd.concat([places, of_slice, of_site], axis=1))


def write_front(path: Path) -> None:
    """Write the part of the graph in which nothing is learnt."""
    from medfake.detectors.dense.network import build_front
    from medfake.package.keras_to_onnx import write_onnx

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
    """Places of a slice, and of its twin the places that were tampered with later; then of both degraded alike."""
    yield from _seen(bank, unit, session, lambda hu: hu, degraded=False)
    yield from _seen(bank, unit, session, lambda hu: degrade(hu, default_rng([unit.number, 1])), degraded=True)


def _seen(
    bank: Bank, unit: Any, session: Any, through: Callable[[NDArray[np.int16]], NDArray[np.int16]], *, degraded: bool
) -> Iterator[tuple[NDArray[np.int32], Features]]:
    features, lung = _front(session, through(bank.hu(unit.number)))
    labels = place_labels(bank.change(unit.number))[: lung.shape[0], : lung.shape[1]]
    labels = np.where(lung, labels, -1)
    rng = default_rng(unit.number)
    untouched = np.argwhere(labels == 0)
    tampered = np.argwhere(labels == 1)
    if unit.kind == "forged":
        untouched = untouched[rng.permutation(len(untouched))[:UNTOUCHED_OF_FORGED]]
    sites = bank.sites[bank.sites.number == unit.number]
    owners = nearest_sites(tampered, sites)
    none = np.full(len(untouched), -1)
    yield _rows(unit.number, untouched, 0, none, degraded), features[tuple(untouched.T)]
    yield _rows(unit.number, tampered, 1, owners, degraded), features[tuple(tampered.T)]
    if unit.kind == "forged" and len(tampered):
        before, _ = _front(session, through(bank.hu(unit.twin)))
        yield _rows(unit.twin, tampered, 0, owners, degraded), before[tuple(tampered.T)]


def _front(session: Any, hu: NDArray[np.int16]) -> tuple[Features, NDArray[np.bool_]]:
    features, lung, _ = session.run(None, {INPUT: np.ascontiguousarray(hu)[None]})
    return features[0].astype(np.float16), lung[0, ..., 0] > 0


def nearest_sites(places: NDArray[np.int64], sites: pd.DataFrame) -> NDArray[np.int64]:
    """Rows in `Bank.sites` of the sites that places are nearest to.

    Args:
        places: (n, 2) i, j on the grid.
        sites: Of their slice.

    Returns:
        (n,); -1 where the slice has none.
    """
    centres = sites[["y", "x"]].to_numpy(dtype=float)
    if not len(places) or not len(centres):
        return np.full(len(places), -1)
    apart = np.hypot(*(places[:, None] * grid.STEP_PX - centres[None]).transpose(2, 0, 1))
    nearest: NDArray[np.int64] = sites.index.to_numpy()[apart.argmin(axis=1)]
    return nearest


def _rows(
    number: int, places: NDArray[np.int64], label: int, sites: NDArray[np.int64], degraded: bool
) -> NDArray[np.int32]:
    column = np.ones(len(places), np.int64)
    return np.stack([number * column, *places.T, label * column, sites, degraded * column], axis=1).astype(np.int32)


def _files(folder: Path, ordinal: int) -> tuple[Path, Path]:
    return folder / f"features-{ordinal:04d}.npy", folder / f"places-{ordinal:04d}.npy"


def _save(path: Path, values: NDArray[Any]) -> None:
    with write_atomic(path, "wb") as file:
        np.save(file, values, allow_pickle=False)


def _key(bank: Bank) -> str:
    """Stands for exactly this bank and this code."""
    digest = hashlib.sha256(bank.digest.encode())
    for name in _CODE:
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()


def _key_of(folder: Path) -> str | None:
    path = folder / KEY_FILE
    return str(json.loads(path.read_text(encoding="utf-8"))["sha256"]) if path.exists() else None
