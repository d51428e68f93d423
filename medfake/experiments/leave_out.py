"""What is found that a training never saw: families of manipulations and makers of scanners, left out in turn.

The front of the detector is fixed, so that every slice goes through it once; only judges are trained anew.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from medfake.detectors.dense.fit import LEAST_PATIENTS, seen_places
from medfake.detectors.dense.judged import JudgedSlices
from medfake.detectors.dense.options import ResidualStatisticsOptions
from medfake.detectors.dense.statistics import FOLDER, FRONT_FILE, PlaceStatistics, open_statistics
from medfake.errors import SourceError
from medfake.experiments.leave_out_tables import SaidOfScans, families_of_scans, makers_of_scans, makers_of_slices
from medfake.experiments.left_out_places import families_of_places, measure_places, slices_for_places
from medfake.experiments.left_out_rows import (
    LEARNED_ONES,
    LeftOutRows,
    families_of,
    family_row,
    maker,
    maker_row,
    makers_of,
    makers_of_patients,
)
from medfake.experiments.real_only import RealOnly, real_only_scorer
from medfake.experiments.single_slices import measure_slices, slices_of_makers
from medfake.experiments.unseen import (
    HIT_MM,
    JudgesOf,
    deal_folds,
    judges_without,
    measure_unseen,
    open_aggregation,
)
from medfake.files import work_folder
from medfake.metrics.bootstrap import Bootstrap
from medfake.package.aggregation import AggregationGraph
from medfake.progress import track
from medfake.reports.leave_out import NOTHING, LeaveOutMatrix, write_leave_out
from medfake.tamper.bank import Bank
from medfake.tamper.forged_scans import LEAST_SLICES, forged_scans
from medfake.tamper.inpainter import Inpainter
from medfake.tamper.learned import manipulations_with
from medfake.tamper.real_scans import digest_scans, real_patients

Over = Literal["families", "scanners"]
NAME: Final = "leave-out"
"""Of the files."""
_CODE: Final = (
    *("experiments/leave_out.py", "experiments/left_out_rows.py", "experiments/single_slices.py"),
    *("experiments/unseen.py", "experiments/real_only.py", "experiments/left_out_places.py"),
    *("package/aggregation.py", "detectors/dense/*.py", "detectors/anomaly/*.py", "tamper/*.py", "lungs.py"),
)
"""What is measured follows from, beside the plan."""


@dataclass(frozen=True)
class LeaveOutPlan:
    """What is measured.

    Attributes:
        bank: Learnt from; its slices are also measured on where scanners are left out.
        reals: Folders of real scans of the same patients; those of at least 20 slices are forged whole.
        patients: Patient ID -> the name in the bank.
        options: Of the detector.
        over: What is left out in turn.
        seed: Same seed, same figures.
        folds: Parts into which patients are dealt; each is left out once.
        scanners: Virtual scanners by which each whole scan is also seen untouched.
        forged_scanners: Of these, so many are also manipulated.
        slices: Manipulated slices of each maker at most.
        places: Manipulated slices at most whose places are measured by family.
        real_only: One-class detectors that stand beside the judges.
        inpainters: Folders of learned ones whose manipulations are measured, too.
        bootstrap: How intervals are made.
    """

    bank: Bank
    reals: Sequence[Path]
    patients: Callable[[str], str]
    options: ResidualStatisticsOptions
    over: tuple[Over, ...] = ("families", "scanners")
    seed: int = 1
    folds: int = 4
    scanners: int = 2
    forged_scanners: int = 0
    slices: int = 40
    places: int = 200
    real_only: RealOnly = field(default_factory=dict)
    inpainters: Sequence[Path] = ()
    bootstrap: Bootstrap = field(default_factory=Bootstrap)

    @property
    def named(self) -> LeftOutRows:
        """All that the bank has to be left out.

        Raises:
            ManifestError: The bank does not say who made its scanners.
            SourceError: The bank has but one family, or one maker.
        """
        families = families_of(self.bank) if "families" in self.over else {}
        return LeftOutRows(families, makers_of(self.bank) if "scanners" in self.over else {})


@dataclass(frozen=True)
class LeaveOutResult:
    """Tables, and what must be known to read them."""

    matrices: tuple[LeaveOutMatrix, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Measuring:
    """What scans and slices are measured with.

    Attributes:
        kept: Where trained judges and measured scans lie until all is written.
    """

    judges_of: JudgesOf
    front: JudgedSlices
    aggregate: AggregationGraph
    kept: Path


def make_leave_out(plan: LeaveOutPlan, folder: Path) -> LeaveOutResult:
    """Train judges without each part in turn, measure what they find and write it as leave-out.md, .json and .html.

    What is done is kept in a hidden folder there until all is written, so that a run that was killed goes on.

    Args:
        plan: How.
        folder: E.g. reports/forensics.

    Raises:
        ManifestError: The bank is not whole, or of another form.
        SourceError: The bank or the scans lack what is to be left out in turn.
        TrainingError: Too few patients remain to learn from.
    """
    named, whole = plan.named, _whole_patients(plan)
    if named.families and not whole:
        raise SourceError(
            f"families are measured on whole scans, and no series has {LEAST_SLICES} slices",
            where=", ".join(map(str, plan.reals)), remedy="add folders of whole scans, or pass --over scanners",
        )  # fmt: skip
    places = open_statistics(plan.bank)
    kept = work_folder(folder / NAME, _key(plan))
    folds = deal_folds(whole, places.places.patient_id, plan.folds)
    rows, few = _enough(plan, places, named, folds)
    judges_of = _judges(plan, places, rows, folds, kept)
    front = JudgedSlices(plan.bank.folder / FOLDER / FRONT_FILE)
    measuring = _Measuring(judges_of, front, open_aggregation(kept), kept)
    result = LeaveOutResult(tuple(_matrices(plan, named, rows, whole, measuring)), tuple(_notes(plan, named, few)))
    write_leave_out(folder, NAME, result.matrices, result.notes)
    shutil.rmtree(kept)
    return result


def _whole_patients(plan: LeaveOutPlan) -> list[str]:
    """Patients of the scans that are forged whole, a name a series."""
    untouched = forged_scans(plan.reals, plan.patients, seed=plan.seed, scanners=0, forged_scanners=-1)
    return [scan.patient for scan in untouched]


def _enough(
    plan: LeaveOutPlan, places: PlaceStatistics, named: LeftOutRows, folds: Mapping[str, int]
) -> tuple[LeftOutRows, dict[str, int]]:
    """Rows whose trainings have patients enough in every fold; and how few are left to those of the others."""
    few: dict[str, int] = {}
    fold_of = places.places.patient_id.map(folds)
    for name, unseen in named.unseen(frozenset()).items():
        seen = seen_places(places.places, unseen.options(plan.options))
        patients = places.places[["patient_id"]].assign(fold=fold_of)[seen].drop_duplicates()
        least = min(int((patients.fold != fold).sum()) for fold in range(plan.folds))
        if least < LEAST_PATIENTS and name != NOTHING:
            few[name] = least
    families = {name: own for name, own in named.families.items() if family_row(name) not in few}
    makers = {name: own for name, own in named.makers.items() if maker_row(name) not in few}
    return LeftOutRows(families, makers), few


def _judges(
    plan: LeaveOutPlan, places: PlaceStatistics, rows: LeftOutRows, folds: Mapping[str, int], kept: Path
) -> JudgesOf:
    """Train; a maker all of whose patients are left out by the fold anyway needs no training of its own."""
    by_fold: list[dict[str, Any]] = [{} for _ in range(plan.folds)]
    trainings = [
        (fold, name, unseen)
        for fold in range(plan.folds)
        for name, unseen in rows.unseen(frozenset(one for one, own in folds.items() if own == fold)).items()
    ]
    makers = places.places[["patient_id", "manufacturer"]].drop_duplicates()
    for fold, name, unseen in track(trainings, "training judges", len(trainings)):
        gone = set(makers.patient_id[makers.manufacturer.isin(unseen.scanners)])
        if unseen.scanners and gone <= unseen.patients:
            by_fold[fold][name] = by_fold[fold][NOTHING]
        else:
            by_fold[fold][name] = judges_without(unseen, places, plan.options, plan.seed, kept)
    alone = [(fold, name) for fold in range(plan.folds) for name in plan.real_only] if rows.families else []
    for fold, name in track(alone, "learning what is real", len(alone)):
        patients = frozenset(one for one, own in folds.items() if own == fold)
        options = plan.real_only[name]
        by_fold[fold][name] = real_only_scorer(name, options, plan.bank, patients, plan.seed, kept)
    return lambda patient: by_fold[folds[patient]]


def _matrices(
    plan: LeaveOutPlan, named: LeftOutRows, rows: LeftOutRows, whole: Sequence[str], measuring: _Measuring
) -> Iterator[LeaveOutMatrix]:
    scans = _scans(plan, len(whole), measuring)
    if named.families:
        families, alone = list(rows.families), list(plan.real_only)
        numbers = slices_for_places(plan.bank, plan.places, plan.seed)
        measured = measure_places(plan.bank, numbers, measuring.judges_of, measuring.front, measuring.kept)
        yield families_of_places(list(measured), named.families, families, alone, plan.bootstrap)
        yield from families_of_scans(scans, named.families, families, alone, plan.bootstrap)
    if named.makers:
        chosen = slices_of_makers(plan.bank, plan.slices, plan.seed)
        slices = measure_slices(
            plan.bank, chosen, measuring.judges_of, measuring.front, measuring.aggregate, measuring.kept
        )
        yield from makers_of_slices(list(slices), list(rows.makers), plan.bootstrap)
        yield from makers_of_scans(scans, makers_of_patients(plan.bank), list(rows.makers), plan.bootstrap)


def _scans(plan: LeaveOutPlan, whole: int, measuring: _Measuring) -> SaidOfScans:
    """Whole scans, manipulated in the ways that the bank knows."""
    known = set(plan.bank.sites.manipulation)
    manipulations = {name: one for name, one in manipulations_with(plan.inpainters).items() if name in known}
    scans = forged_scans(
        plan.reals, plan.patients, seed=plan.seed, scanners=plan.scanners, forged_scanners=plan.forged_scanners,
        manipulations=manipulations,
    )  # fmt: skip
    each = plan.scanners + 1 + (plan.forged_scanners + 1) * len(manipulations)
    said = measure_unseen(scans, measuring.judges_of, measuring.front, measuring.aggregate, measuring.kept)
    return list(track(said, "measuring scans", each * whole))


def _notes(plan: LeaveOutPlan, named: LeftOutRows, few: Mapping[str, int]) -> Iterator[str]:
    slices, options, bootstrap = plan.bank.slices, plan.options, plan.bootstrap
    yield (
        f"Bank {plan.bank.folder.name}: {slices.patient_id.nunique()} patients in {plan.folds} folds. Whoever judges a "
        "scan or a slice has seen neither its patient nor what its row names; the row “nothing” leaves out patients "
        "alone. Judges of texture alone: that tissue stands twice in a scan does not count here."
    )
    count = options.rounds * options.members
    judges = "one judge" if count == 1 else f"{count} judges"
    yield (
        f"A training is {judges} of {options.epochs} epochs, seed {plan.seed}: differences of a few hundredths may be "
        "chance. A detector averages several judges."
    )
    yield (
        f"Brackets: {100 * bootstrap.confidence:g} % intervals from {bootstrap.resamples} resamples of patients, or of "
        "scans where a cell has one patient; none where it has one scan. Of fewer than five patients they are too "
        f"narrow. Right place: share whose strongest place is within {HIT_MM:g} mm of a manipulated one."
    )
    if named.families:
        members = "; ".join(f"{name}: {', '.join(own)}" for name, own in named.families.items())
        both = (
            " Learned ones are of another family, too, and left out and tested with it; the inpainters themselves may "
            "have learnt from patients that are left out."
        )
        if plan.real_only:
            yield (
                f"{', '.join(plan.real_only)}: learnt from untouched slices of the bank alone, patients left out as "
                "for the others, so that no manipulation of any family was ever seen. Places: each by itself, before "
                "neighbours are averaged."
            )
        yield f"Families: {members}.{both if LEARNED_ONES in named.families else ''}"
    if named.makers:
        patients = slices.assign(maker=slices.manufacturer.map(maker)).groupby("maker").patient_id.nunique()
        yield (
            f"Patients by maker: {', '.join(f'{name} {count}' for name, count in patients.items())}. Single slices are "
            f"up to {plan.slices} manipulated ones of each maker against the same slices before. Of a maker with one "
            "patient, “nothing” and its own row are one training."
        )
    for name, left in few.items():
        yield (
            f"Not left out: {name.split(' ', 1)[1]}; {left} patients would remain beside a fold, and a training needs "
            f"{LEAST_PATIENTS}."
        )


def _key(plan: LeaveOutPlan) -> str:
    """Stands for exactly this plan, these scans and this code."""
    facts = [
        plan.bank.digest, plan.options.model_dump(mode="json"), plan.over, plan.seed, plan.folds, plan.scanners,
        plan.forged_scanners, plan.slices, plan.places,
        {name: options.model_dump(mode="json") for name, options in plan.real_only.items()},
    ]  # fmt: skip
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    house = Path(__file__).parents[1]
    for code in sorted(path for pattern in _CODE for path in house.glob(pattern)):
        digest.update(code.read_bytes())
    for folder in plan.inpainters:
        digest.update(Inpainter.open(folder).digest.encode())
    digest_scans(digest, real_patients(plan.reals, plan.patients, f"banks.{plan.bank.folder.name}.reals"))
    return digest.hexdigest()
