"""Sequences to learn from: a place on a slice, and the same place on the slices around it.

Tampered slices lie elsewhere in their scans than real ones, and where nothing around them can be read, data sets keep
runs of the former and single ones of the latter. Were sequences drawn as they come, their gaps would give the class
away; so untouched ones are drawn with as many neighbours as tampered ones have.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.detectors.sequence.grid import NOWHERE_MM, STEP_PX, TOLERANCE_MM
from medfake.detectors.sequence.maps import MappedScan
from medfake.detectors.sequence.options import SliceGRUOptions
from medfake.training.phase import Batch

Floats = NDArray[np.float32]
Labels = NDArray[np.int8]

_TAMPERED_MM: Final = 12.0
"""Places at most so far from a site are tampered."""
CORE_MM: Final = 10.0
"""Along z, slices this near to a site show the inner part of a manipulation."""
_FAR_MM: Final = 40.0
"""Places of tampered slices at least so far from every site are untouched; between, they do not train."""
_UNTOUCHED_OF_SLICE: Final = 24


@dataclass(frozen=True)
class Windows:
    """Sequences around places.

    Attributes:
        steps: (n, 2 reach + 1, width + 2) features, 1 where there is something to see, and z in mm, in order of z.
        labels: (n,) 1 where the middle step is tampered.
        neighbours: (n,) steps beside the middle one that can be seen and that nothing wide lies before.
    """

    steps: Floats
    labels: Labels
    neighbours: NDArray[np.int64]


def place_labels(rows: pd.DataFrame, sites: pd.DataFrame, shape: tuple[int, int]) -> Labels:
    """What every place of some slices of one scan is.

    Args:
        rows: Of the manifest.
        sites: Of that scan, (y, x) px.
        shape: Places down and across.

    Returns:
        (slices, down, across) 1 tampered, 0 untouched, -1 where neither is sure.
    """
    centres = np.stack(np.meshgrid(*(np.arange(n) * STEP_PX for n in shape), indexing="ij"), axis=-1)
    labels = np.zeros((len(rows), *shape), np.int8)
    known = sites[["y", "x"]].to_numpy(np.float64)
    facts = rows[["label", "site_y", "site_x", "spacing_mm", "distance_mm"]].to_numpy(np.float64)
    for of_slice, (label, *own, spacing_mm, distance_mm) in zip(labels, facts, strict=True):
        if label == 0:
            continue
        apart = np.linalg.norm(centres[:, :, None] - np.array([own, *known]), axis=-1) * spacing_mm
        of_slice[apart.min(axis=-1) < _FAR_MM] = -1
        if distance_mm <= CORE_MM:
            of_slice[apart[..., 0] <= _TAMPERED_MM] = 1
    return labels


def windows_of(
    scans: Iterable[MappedScan], sites: pd.DataFrame, seen: Any, options: SliceGRUOptions, rng: Generator
) -> Windows:
    """Cut sequences of all tampered places of some scans, and of some untouched ones of every slice.

    Args:
        scans: Of one split.
        sites: Of the data set.
        seen: Maps of places and which count -> features of sequences and which count, as arrays.
        options: Reach and widest gap.
        rng: Draws untouched places.
    """
    of_scan = dict(list(sites.groupby("scan_id")))
    return joined(
        [_of_scan(one, of_scan.get(one.rows.scan_id.iloc[0], sites.iloc[:0]), seen, options, rng) for one in scans]
    )


def _of_scan(scan: MappedScan, sites: pd.DataFrame, seen: Any, options: SliceGRUOptions, rng: Generator) -> Windows:
    features, counts = seen(scan.scored)
    labels = np.where(counts[scan.ours] > 0, place_labels(scan.rows, sites, counts.shape[1:]), -1)
    tampered = np.argwhere(labels == 1)
    untouched = [
        np.concatenate([np.full((len(chosen), 1), number), chosen], axis=1)
        for number, of_slice in enumerate(labels)
        if len(chosen := rng.permutation(np.argwhere(of_slice == 0))[:_UNTOUCHED_OF_SLICE])
    ]
    places = np.concatenate([tampered, *untouched]).astype(np.int64)
    known = labels[tuple(places.T)].astype(np.int8)
    places[:, 0] = scan.ours[places[:, 0]]
    return cut_windows(features, counts, scan.scored.z_mm, places, known, options)


def cut_windows(
    features: Floats, counts: Floats, z_mm: NDArray[np.float64], places: NDArray[np.int64], labels: Labels,
    options: SliceGRUOptions,
) -> Windows:  # fmt: skip
    """Cut sequences around some places of a scan.

    Args:
        features: (slices, down, across, width).
        counts: (slices, down, across) 1 where there is something to see.
        z_mm: (slices,) ascending.
        places: (n, 3) slice, row and column.
        labels: (n,) 1 tampered, 0 untouched.
        options: Reach and widest gap.
    """
    steps = _steps(features, counts, z_mm.astype(np.float32), places, options.reach)
    return Windows(steps, labels, _neighbours(steps, options))


def joined(parts: Sequence[Windows]) -> Windows:
    """Sequences of several scans, at least one."""
    return Windows(
        np.concatenate([one.steps for one in parts]),
        np.concatenate([one.labels for one in parts]),
        np.concatenate([one.neighbours for one in parts]),
    )


def _steps(features: Floats, counts: Floats, z_mm: Floats, places: NDArray[np.int64], reach: int) -> Floats:
    """(places, 2 reach + 1, width + 2)."""
    beyond = ((reach, reach), (0, 0), (0, 0))
    known = np.pad(features, (*beyond, (0, 0)))
    counting = np.pad(counts, beyond)
    z = np.pad(z_mm, reach, constant_values=NOWHERE_MM)
    which = places[:, :1] + np.arange(2 * reach + 1)
    down, across = places[:, 1:2], places[:, 2:3]
    cut = [known[which, down, across], counting[which, down, across][..., None], z[which][..., None]]
    return np.concatenate(cut, axis=-1).astype(np.float32)


def _neighbours(steps: Floats, options: SliceGRUOptions) -> NDArray[np.int64]:
    """Steps that something can be carried from to the middle one."""
    half = steps.shape[1] // 2
    reached = np.zeros(len(steps), np.int64)
    for side in (range(half - 1, -1, -1), range(half + 1, steps.shape[1])):
        last, open_ = steps[:, half, -1].copy(), np.ones(len(steps), bool)
        for step in side:
            within = np.abs(steps[:, step, -1] - steps[:, half, -1]) <= options.reach_mm + TOLERANCE_MM
            seen = (steps[:, step, -2] > 0) & within
            open_ &= ~seen | (np.abs(steps[:, step, -1] - last) <= options.bridge_mm + TOLERANCE_MM)
            last = np.where(seen, steps[:, step, -1], last)
            reached += seen & open_
    return reached


@dataclass
class DrawnWindows:
    """Batches of sequences, drawn anew every epoch: half tampered, half untouched with as many neighbours."""

    windows: Windows
    options: SliceGRUOptions
    rng: Generator

    def __post_init__(self) -> None:
        """Sort sequences by class."""
        self._rows = [np.flatnonzero(self.windows.labels == label) for label in (0, 1)]
        self._weights = matched_weights(self.windows)

    def epoch(self, number: int) -> Iterator[Batch]:
        """Batches in an order of chance; from some sequences neighbours are left out."""
        del number
        size = self.options.batch_size
        for _ in range(-(-self.options.sequences // size)):
            half = size // 2
            rows = np.concatenate([
                self.rng.choice(self._rows[1], half), self.rng.choice(self._rows[0], size - half, p=self._weights),
            ])  # fmt: skip
            yield self._thinned(self.windows.steps[rows]), self.windows.labels[rows].astype(np.float32)[:, None]

    def _thinned(self, steps: Floats) -> Floats:
        """Slices are taken out of some sequences as if they were not there."""
        kept = np.where(self.rng.random(len(steps)) < self.options.alone, self.rng.random(len(steps)), 1.0)
        gone = self.rng.random(steps.shape[:2]) >= kept[:, None]
        gone[:, steps.shape[1] // 2] = False
        thinned = np.where(gone[..., None], np.float32(0), steps)
        thinned[..., -1] = np.where(gone, np.float32(NOWHERE_MM), steps[..., -1])
        return thinned

    def position(self) -> Mapping[str, Any]:
        """State of the generator."""
        return {"rng": self.rng.bit_generator.state}

    def restore(self, position: Mapping[str, Any]) -> None:
        """Draw on from there."""
        self.rng.bit_generator.state = position["rng"]


def matched_weights(windows: Windows) -> NDArray[np.float64]:
    """With which untouched sequences are drawn so that their neighbours are as many as those of tampered ones.

    Returns:
        (untouched,) sum to 1; of all alike where no untouched sequence has as many neighbours as any tampered one.
    """
    longest = int(windows.neighbours.max(initial=0)) + 1
    tampered, untouched = (
        np.bincount(windows.neighbours[windows.labels == label], minlength=longest) for label in (1, 0)
    )
    share = np.divide(tampered, untouched, out=np.zeros(longest), where=untouched > 0)
    weights = share[windows.neighbours[windows.labels == 0]]
    total = float(weights.sum())
    uniform: NDArray[np.float64] = np.full(len(weights), 1 / max(len(weights), 1))
    return weights / total if total else uniform


def balanced(windows: Windows, most: int, rng: Generator) -> Windows:
    """Up to `most` sequences, half of them tampered, untouched ones matched as in training; to validate on."""
    tampered, untouched = (np.flatnonzero(windows.labels == label) for label in (1, 0))
    count = min(len(tampered), most // 2)
    rows = np.concatenate([
        rng.choice(tampered, count, replace=False), rng.choice(untouched, count, p=matched_weights(windows)),
    ])  # fmt: skip
    return Windows(windows.steps[rows], windows.labels[rows], windows.neighbours[rows])
