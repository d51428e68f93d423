"""The detector that comes with medfake: learnt from all patients of a bank, measured on patients left out in turn."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from medfake.detectors.dense.fit import calibrate, learn, save_package
from medfake.detectors.dense.judged import JudgedSlices
from medfake.detectors.dense.options import ResidualStatisticsOptions
from medfake.detectors.dense.statistics import FOLDER, FRONT_FILE, PlaceStatistics, open_statistics
from medfake.experiments.unseen import (
    DETECTOR,
    Unseen,
    deal_folds,
    judges_without,
    measure_unseen,
    open_aggregation,
    training_context,
)
from medfake.files import replace_folder
from medfake.metrics.left_out import (
    MeasuredScan,
    balanced_platt,
    false_alarms,
    figures_by_manipulation,
    measure_p,
    measure_scans,
)
from medfake.metrics.threshold import choose_scan_thresholds
from medfake.package.card import Agreement, Card, graph_digests, write_card
from medfake.package.measured import FalseAlarms
from medfake.progress import track
from medfake.tamper.bank import Bank
from medfake.tamper.forged_scans import ForgedScan, forged_scans, short_scans
from medfake.tamper.learned import manipulations_with
from medfake.vocabulary import Evidence, Split

PROTOCOL: Final = "leave-patients-out"
LEFT_OUT: Final = "left out"
"""The split of its figures: patients that the judges had not seen."""
BLIND_TO: Final = (
    "manipulations outside the lungs, and of other organs or modalities",
    "whole slices that were generated, and whatever spares the texture of residual noise",
    "real tissue of the same scan that was scaled, or turned by another than a right angle: its texture is not foreign",
    "changes smaller than about 10 mm",
    "generators that nobody showed it: it learnt from home-made ones alone",
)


@dataclass(frozen=True)
class BuiltinPlan:
    """How it is made.

    Attributes:
        bank: Learnt from.
        reals: Folders of real scans, of the same patients; those of at least 20 slices are forged whole to measure on.
        patients: Patient ID -> the name in the bank.
        options: Of the detector.
        seed: Same seed, same detector.
        folds: Parts into which patients are dealt; each is left out once.
        scanners: Virtual scanners by which each scan is also seen untouched.
        forged_scanners: Of these, so many are also manipulated.
        inpainters: Folders of learned ones whose manipulations are measured, too; they may know patients left out.
        manipulations: Names of those that are measured; None for all there are.
    """

    bank: Bank
    reals: Sequence[Path]
    patients: Callable[[str], str]
    options: ResidualStatisticsOptions
    seed: int = 1
    folds: int = 4
    scanners: int = 5
    forged_scanners: int = 1
    inpainters: Sequence[Path] = ()
    manipulations: frozenset[str] | None = None


@dataclass(frozen=True)
class _Measured:
    """What judges that never saw a scan's patient say of it.

    Attributes:
        whole: Scans of at least 20 slices, untouched and manipulated.
        short: Untouched ones of fewer slices.
    """

    whole: list[MeasuredScan]
    short: list[MeasuredScan]

    def platt(self) -> tuple[float, float]:
        """Of the texture of whole scans; a copy has a P of its own."""
        texture = [one for one in self.whole if not one.copied_slices]
        return balanced_platt([one.logit for one in texture], [bool(one.manipulation) for one in texture])

    def calibrated(self, a: float, b: float) -> "_Measured":
        return _Measured(*([one.calibrated(a, b) for one in scans] for scans in (self.whole, self.short)))


def make_builtin(plan: BuiltinPlan, out: Path, git_revision: str) -> pd.DataFrame:
    """Make the package.

    Args:
        plan: How.
        out: Replaced by detector.onnx, aggregation.onnx and card.json.
        git_revision: For the card.

    Returns:
        What each whole scan scored when its patient was left out, see `measure_scans`.
    """
    places = open_statistics(plan.bank)
    with tempfile.TemporaryDirectory() as work:
        measured = _left_out(plan, places, Path(work))
        a, b = measured.platt()
        _, detector, aggregation = learn(training_context(plan.options, plan.seed, Path(work) / "all"), places, (), ())
        calibrate(detector, aggregation, a, b)
        with replace_folder(out) as folder:
            sample = next(_untouched(plan)).volume
            agreement = save_package(detector, aggregation, folder, sample[:: max(1, len(sample) // 4)][:4])
            (folder / "detector.keras").unlink()  # scanning needs none, and it would double the download
            card, table = _card(plan, measured.calibrated(a, b), agreement, git_revision)
            facts = {"calibration": {"a": a, "b": b}, "graphs": graph_digests(folder)}
            write_card(card.model_copy(update=facts), folder)
    return table


def _left_out(plan: BuiltinPlan, places: PlaceStatistics, work: Path) -> _Measured:
    """Every scan, scored by judges that never saw its patient."""
    whole = [one.patient for one in _untouched(plan)]
    fold_of = deal_folds(whole, places.places.patient_id, plan.folds)
    judges = {}
    for fold in track(range(plan.folds), "judges without some patients", plan.folds):
        out = frozenset(patient for patient, own in fold_of.items() if own == fold)
        judges[fold] = judges_without(Unseen(out), places, plan.options, plan.seed, work)
    front, aggregate = JudgedSlices(plan.bank.folder / FOLDER / FRONT_FILE), open_aggregation(work)

    def said_of(scans: Iterable[ForgedScan], count: int, kept: Path) -> list[MeasuredScan]:
        kept.mkdir()
        measured = measure_unseen(
            scans, lambda patient: {LEFT_OUT: judges[fold_of.get(patient, 0)]}, front, aggregate, kept, copies=True
        )
        return [said[LEFT_OUT] for said in track(measured, "measuring scans", count)]

    manipulations = {
        name: one
        for name, one in manipulations_with(plan.inpainters).items()
        if plan.manipulations is None or name in plan.manipulations
    }
    scans = forged_scans(
        plan.reals, plan.patients, seed=plan.seed, scanners=plan.scanners, forged_scanners=plan.forged_scanners,
        manipulations=manipulations,
    )  # fmt: skip
    each = plan.scanners + 1 + (plan.forged_scanners + 1) * len(manipulations)
    short = list(short_scans(plan.reals, plan.patients))
    return _Measured(said_of(scans, each * len(whole), work / "whole"), said_of(short, len(short), work / "short"))


def _untouched(plan: BuiltinPlan) -> Iterator[ForgedScan]:
    return forged_scans(plan.reals, plan.patients, seed=plan.seed, scanners=0, forged_scanners=-1)


def _card(plan: BuiltinPlan, measured: _Measured, agreement: Agreement, revision: str) -> tuple[Card, pd.DataFrame]:
    """The package's card, and the scans that its figures are of."""
    label, p = [int(one.manipulation != "") for one in measured.whole], measure_p(measured.whole)
    cuts = choose_scan_thresholds(pd.DataFrame({"split": Split.VAL, "label": label, "p_tampered": p}), 0.5)
    table = measure_scans(measured.whole, cuts.high)
    figures = table.attrs["figures"]
    untouched, forged = table[table.manipulation == ""], table[table.manipulation != ""]
    whole, all_ = table.patient.nunique(), plan.bank.slices.patient_id.nunique()
    said = f"{len(forged)} scans that medfake forged and {len(untouched)} untouched ones"
    card = Card(
        detector=DETECTOR, options={**plan.options.model_dump(mode="json"), "bank": plan.bank.folder.name},
        seed=plan.seed, dataset=f"bank {plan.bank.folder.name}", dataset_sha256=plan.bank.digest,
        evidence=Evidence.FORGED, protocol=PROTOCOL, parameters=None, localises=True,
        threshold=cuts.high, threshold_rule="that of scans: a place counts from there on",
        scan_threshold_low=cuts.low, scan_threshold_high=cuts.high,
        calibration={}, weights={"kind": "none", "sha256": None},
        metrics={LEFT_OUT: figures.metrics}, intervals={LEFT_OUT: figures.intervals},
        patients={LEFT_OUT: whole, "learnt from": all_}, interval_unit={LEFT_OUT: "scans"},
        measured_on=(
            f"{said}, of {whole} patients left out in turn",
            f"learnt from {all_} patients, {len(plan.bank.sites)} manipulated places, none of a published attack",
            "each slice that it learnt from was also shown after noise, smoothing, a window, JPEG or JPEG 2000",
            f"copies were found in {int(forged.copied.sum())} forged and {int(untouched.copied.sum())} untouched ones",
        ),
        blind_to=BLIND_TO, false_alarms=false_alarms(untouched.p, cuts.high),
        false_alarms_of_few=_of_few(measured.short, cuts.high),
        by_manipulation=figures_by_manipulation(measured.whole), agreement=agreement,
        git_revision=revision, dvc_lock_sha256=None, mlflow_run_id=None,
    )  # fmt: skip
    return card, table


def _of_few(short: Sequence[MeasuredScan], threshold: float) -> FalseAlarms | None:
    return false_alarms(measure_p(short), threshold) if short else None
