"""The detector that comes with medfake: learnt from all patients of a bank, measured on patients left out in turn."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.detectors.context import TrainingContext
from medfake.detectors.dense.fit import DenseContext, calibrate, learn, save_package
from medfake.detectors.dense.options import ResidualStatisticsOptions
from medfake.detectors.dense.statistics import PlaceStatistics, open_statistics
from medfake.detectors.registry import detector_spec
from medfake.files import replace_folder
from medfake.log_odds import logit
from medfake.lungs import lung_in_view
from medfake.metrics.left_out import (
    MeasuredScan,
    balanced_platt,
    false_alarms,
    figures_by_manipulation,
    measure_scans,
)
from medfake.metrics.threshold import choose_scan_thresholds
from medfake.package.aggregation import AggregationGraph
from medfake.package.card import AGGREGATION_FILE, ONNX_FILE, Agreement, Card, graph_digests, write_card
from medfake.package.scan_scores import ScoredScan
from medfake.package.scorer import Scorer, Scores
from medfake.progress import track
from medfake.tamper.bank import Bank
from medfake.tamper.forged_scans import ForgedScan, forged_scans
from medfake.tamper.learned import manipulations_with
from medfake.training.run_state import RunState
from medfake.vocabulary import Evidence, Split

DETECTOR: Final = "ResidualStatistics"
PROTOCOL: Final = "leave-patients-out"
LEFT_OUT: Final = "left out"
"""The split of its figures: patients that the judges had not seen."""
HIT_MM: Final = 16.0
NEAR_MM: Final = 8.0  # along z, slices that near a site show it
BLIND_TO: Final = (
    "manipulations outside the lungs, and of other organs or modalities",
    "whole slices that were generated, and whatever spares the texture of residual noise",
    "real tissue of the same scan, copied or moved under a soft border: its texture is not foreign",
    "changes smaller than about 10 mm",
    "generators that nobody showed it: it learnt from home-made ones alone",
)
_EDGE: Final = 1e-6


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


def make_builtin(plan: BuiltinPlan, out: Path, git_revision: str) -> pd.DataFrame:
    """Make the package.

    Args:
        plan: How.
        out: Replaced by detector.onnx, aggregation.onnx and card.json.
        git_revision: For the card.

    Returns:
        What each scan scored when its patient was left out, see `measure_scans`.
    """
    places = open_statistics(plan.bank)
    with tempfile.TemporaryDirectory() as work:
        measured = list(_left_out(plan, places, Path(work)))
        a, b = balanced_platt([one.logit for one in measured], [bool(one.manipulation) for one in measured])
        _, detector, aggregation = learn(_context(plan, Path(work) / "all"), places, (), ())
        calibrate(detector, aggregation, a, b)
        with replace_folder(out) as folder:
            sample = next(_untouched(plan)).volume
            agreement = save_package(detector, aggregation, folder, sample[:: max(1, len(sample) // 4)][:4])
            (folder / "detector.keras").unlink()  # scanning needs none, and it would double the download
            card = _card(plan, measured, (a, b), agreement, git_revision)
            write_card(card.model_copy(update=_further_facts(measured, folder)), folder)
    return measure_scans(measured, a, b)


def _context(plan: BuiltinPlan, folder: Path) -> DenseContext:
    return TrainingContext(
        spec=detector_spec(DETECTOR), options=plan.options, seed=plan.seed, features=folder,
        dataset=None,  # type: ignore[arg-type]  # `learn` reads a bank alone
        state=RunState(folder / "state", {}), on_epoch=lambda *_: None,
    )  # fmt: skip


def _left_out(plan: BuiltinPlan, places: PlaceStatistics, work: Path) -> Iterator[MeasuredScan]:
    """Every scan, scored by judges that never saw its patient."""
    fold_of = _folds(plan, places)
    scorers: dict[int, tuple[Scorer, AggregationGraph]] = {}
    for fold in track(range(plan.folds), "judges without some patients", plan.folds):
        out = {patient for patient, own in fold_of.items() if own == fold}
        _, detector, aggregation = learn(_context(plan, work / f"fold-{fold}"), places, (), out)
        folder = work / f"package-{fold}"
        folder.mkdir()
        save_package(detector, aggregation, folder, np.zeros((1, 128, 128), np.int16))
        scorers[fold] = Scorer(folder / ONNX_FILE), AggregationGraph(folder / AGGREGATION_FILE)
    before: ScoredScan | None = None
    manipulations = manipulations_with(plan.inpainters)
    scans = forged_scans(
        plan.reals, plan.patients, seed=plan.seed, scanners=plan.scanners, forged_scanners=plan.forged_scanners,
        manipulations=manipulations,
    )  # fmt: skip
    each = plan.scanners + 1 + (plan.forged_scanners + 1) * len(manipulations)
    for scan in track(scans, "measuring scans", each * sum(1 for _ in _untouched(plan))):
        scorer, aggregate = scorers[fold_of[scan.patient]]
        scored = _scored(scan, scorer, before)
        before = before if scan.manipulation else scored
        yield _measured(scan, scored, aggregate)


def _folds(plan: BuiltinPlan, places: PlaceStatistics) -> dict[str, int]:
    """Patients with whole scans dealt out first, so that every fold has some."""
    whole = dict.fromkeys(one.patient for one in _untouched(plan))
    others = [patient for patient in sorted(set(places.places.patient_id)) if patient not in whole]
    return {patient: at % plan.folds for group in (list(whole), others) for at, patient in enumerate(group)}


def _untouched(plan: BuiltinPlan) -> Iterator[ForgedScan]:
    return forged_scans(plan.reals, plan.patients, seed=plan.seed, scanners=0, forged_scanners=-1)


def _scored(scan: ForgedScan, scorer: Scorer, before: ScoredScan | None) -> ScoredScan:
    """Places of all slices; of a manipulated scan only what changed is scored anew."""
    fresh = scorer.score(scan.volume[scan.changed])
    if scan.manipulation == "" or before is None:
        square_mm = float(np.sqrt(scan.spacing_mm[1] * scan.spacing_mm[2]))
        shows = np.array([lung_in_view(hu, square_mm) for hu in scan.volume])
        return ScoredScan(fresh, scan.z_mm, np.ones(len(scan.volume), bool), shows, scan.spacing_mm[1:])
    return ScoredScan(
        _replaced(before.scores, fresh, scan.changed), before.z_mm, before.usable, before.shows_lung, before.spacing_mm
    )


def _replaced(before: Scores, fresh: Scores, changed: NDArray[np.intp]) -> Scores:
    parts = {}
    for name, values in vars(before).items():
        if values is not None:
            parts[name] = values.copy()
            parts[name][changed] = getattr(fresh, name)
    return Scores(**parts)


def _measured(scan: ForgedScan, scored: ScoredScan, aggregate: AggregationGraph) -> MeasuredScan:
    said = aggregate(scored)
    near = np.zeros(len(scan.z_mm), bool)
    hit = None
    if scan.site is not None:
        near = np.abs(scan.z_mm - scan.z_mm[scan.site.z]) <= NEAR_MM
        hit = False
        if said.sites:
            best = said.sites[0]
            apart = (
                best.z_mm - scan.z_mm[scan.site.z],
                (best.y - scan.site.y) * scan.spacing_mm[1],
                (best.x - scan.site.x) * scan.spacing_mm[2],
            )
            hit = bool(np.linalg.norm(apart) <= HIT_MM)
    return MeasuredScan(
        patient=scan.patient, scanner=scan.scanner, manipulation=scan.manipulation,
        logit=float(logit(said.p_tampered, _EDGE)), slice_logits=logit(said.slice_p, _EDGE), shows_site=near, hit=hit,
    )  # fmt: skip


def _card(
    plan: BuiltinPlan, measured: Sequence[MeasuredScan], platt: tuple[float, float], agreement: Agreement, revision: str
) -> Card:
    table = measure_scans(measured, *platt)
    figures = table.attrs["figures"]
    scans = pd.DataFrame({"split": Split.VAL, "label": (table.manipulation != "").astype(int), "p_tampered": table.p})
    cuts = choose_scan_thresholds(scans, 0.5)
    untouched, forged = table[table.manipulation == ""], table[table.manipulation != ""]
    whole, all_ = table.patient.nunique(), plan.bank.slices.patient_id.nunique()
    said = f"{len(forged)} scans that medfake forged and {len(untouched)} untouched ones"
    return Card(
        detector=DETECTOR, options={**plan.options.model_dump(mode="json"), "bank": plan.bank.folder.name},
        seed=plan.seed, dataset=f"bank {plan.bank.folder.name}", dataset_sha256=plan.bank.digest,
        evidence=Evidence.FORGED, protocol=PROTOCOL, parameters=None, localises=True,
        threshold=cuts.high, threshold_rule="that of scans: a place counts from there on",
        scan_threshold_low=cuts.low, scan_threshold_high=cuts.high,
        calibration={"a": platt[0], "b": platt[1]}, weights={"kind": "none", "sha256": None},
        metrics={LEFT_OUT: figures.metrics}, intervals={LEFT_OUT: figures.intervals},
        patients={LEFT_OUT: whole, "learnt from": all_}, interval_unit={LEFT_OUT: "scans"},
        measured_on=(
            f"{said}, of {whole} patients left out in turn",
            f"learnt from {all_} patients, {len(plan.bank.sites)} manipulated places, none of a published attack",
            "each slice that it learnt from was also shown after noise, smoothing, a window, JPEG or JPEG 2000",
        ),
        blind_to=BLIND_TO, false_alarms=false_alarms(untouched.p, cuts.high), agreement=agreement,
        git_revision=revision, dvc_lock_sha256=None, mlflow_run_id=None,
    )  # fmt: skip


def _further_facts(measured: Sequence[MeasuredScan], folder: Path) -> dict[str, object]:
    """Figures by manipulation, and which graphs the card is of."""
    return {"by_manipulation": figures_by_manipulation(measured), "graphs": graph_digests(folder)}
