"""A stored package on scans that it has not learnt from: everything that is measured of it, in one record."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from medfake.config import MeasureParams
from medfake.errors import ManifestError
from medfake.metrics.bootstrap import Bootstrap, cluster
from medfake.metrics.judged_slices import JudgedSet, judge_slices
from medfake.metrics.labelled_scans import LabelledSet, read_labelled
from medfake.metrics.place_controls import Control, chance_of_a_hit
from medfake.metrics.whole_scans import WholeScans, measure_whole_scans
from medfake.metrics.within_slice import (
    FAR_MM,
    HIT_MM,
    NEAR_MM,
    JudgedSlice,
    WithinSlice,
    mean_figure,
    measure_within_slices,
)
from medfake.package.card import Card, graph_digests
from medfake.package.scan_scorer import open_package
from medfake.robustness.chosen import chosen_perturbations
from medfake.vocabulary import Evidence, Manipulation, Task

SCHEMA_VERSION: Final = 2
EVERY: Final = "all"
KINDS: Final = (Manipulation.REMOVED, Manipulation.INJECTED, Manipulation.GENERATED)
"""Removals first: brightness finds injected nodules without any detector, so that a result is judged by removals."""


@dataclass(frozen=True)
class WithinRow:
    """One judge on one kind of site.

    Attributes:
        judge: "detector", a control, or the detector after a perturbation.
        kind: "removed", "injected" or "all".
        says: What the judge is, or what slices went through.
    """

    judge: str
    kind: str
    says: str
    measured: WithinSlice


@dataclass(frozen=True)
class Speed:
    """How fast labelled slices were scored, reading not counted.

    Attributes:
        slices_per_s: Lung mask, graph and aggregation included.
        cores: Of the machine.
    """

    slices_per_s: float
    slices: int
    cores: int


@dataclass(frozen=True)
class Forensics:
    """All figures of a measurement; no identifiers but pseudonyms.

    Attributes:
        name: Of its block in params.yaml.
        detector: Of the package.
        graphs: SHA-256 of each of its graphs, by file name.
        learnt_from: Data set of the package, and what figures on that are worth.
        evidence: What figures on these scans are worth.
        localises: Whether the package gives a map; without one there are hits alone.
        scans: Manipulated scans, `patients` of them, and `untouched` ones.
        problems: Faults of the sources; `unread` labelled slices could not be decoded.
        near_mm, far_mm, hit_mm: What counts as a site's place, as far from all, and as a hit.
        within: The detector, then its controls, on each kind of site.
        perturbed: The detector after each perturbation.
        whole: On whole scans; None where there are no untouched ones.
    """

    name: str
    detector: str
    graphs: dict[str, str]
    learnt_from: str
    learnt_evidence: Evidence
    evidence: Evidence
    maps: bool
    scans: int
    untouched: int
    patients: int
    problems: int
    unread: int
    within: tuple[WithinRow, ...]
    perturbed: tuple[WithinRow, ...]
    whole: WholeScans | None
    speed: Speed
    bootstrap: Bootstrap
    near_mm: float = NEAR_MM
    far_mm: float = FAR_MM
    hit_mm: float = HIT_MM
    schema_version: int = SCHEMA_VERSION

    def as_json(self) -> dict[str, Any]:
        """Plain values, for a file."""
        return asdict(self)

    def row(self, judge: str, kind: str) -> WithinSlice | None:
        """What a judge reached on a kind of site; None where there is none of that kind."""
        rows = (*self.within, *self.perturbed)
        return next((row.measured for row in rows if (row.judge, row.kind) == (judge, kind)), None)


DETECTOR: Final = "detector"


@dataclass(frozen=True)
class Measured:
    """Figures, and the slices behind them, for pictures."""

    forensics: Forensics
    judged: JudgedSet


def measure_package(
    name: str, params: MeasureParams, bootstrap: Bootstrap, jobs: int = 1, cache: Path | None = None
) -> Measured:
    """Measure a package.

    Args:
        name: Of the measurement.
        params: Its block of params.yaml.
        bootstrap: How intervals are made.
        jobs: Processes that read headers.
        cache: File of headers read before; made when missing.

    Raises:
        ManifestError: The package is not whole, or answers another question than tampering.
        SourceError: A source is missing.
        LabelError: A label file cannot be used.
        DataError: No scan has a labelled site.
    """
    package = Path(params.package)
    scorer = open_package(package)
    task = scorer.card.task
    if task is not Task.TAMPERING:
        raise ManifestError(
            "this package answers another question than tampering", where=f"measure.{name}.package",
            received=f"task {task}: {task.sentence}", remedy="measure a detector of tampering",
        )  # fmt: skip
    found = read_labelled(params, jobs, cache, scorer.card.modality)
    labelled = [one for scan in found.tampered for one in scan.labelled_slices]
    judged = judge_slices(scorer, labelled, params.seed)
    perturbed: list[WithinRow] = []
    for one in chosen_perturbations(params):
        after = judge_slices(scorer, labelled, params.seed, one)
        perturbed += rows_by_kind(one.name, one.says, after.slices, bootstrap)
    whole = measure_whole_scans(scorer, found.scans, bootstrap)
    facts = _facts(scorer.card, package, found, judged)
    within = within_rows(judged, bootstrap)
    forensics = Forensics(
        name=name, within=within, perturbed=tuple(perturbed), whole=whole, bootstrap=bootstrap, **facts
    )
    return Measured(forensics, judged)


def within_rows(judged: JudgedSet, bootstrap: Bootstrap) -> tuple[WithinRow, ...]:
    """The detector, then the controls, on removals, injections and all."""
    rows = rows_by_kind(DETECTOR, "the package", judged.slices, bootstrap)
    for control, slices in judged.controls.items():
        rows += rows_by_kind(control, "a control that knows nothing of manipulations", slices, bootstrap, control)
    return tuple(rows)


def rows_by_kind(
    judge: str, says: str, slices: Sequence[JudgedSlice], bootstrap: Bootstrap, control: Control | None = None
) -> list[WithinRow]:
    """Figures of each kind of site that there is, removals first, then of all."""
    kinds = [kind for kind in KINDS if any(one.manipulation is kind for one in slices)]
    rows = []
    for kind in (*kinds, EVERY):
        some = [one for one in slices if kind in (EVERY, one.manipulation)]
        rows.append(WithinRow(judge, str(kind), says, _measure(some, bootstrap, control)))
    return rows


def _measure(slices: Sequence[JudgedSlice], bootstrap: Bootstrap, control: Control | None) -> WithinSlice:
    """As measured; the random control's hits are its exact chance and not one throw."""
    from dataclasses import replace

    measured = measure_within_slices(slices, bootstrap)
    if control is not Control.RANDOM:
        return measured
    clusters = cluster([one.patient_id for one in slices], [one.scan_id for one in slices])
    return replace(measured, hit_rate=mean_figure(chance_of_a_hit(slices), clusters, bootstrap))


def _facts(card: Card, package: Path, found: LabelledSet, judged: JudgedSet) -> dict[str, Any]:
    count = len(judged.slices)
    return {
        "detector": card.detector,
        "graphs": graph_digests(package),
        "learnt_from": card.dataset,
        "learnt_evidence": card.evidence,
        "evidence": found.evidence,
        "maps": any(one.map is not None for one in judged.slices),
        "scans": len(found.tampered),
        "untouched": len(found.untouched),
        "patients": len({scan.patient_id for scan in found.scans}),
        "problems": found.problems,
        "unread": judged.unread,
        "speed": Speed(float(np.round(count / max(judged.seconds, 1e-9), 2)), count, os.cpu_count() or 1),
    }
