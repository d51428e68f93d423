"""Judges that have not seen some patients, manipulations or scanners, and what they say of what they never saw."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from medfake.copies.patches import Patches, describe
from medfake.copies.search import find_copies
from medfake.detectors.context import TrainingContext
from medfake.detectors.dense.fit import DenseContext, learn, write_aggregation
from medfake.detectors.dense.judged import JudgedSlices, open_judges, save_judges
from medfake.detectors.dense.options import ResidualStatisticsOptions
from medfake.detectors.dense.statistics import PlaceStatistics
from medfake.detectors.registry import detector_spec
from medfake.files import write_json
from medfake.log_odds import logit
from medfake.lungs import lung_in_view
from medfake.metrics.left_out import MeasuredScan
from medfake.package.aggregation import AggregationGraph
from medfake.package.card import AGGREGATION_FILE
from medfake.package.copied import with_copies
from medfake.package.scan_scores import ScoredScan
from medfake.package.scorer import Scores
from medfake.tamper.forged_scans import ForgedScan
from medfake.training.run_state import RunState

DETECTOR: Final = "ResidualStatistics"
HIT_MM: Final = 16.0
NEAR_MM: Final = 8.0  # along z, slices that near a site show it
EDGE: Final = 1e-6

JudgesOf = Callable[[str], Mapping[str, Any]]
"""Patient -> judges by name, none of which has seen the patient."""


@dataclass(frozen=True)
class Unseen:
    """What one training is not shown.

    Attributes:
        patients: Of the bank.
        manipulations: Their names, or those of their families.
        scanners: Makers, as the bank spells them.
    """

    patients: frozenset[str] = frozenset()
    manipulations: tuple[str, ...] = ()
    scanners: tuple[str, ...] = ()

    def options(self, options: ResidualStatisticsOptions) -> ResidualStatisticsOptions:
        """Options of the training; what they leave out by themselves stays out."""
        without = tuple(sorted({*options.without, *self.manipulations}))
        scanners = tuple(sorted({*options.without_scanners, *self.scanners}))
        return options.model_copy(update={"without": without, "without_scanners": scanners})


def deal_folds(whole: Iterable[str], patients: Iterable[str], folds: int) -> dict[str, int]:
    """Which fold each patient is left out with; those of whole scans are dealt out first, so that each has some."""
    first = list(dict.fromkeys(whole))
    others = sorted(set(patients) - set(first))
    return {patient: at % folds for group in (first, others) for at, patient in enumerate(group)}


def training_context(options: ResidualStatisticsOptions, seed: int, folder: Path) -> DenseContext:
    """What `learn` needs of a training that reads a bank alone."""
    return TrainingContext(
        spec=detector_spec(DETECTOR), options=options, seed=seed, features=folder,
        dataset=None,  # type: ignore[arg-type]  # `learn` reads a bank alone
        state=RunState(folder / "state.npz", {}), on_epoch=lambda *_: None,
    )  # fmt: skip


def judges_without(
    unseen: Unseen, places: PlaceStatistics, options: ResidualStatisticsOptions, seed: int, kept: Path
) -> Any:
    """Judges that have not seen something, trained unless they are kept.

    Args:
        unseen: What they are not shown.
        places: Of the bank.
        options: Of the detector.
        seed: Same seed, same judges.
        kept: Folder where they are kept; it stands for places, options and seed.

    Returns:
        Keras model, (places, 440) -> (places, members) logits.

    Raises:
        TrainingError: Too little is left to learn from.
    """
    word = json.dumps([sorted(unseen.patients), unseen.manipulations, unseen.scanners])
    path = kept / f"judges-{hashlib.sha256(word.encode()).hexdigest()[:16]}.keras"
    if not path.exists():
        context = training_context(unseen.options(options), seed, path.with_suffix(""))
        judges, _, _ = learn(context, places, (), unseen.patients)
        save_judges(judges, path)
        context.state.discard()
    return open_judges(path)


def open_aggregation(kept: Path) -> AggregationGraph:
    """From places to a scan, not calibrated: the same for all judges."""
    from medfake.detectors.dense.network import build_aggregation

    path = kept / AGGREGATION_FILE
    write_aggregation(build_aggregation(), path)
    return AggregationGraph(path)


def measure_unseen(
    scans: Iterable[ForgedScan],
    judges_of: JudgesOf,
    front: JudgedSlices,
    aggregate: AggregationGraph,
    kept: Path,
    *,
    copies: bool = False,
) -> Iterator[dict[str, MeasuredScan]]:
    """What judges that have not seen a scan's patient say of it; the front looks at every slice once.

    Args:
        scans: An untouched scan, then its manipulated copies, of which only what changed is looked at anew.
        judges_of: Judges by name.
        front: Makes features of places.
        aggregate: From places to a scan.
        kept: Folder where what was measured is kept; it stands for the scans and the judges.
        copies: Whether tissue that stands twice counts, too, as it does when a scan is served.

    Yields:
        By name of the judges, scan by scan.
    """
    before: _Untouched | None = None
    for ordinal, scan in enumerate(scans):
        judges = judges_of(scan.patient)
        if not scan.manipulation:
            before = _Untouched(scan, judges, front, copies)
        path = kept / f"scan-{ordinal:05d}.json"
        if not path.exists():
            write_json(path, {name: _plain(one) for name, one in _measured(scan, before, judges, front, aggregate)})
        said = json.loads(path.read_text(encoding="utf-8"))
        yield {name: _restored(said[name]) for name in judges}


class _Untouched:
    """An untouched scan, looked at only where something is measured of it."""

    def __init__(self, scan: ForgedScan, judges: Mapping[str, Any], front: JudgedSlices, copies: bool) -> None:
        self._scan, self._judges, self._front, self._copies = scan, judges, front, copies
        self._scored: dict[str, ScoredScan] | None = None

    @property
    def scored(self) -> dict[str, ScoredScan]:
        """By name of the judges."""
        if self._scored is None:
            scan = self._scan
            shows = np.array([lung_in_view(hu, _square_mm(scan)) for hu in scan.volume])
            patches = tuple(describe(hu, _square_mm(scan)) for hu in scan.volume) if self._copies else ()
            usable = np.ones(len(scan.volume), bool)
            self._scored = {
                name: ScoredScan(scores, scan.z_mm, usable, shows, scan.spacing_mm[1:], patches)
                for name, scores in self._front.score(scan.volume, self._judges).items()
            }
        return self._scored


def _measured(
    scan: ForgedScan,
    before: _Untouched | None,
    judges: Mapping[str, Any],
    front: JudgedSlices,
    aggregate: AggregationGraph,
) -> Iterator[tuple[str, MeasuredScan]]:
    if before is None:
        message = "a manipulated scan comes after the same scan untouched"
        raise ValueError(message)
    scored = before.scored
    if scan.manipulation and len(scan.changed):
        fresh = front.score(scan.volume[scan.changed], judges)
        scored = {
            name: replace(one, scores=_replaced(one.scores, fresh[name], scan), patches=_described(one.patches, scan))
            for name, one in before.scored.items()
        }
    for name, one in scored.items():
        yield name, _measured_scan(scan, one, aggregate)


def _replaced(before: Scores, fresh: Scores, scan: ForgedScan) -> Scores:
    parts = {}
    for name, values in vars(before).items():
        if values is not None:
            parts[name] = values.copy()
            parts[name][scan.changed] = getattr(fresh, name)
    return Scores(**parts)


def _described(before: Sequence[Patches], scan: ForgedScan) -> tuple[Patches, ...]:
    """Patches of a manipulated scan, where those of the untouched one are known."""
    if not before:
        return ()
    changed = set(scan.changed.tolist())
    return tuple(
        describe(hu, _square_mm(scan)) if at in changed else own
        for at, (hu, own) in enumerate(zip(scan.volume, before, strict=True))
    )


def _square_mm(scan: ForgedScan) -> float:
    return float(np.sqrt(scan.spacing_mm[1] * scan.spacing_mm[2]))


def _measured_scan(scan: ForgedScan, scored: ScoredScan, aggregate: AggregationGraph) -> MeasuredScan:
    """What is said of a scan, beside what was done to it."""
    by_texture = aggregate(replace(scored, patches=()))
    said = with_copies(by_texture, scored, find_copies(scored.patches, scored.z_mm, scored.spacing_mm))
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
        logit=float(logit(by_texture.p_tampered, EDGE)), slice_logits=logit(by_texture.slice_p, EDGE), shows_site=near,
        hit=hit, copied_slices=tuple(sorted({at for copy in said.copies for at in copy.slices})),
    )  # fmt: skip


def _plain(scan: MeasuredScan) -> dict[str, object]:
    return asdict(scan) | {"slice_logits": scan.slice_logits.tolist(), "shows_site": scan.shows_site.tolist()}


def _restored(said: dict[str, Any]) -> MeasuredScan:
    arrays = {"slice_logits": np.array(said["slice_logits"]), "shows_site": np.array(said["shows_site"], bool)}
    return MeasuredScan(**(said | arrays | {"copied_slices": tuple(said["copied_slices"])}))
