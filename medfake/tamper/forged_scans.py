"""Whole scans, untouched and manipulated at one place each: what detectors are measured on, made one at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.dicom.patients import patient_or_folder
from medfake.dicom.reader import read_volume
from medfake.dicom.series import Series, find_series
from medfake.files import path_text
from medfake.lungs import lung_in_view
from medfake.tamper.registry import Tampering, manipulations_of
from medfake.tamper.scanners import draw_scanner
from medfake.tamper.site import Site, Spacing, Volume
from medfake.tamper.slice_sites import in_lung
from medfake.vocabulary import Modality

LEAST_SLICES: Final = 20
_PLACES: Final = 8  # asked for; one of them is drawn


@dataclass(frozen=True)
class ForgedScan:
    """A scan as a detector sees it.

    Attributes:
        patient: As `name_patient` names them.
        volume: (slices, rows, cols) int16 HU.
        z_mm: (slices,) positions along the normal.
        scanner: Word of the virtual scanner, "" for none.
        manipulation: Its name, "" for an untouched scan.
        site: Of the manipulation.
        changed: Slices that differ from the untouched scan before; all slices of an untouched one.
    """

    patient: str
    volume: Volume
    z_mm: NDArray[np.float64]
    spacing_mm: Spacing
    scanner: str
    manipulation: str
    site: Site | None
    changed: NDArray[np.intp]


def forged_scans(
    reals: Sequence[Path],
    patients: Callable[[str], str],
    *,
    seed: int,
    scanners: int,
    forged_scanners: int,
    manipulations: Mapping[str, Tampering] | None = None,
) -> Iterator[ForgedScan]:
    """Every series of at least 20 slices: untouched, and then with each manipulation in turn.

    Args:
        reals: Folders of real scans.
        patients: Patient ID, or the folder of one without, -> the name that is shown.
        seed: Same seed, same scans.
        scanners: Virtual scanners by which every series is also seen untouched.
        forged_scanners: Of these, the first so many are also manipulated.
        manipulations: By name, None for all that are made for CT; those of learned inpainters come with
            `manipulations_with`.

    Yields:
        An untouched scan, then its manipulated copies; a manipulation that finds no place is left out.
    """
    chosen = manipulations_of(Modality.CT) if manipulations is None else manipulations
    for number, name, series in _named(reals, patients):
        if len(series.headers) < LEAST_SLICES:
            continue
        volume = read_volume(series.headers)
        for variant in range(scanners + 1):
            rng = np.random.default_rng([seed, number, variant])
            untouched = _seen_by(volume, series, name, variant, rng)
            yield untouched
            if variant <= forged_scanners:
                yield from _forged(untouched, chosen, rng)


def short_scans(reals: Sequence[Path], patients: Callable[[str], str]) -> Iterator[ForgedScan]:
    """Every series of fewer than 20 slices that shows lung, untouched; arguments as `forged_scans`."""
    for _, name, series in _named(reals, patients):
        if len(series.headers) >= LEAST_SLICES:
            continue
        volume = read_volume(series.headers)
        if any(lung_in_view(hu, series.spacing_zyx_mm[1]) for hu in volume):
            yield _seen_by(volume, series, name, 0, np.random.default_rng(0))


def _named(reals: Sequence[Path], patients: Callable[[str], str]) -> Iterator[tuple[int, str, Series]]:
    """Series with their number within their folder and the name of their patient."""
    for root in reals:
        for number, series in enumerate(find_series(root)[0]):
            below = series.folder.relative_to(root) if series.folder.is_relative_to(root) else Path(series.folder.name)
            yield number, patients(patient_or_folder(series.headers[0].patient_id, path_text(below))), series


def _seen_by(volume: Volume, series: Series, patient: str, variant: int, rng: Generator) -> ForgedScan:
    """The series as it is, or as another scanner would have it."""
    spacing, z, word = series.spacing_zyx_mm, series.z_mm, ""
    if variant:
        scanner = draw_scanner(rng, spacing[0], len(volume))
        volume, word = scanner.apply(volume, rng), scanner.word
        z, spacing = z[: len(volume) * scanner.averaged : scanner.averaged], scanner.spacing(spacing)
    return ForgedScan(patient, volume, z, spacing, word, "", None, np.arange(len(volume)))


def _forged(before: ForgedScan, manipulations: Mapping[str, Tampering], rng: Generator) -> Iterator[ForgedScan]:
    for name, manipulation in sorted(manipulations.items()):
        found = manipulation.places(before.volume, before.spacing_mm, rng, _PLACES)
        places = [site for site in found if in_lung(before.volume, before.spacing_mm, site)]
        if not places:
            continue
        site = places[int(rng.integers(len(places)))]
        volume = manipulation.apply(before.volume, before.spacing_mm, site, rng)
        changed = np.flatnonzero((volume != before.volume).any(axis=(1, 2)))
        yield ForgedScan(
            before.patient, volume, before.z_mm, before.spacing_mm, before.scanner, name, site, changed
        )  # fmt: skip
