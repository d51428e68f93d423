"""Slices of a data set with a square of air: where the manipulation is, or elsewhere in the lung.

Of other modalities than CT it is elsewhere in tissue, see `medfake.regions`.
"""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from itertools import groupby
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.datasets.dataset import Dataset
from medfake.datasets.run import Around, Run
from medfake.lungs import AIR_BELOW_HU
from medfake.metrics.within_slice import FAR_MM
from medfake.probes.texture import CUBE_MM
from medfake.progress import track
from medfake.regions import Region, region_of
from medfake.vocabulary import TAMPERED_CODES

AIR_HU: Final = -1024

Patch = tuple[slice, slice]
Patches = Mapping[str, tuple[Patch, ...]]


class Blank(StrEnum):
    """Where the square is; slices without a site have it at a place of lung either way."""

    SITE = "site"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class BlankedDataset(Dataset):
    """A data set whose slices are read with squares blanked; what is stored stays as it is.

    Attributes:
        patches: Rows and columns that are blanked, by slice_id; other slices are read as they are.
    """

    patches: Patches = field(default_factory=dict)

    def mapped(self, rows: pd.DataFrame) -> list[NDArray[np.int16]]:
        """Copies of slices of any size, (rows, cols) int16 Hounsfield units each, their squares -1024 HU (air)."""
        return [_blanked(hu, self.patches.get(name, ())) for hu, name in zip(super().mapped(rows), rows.slice_id)]  # noqa: B905


def blanked_dataset(dataset: Dataset, patches: Patches) -> BlankedDataset:
    """A data set with squares blanked.

    Args:
        dataset: Whole, or as a fold sees it.
        patches: From `draw_patches`.
    """
    own = {one.name: getattr(dataset, one.name) for one in fields(Dataset)}
    return BlankedDataset(**own, patches=patches)


def blanked_around(around: Around, patches: Patches) -> Around:
    """What lies around slices, each slice of it blanked where the nearest one along z that has squares is.

    A manipulation reaches through several slices: those beside the one that is judged would show it.

    Args:
        around: Reads it as it is.
        patches: From `draw_patches`.
    """

    def read(rows: pd.DataFrame) -> Iterator[Run]:
        of_scan = dict(list(rows[rows.slice_id.isin(list(patches))].groupby("scan_id")))
        for run in around(rows):
            yield _blanked_run(run, of_scan[run.scan_id], patches) if run.scan_id in of_scan else run

    return read


def _blanked_run(run: Run, own: pd.DataFrame, patches: Patches) -> Run:
    nearest = np.abs(run.z_mm[:, None] - own.z_mm.to_numpy()).argmin(axis=1)
    names = own.slice_id.to_numpy()[nearest]
    return replace(
        run, volume=np.stack([_blanked(hu, patches[one]) for hu, one in zip(run.volume, names, strict=True)])
    )


def draw_patches(dataset: Dataset, rows: pd.DataFrame, seed: int) -> dict[Blank, dict[str, tuple[Patch, ...]]]:
    """Squares of 32 mm for some slices.

    `site`: around every site of a tampered slice. `elsewhere`: in a tampered slice a place of lung at least 45 mm from
    every site, or the farthest there is. A real slice has one place of lung for each of the two. A place that is no
    site is drawn once a scan and moved into the lung of each slice, as a site is the same through a scan: what looks
    along z makes more of a column of squares than of squares here and there.

    Args:
        dataset: Whose slices these are.
        rows: Of the manifest; tampered slices without a known site have no square.
        seed: Same seed, same places, whatever the order of the rows.

    Returns:
        Squares by slice_id, of both kinds.
    """
    drawn: dict[Blank, dict[str, tuple[Patch, ...]]] = {kind: {} for kind in Blank}
    sited = rows[(rows.label == 0) | rows.site_y.notna()].sort_values(["scan_id", "z_mm", "slice_id"])
    for scan, of_scan in groupby(_rooms(dataset, sited), lambda one: str(one.row.scan_id)):
        rooms = list(of_scan)
        for kind, of_kind in drawn.items():
            rng = np.random.default_rng([seed, zlib.crc32(f"{scan}/{kind}".encode())])
            column = rng.choice(rooms[rng.integers(len(rooms))].places)
            for room in rooms:
                places = room.sites if kind is Blank.SITE and len(room.sites) else room.nearest(column)
                of_kind[room.row.slice_id] = tuple(_patch(place, room.row) for place in places)
    return drawn


@dataclass(frozen=True)
class _Room:
    """Where squares may be in a slice.

    Attributes:
        row: Of the manifest.
        sites: (k, 2) row and column of each of its sites, px.
        places: (n, 2) of lung at least 45 mm from every site, or of the farthest there is.
    """

    row: Any
    sites: NDArray[np.float64]
    places: NDArray[np.float32]

    def nearest(self, place: NDArray[np.float32]) -> NDArray[np.float32]:
        """(1, 2) where a square may be that is as near to a place as can be."""
        return self.places[[np.hypot(*(self.places - place).T).argmin()]]


def _rooms(dataset: Dataset, rows: pd.DataFrame) -> Iterator[_Room]:
    region = region_of(dataset.modality)
    slices = (batch[0] for batch in dataset.batches(rows, 1))
    listed: Iterator[Any] = rows.itertuples()
    for hu, row in track(zip(slices, listed, strict=True), "placing squares", len(rows)):
        spacing_mm = float(row.spacing_mm)
        places, sites = _region(region, hu, spacing_mm), _sites(dataset, row)
        if len(sites):
            away_mm = np.min([np.hypot(*(places - site).T) for site in sites], axis=0) * spacing_mm
            places = places[away_mm >= min(FAR_MM, away_mm.max())]
        yield _Room(row, sites, places)


def _region(region: Region, hu: NDArray[np.int16], spacing_mm: float) -> NDArray[np.float32]:
    """(n, 2) rows and columns of lung; of anything dark where a cut shows no body, of all pixels where nothing is."""
    lung = region.in_slice(hu, spacing_mm)
    for other in (hu < AIR_BELOW_HU, np.ones(hu.shape, bool)):
        lung = lung if lung.any() else other
    return np.argwhere(lung).astype(np.float32)


def _sites(dataset: Dataset, row: Any) -> NDArray[np.float64]:
    """(n, 2) sites of a tampered slice, px: of a slice as it was taken all that reach into it, of others its own."""
    if row.label == 0:
        return np.empty((0, 2))
    own = np.array([[row.site_y, row.site_x]], np.float64)
    if dataset.view != "whole" or row.transform or dataset.sites.empty:
        return own
    sites = dataset.sites[dataset.sites.kind.isin(TAMPERED_CODES)]
    near = (sites.scan_id == row.scan_id) & ((sites.z_mm - row.z_mm).abs() <= CUBE_MM / 2)
    return np.unique(np.vstack([own, sites.loc[near, ["y", "x"]].to_numpy(np.float64)]), axis=0)


def _patch(place: NDArray[np.floating[Any]], row: Any) -> Patch:
    """Pixels of the square around a place, as far as it is inside."""
    half = CUBE_MM / 2 / float(row.spacing_mm)
    ends = [(max(0, round(at - half)), max(0, round(at + half))) for at in place.tolist()]
    return slice(*ends[0]), slice(*ends[1])


def _blanked(hu: NDArray[np.int16], patches: tuple[Patch, ...]) -> NDArray[np.int16]:
    copy = np.array(hu)
    for patch in patches:
        copy[patch] = AIR_HU
    return copy
