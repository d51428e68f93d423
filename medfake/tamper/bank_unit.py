"""One unit of a bank's work: some slices of one patient, forged with their twins, or untouched."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from medfake.dicom.reader import read_slice, read_volume
from medfake.dicom.series import Series
from medfake.files import write_atomic
from medfake.lungs import deep_lung_cm2, lung_in_view
from medfake.tamper.bank import Change, SliceKind
from medfake.tamper.block import BRIGHTEST_HU, DARKEST_HU
from medfake.tamper.learned import manipulations_with
from medfake.tamper.pair import PlannedSite, change_of, forged
from medfake.tamper.registry import Tampering
from medfake.tamper.runs import Run, runs
from medfake.tamper.scanners import VirtualScanner, draw_scanner
from medfake.tamper.site import Site, Spacing, Volume
from medfake.tamper.slice_sites import sites_in_slice

KEPT = 4
"""Slices of a stack that are kept at most."""
_SITES = (2, 3)
_STACK_MM = 20.0  # on either side of the middle
_OFF_MM = 8.0  # of a kept slice from any site
_JITTER_MM = 2.5  # of a site from the middle slice
_LEAST_LUNG_CM2 = 25.0  # deep lung in a slice with room for sites
_TRIES = 5  # to meet a slice with lung


@dataclass(frozen=True)
class UnitSite:
    """A site of one slice of a unit; columns of SITE_COLUMNS but for the number."""

    manipulation: str
    family: str
    code: str
    y: int
    x: int
    off_mm: float


@dataclass(frozen=True)
class UnitSlice:
    """A slice of a unit; columns of SLICE_COLUMNS that the unit knows.

    Attributes:
        twin: Index of its twin in the unit, -1 without one.
    """

    scan: int
    manufacturer: str
    kernel: str
    spacing_mm: float
    z_mm: float
    scanner: str
    kind: str
    twin: int
    sites: tuple[UnitSite, ...]


@dataclass(frozen=True)
class UnitOfWork:
    """What makes one unit.

    Attributes:
        name: Unique in the bank, a file's name.
        patient: Ordinal.
        scans: The patient's series with their ordinals in the bank.
        seed: Of all its chance.
        untouched: Slices as they are, so many at most; 0: slices are forged.
        scanned: Share of stacks that a virtual scanner makes.
        manipulations: Weights by name.
        inpainters: Folders of those that learned manipulations need.
    """

    name: str
    patient: int
    scans: tuple[tuple[int, Series], ...]
    seed: tuple[int, ...]
    untouched: int
    scanned: float
    manipulations: Mapping[str, float]
    inpainters: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Unit:
    """What a unit made; hu and change are lists of (rows, cols)."""

    slices: tuple[UnitSlice, ...]
    hu: Sequence[NDArray[np.int16]]
    change: Sequence[NDArray[np.uint8]]

    def save(self, path: Path) -> None:
        """Write it whole."""
        arrays: dict[str, Any] = {f"hu{index}": one for index, one in enumerate(self.hu)}
        arrays |= {f"change{index}": one for index, one in enumerate(self.change)}
        rows = json.dumps([asdict(one) for one in self.slices])
        with write_atomic(path, "wb") as file:
            np.savez(file, rows=np.array(rows), **arrays)

    @classmethod
    def load(cls, path: Path) -> "Unit":
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as kept:
            rows = json.loads(str(kept["rows"]))
            slices = tuple(
                UnitSlice(**(row | {"sites": tuple(UnitSite(**site) for site in row["sites"])})) for row in rows
            )
            hu, change = ([kept[f"{kind}{index}"] for index in range(len(slices))] for kind in ("hu", "change"))
        return cls(slices, hu, change)


def make_unit(work: UnitOfWork) -> Unit:
    """Do a unit's work.

    Returns:
        What was made; nothing where slices drawn by chance show no lung.
    """
    rng = default_rng(list(work.seed))
    return _untouched(work, rng) if work.untouched else _forged(work, rng)


def _untouched(work: UnitOfWork, rng: Generator) -> Unit:
    """Slices of every series, evenly spaced."""
    share = max(1, work.untouched // len(work.scans))
    slices: list[UnitSlice] = []
    planes: list[NDArray[np.int16]] = []
    for number, series in work.scans:
        length = len(series.headers)
        for index in np.unique(np.linspace(0, length - 1, min(share, length) + 2).round().astype(int)[1:-1]):
            hu = read_slice(series.headers[index])
            if len(slices) < work.untouched and lung_in_view(hu, series.spacing_zyx_mm[1]):
                z_mm = float(series.z_mm[index] - series.z_mm[0])
                slices.append(_slice(number, series, series.spacing_zyx_mm, z_mm, "", SliceKind.UNTOUCHED))
                planes.append(_there_and_back(hu) if rng.random() < 0.5 else hu)
    return Unit(tuple(slices), planes, [np.zeros(hu.shape, np.uint8) for hu in planes])


@dataclass(frozen=True)
class _Stack:
    """Slices around a middle one, as some scanner made them."""

    volume: Volume
    spacing_mm: Spacing
    z_mm: NDArray[np.float64]
    middle: int
    scanner: VirtualScanner | None


def _forged(work: UnitOfWork, rng: Generator) -> Unit:
    number, series = work.scans[rng.integers(len(work.scans))]
    place = _middle(series, rng)
    if place is None:
        return Unit((), [], [])
    stack = _stack(series, *place, work.scanned, rng)
    step = stack.spacing_mm[0]
    sites = sites_in_slice(
        stack.volume, stack.middle, stack.spacing_mm, rng, int(rng.integers(_SITES[0], _SITES[1] + 1))
    )
    names = sorted(work.manipulations)
    weights = np.array([work.manipulations[name] for name in names], float)
    planned = []
    for site in sites:
        jitter = round(float(rng.uniform(-_JITTER_MM, _JITTER_MM)) / step)
        moved = Site(min(max(site.z + jitter, 0), len(stack.volume) - 1), site.y, site.x)
        planned.append(PlannedSite(moved, str(rng.choice(names, p=weights / weights.sum()))))
    planned = [one for one in planned if _in_lung(stack, one.site)]
    if not planned:
        return Unit((), [], [])
    before = _there_and_back(stack.volume) if rng.random() < 0.5 else stack.volume
    known = manipulations_with(work.inpainters)
    after = forged(before, stack.spacing_mm, planned, rng, known)
    near = [z for z in range(len(before)) if all(abs(z - one.site.z) * step <= _OFF_MM for one in planned)]
    slices: list[UnitSlice] = []
    hu: list[NDArray[np.int16]] = []
    changes: list[NDArray[np.uint8]] = []
    for z in rng.permutation(near):
        change = change_of(before[z], after[z], stack.spacing_mm, [one.site for one in planned])
        found = tuple(
            _site(one, known, int(z), step) for one in planned if _changed(change, one.site, stack.spacing_mm)
        )
        if not found or len(slices) == 2 * KEPT:
            continue
        word = stack.scanner.word if stack.scanner else ""
        twin = _slice(number, series, stack.spacing_mm, float(stack.z_mm[z]), word, SliceKind.TWIN)
        pair = _slice(
            number, series, stack.spacing_mm, float(stack.z_mm[z]), word, SliceKind.FORGED, len(slices), found
        )
        slices += [twin, pair]
        hu += [before[z], after[z]]
        changes += [np.zeros_like(change), change]
    return Unit(tuple(slices), hu, changes)


def _middle(series: Series, rng: Generator) -> tuple[Run, int] | None:
    """A run and the place in it of a slice with room for sites; None where chance met none."""
    parts = runs(series)
    lengths = np.array([len(part.indices) for part in parts])
    for _ in range(_TRIES):
        run = parts[rng.choice(len(parts), p=lengths / lengths.sum())]
        at = int(rng.integers(len(run.indices)))
        hu = read_slice(series.headers[run.indices[at]])
        if deep_lung_cm2(hu, series.spacing_zyx_mm[1]) >= _LEAST_LUNG_CM2:
            return run, at
    return None


def _stack(series: Series, run: Run, at: int, scanned: float, rng: Generator) -> _Stack:
    half = int(_STACK_MM / run.step_mm)
    first, last = max(0, at - half), min(len(run.indices), at + half + 1)
    volume = read_volume([series.headers[index] for index in run.indices[first:last]])
    z_mm = np.array(run.z_mm[first:last])
    spacing = (run.step_mm, *series.spacing_zyx_mm[1:])
    if rng.random() >= scanned:
        return _Stack(volume, spacing, z_mm, at - first, None)
    scanner = draw_scanner(rng, run.step_mm, len(volume))
    whole = len(volume) // scanner.averaged
    means = z_mm[: whole * scanner.averaged].reshape(whole, -1).mean(axis=1)
    middle = min((at - first) // scanner.averaged, whole - 1)
    return _Stack(scanner.apply(volume, rng), scanner.spacing(spacing), means, middle, scanner)


def _in_lung(stack: _Stack, site: Site) -> bool:
    from medfake.lungs import lungs_in_slice

    return bool(lungs_in_slice(stack.volume[site.z], stack.spacing_mm[1])[site.y, site.x])


def _changed(change: NDArray[np.uint8], site: Site, spacing_mm: Spacing) -> bool:
    from medfake.tamper.block import box_around

    _, y, x = box_around((1, *change.shape), spacing_mm, Site(0, site.y, site.x))
    return bool((change[y, x] == Change.STRONG).any())


def _site(one: PlannedSite, known: Mapping[str, Tampering], z: int, step_mm: float) -> UnitSite:
    done = known[one.manipulation]
    return UnitSite(
        one.manipulation, str(done.family), str(done.code), one.site.y, one.site.x, (z - one.site.z) * step_mm
    )


def _slice(
    number: int,
    series: Series,
    spacing_mm: Spacing,
    z_mm: float,
    scanner: str,
    kind: SliceKind,
    twin: int = -1,
    sites: tuple[UnitSite, ...] = (),
) -> UnitSlice:
    first = series.headers[0]
    return UnitSlice(number, first.manufacturer, first.kernel, spacing_mm[1], z_mm, scanner, str(kind), twin, sites)


def _there_and_back(hu: NDArray[np.int16]) -> NDArray[np.int16]:
    """The same content, written as forged slices are: as real numbers, rounded and clipped."""
    back: NDArray[np.int16] = np.rint(np.clip(hu.astype(np.float32), DARKEST_HU, BRIGHTEST_HU)).astype(np.int16)
    return back
