"""Scans with labelled sites, and untouched ones, straight from their sources; raw identifiers end here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.config import MeasureParams, SourceParams
from medfake.datasets.pseudonyms import pseudonym, pseudonym_key
from medfake.datasets.reading import SourceRules, read_source
from medfake.datasets.sources.registry import SourceScan, SourceSite
from medfake.dicom.header_cache import HeaderCache
from medfake.dicom.reader import read_slice, read_volume
from medfake.dicom.series import Series
from medfake.errors import DataError
from medfake.metrics.scans import Floats
from medfake.vocabulary import Evidence, Manipulation, Modality

READ_AT_ONCE: Final = 8
"""Slices of a scan that are in memory at a time."""


@dataclass(frozen=True)
class LabelledScan:
    """A scan without its names.

    Attributes:
        patient_id: Pseudonym; equal for a patient's real and manipulated scans.
        scan_id: Pseudonym.
        manipulation: Of its sites; NONE for an untouched scan.
        generator: What made the fake, by name where its labels have one; "" for an untouched scan.
        sites: Labelled places of a manipulated scan; none of an untouched one, whose labels are real nodules.
    """

    patient_id: str
    scan_id: str
    manipulation: Manipulation
    generator: str
    sites: tuple[SourceSite, ...]
    series: Series

    @property
    def tampered(self) -> bool:
        """Whether it was manipulated."""
        return self.manipulation is not Manipulation.NONE

    @cached_property
    def z_mm(self) -> Floats:
        """(slices,) positions along the normal, mm, ascending."""
        return self.series.z_mm

    @property
    def spacing_mm(self) -> tuple[float, float]:
        """Between rows, and between columns."""
        return self.series.headers[0].spacing_mm

    @property
    def scanner(self) -> str:
        """Maker and kernel."""
        first = self.series.headers[0]
        return f"{first.manufacturer}, kernel {first.kernel}"

    @property
    def labelled_slices(self) -> list["LabelledSlice"]:
        """Slices that hold a labelled site, ascending; each once."""
        by_slice: dict[int, list[tuple[float, float]]] = {}
        for site in self.sites:
            by_slice.setdefault(site.z_index, []).append((float(site.y), float(site.x)))
        return [LabelledSlice(self, z, np.array(by_slice[z])) for z in sorted(by_slice)]

    def chunks(self) -> Iterator[tuple[NDArray[np.int16], Floats]]:
        """Slices and their positions, a few at a time; decoded as they are taken.

        Yields:
            (n, rows, cols) int16 Hounsfield units and (n,) mm.

        Raises:
            PixelDataError: A slice cannot be decoded.
        """
        headers, z_mm = self.series.headers, self.z_mm
        for start in range(0, len(headers), READ_AT_ONCE):
            part = slice(start, start + READ_AT_ONCE)
            yield read_volume(headers[part]), z_mm[part]


@dataclass(frozen=True)
class LabelledSlice:
    """One slice of a manipulated scan.

    Attributes:
        z_index: Of the scan's slices, ascending along the normal.
        sites: (n, 2) rows and columns of its sites, px.
    """

    scan: LabelledScan
    z_index: int
    sites: Floats

    def read(self) -> NDArray[np.int16]:
        """(rows, cols) int16 Hounsfield units.

        Raises:
            PixelDataError: It cannot be decoded.
        """
        return read_slice(self.scan.series.headers[self.z_index])


@dataclass(frozen=True)
class LabelledSet:
    """Scans that a package is measured on, by pseudonym.

    Attributes:
        problems: How many faults the sources have; each is told by `medfake data inspect`.
    """

    scans: tuple[LabelledScan, ...]
    problems: int

    @property
    def tampered(self) -> list[LabelledScan]:
        """Manipulated scans with at least one site."""
        return [scan for scan in self.scans if scan.tampered and scan.sites]

    @property
    def untouched(self) -> list[LabelledScan]:
        """Scans of which nothing was manipulated."""
        return [scan for scan in self.scans if not scan.tampered]

    @property
    def evidence(self) -> Evidence:
        """What figures on it are worth, by medfake's own marks."""
        marks = {header.synthetic for scan in self.scans for header in scan.series.headers}
        return next((one for one in (Evidence.PHANTOM, Evidence.FORGED) if one in marks), Evidence.CLINICAL)


def read_labelled(
    params: MeasureParams, jobs: int = 1, cache: Path | None = None, modality: Modality = Modality.CT
) -> LabelledSet:
    """Read headers and labels of what a package is measured on; no pixels.

    Args:
        params: The measurement's block of params.yaml.
        jobs: Processes that read headers.
        cache: File of headers read before; made when missing.
        modality: Of the package; scans of others are none that it is measured on.

    Raises:
        SourceError: A folder is missing or holds nothing of its kind and modality.
        LabelError: A label file lacks a column, or names scans that are not there.
        DataError: No scan has a labelled site.
    """
    key = pseudonym_key(params.identifiers)
    store = HeaderCache(cache) if cache else None
    both = params.reals != params.fakes
    scans, problems = _read(params.fakes, key, jobs, store, modality)
    if both:
        others, more = _read(params.reals, key, jobs, store, modality)
        known = {scan.scan_id for scan in scans}
        scans += [scan for scan in others if not scan.tampered and scan.scan_id not in known]
        problems += more
    if store:
        store.close()
    found = LabelledSet(tuple(sorted(scans, key=lambda scan: scan.scan_id)), problems)
    if not found.tampered:
        raise DataError(
            "no scan has a labelled site, so there is nothing to measure", where=params.fakes.path,
            received=f"{len(scans)} scans", remedy="point measure.<name>.fakes.path at scans with a label file",
        )  # fmt: skip
    return found


def _read(
    source: SourceParams, key: bytes, jobs: int, store: HeaderCache | None, modality: Modality
) -> tuple[list[LabelledScan], int]:
    rules = SourceRules(source.min_slices, source.unknown_labels, modality)
    reading = read_source(source.kind, Path(source.path), jobs, store, rules)
    return [_anonymous(scan, source.kind, key) for scan in reading.scans], len(reading.problems)


def _anonymous(scan: SourceScan, kind: str, key: bytes) -> LabelledScan:
    tampered = scan.manipulation is not Manipulation.NONE
    return LabelledScan(
        pseudonym(scan.group, key, "patient"),
        pseudonym(f"{kind}/{scan.key}", key, "scan"),
        scan.manipulation,
        scan.generator,
        _tampered_sites(scan.sites) if tampered else (),
        scan.series,
    )


def _tampered_sites(sites: Sequence[SourceSite]) -> tuple[SourceSite, ...]:
    return tuple(site for site in sites if site.kind.tampered)
