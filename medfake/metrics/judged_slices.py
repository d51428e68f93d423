"""A package's word on labelled slices, each by itself, as they are or after a perturbation."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.errors import DicomError, ScanError
from medfake.log_odds import sigmoid
from medfake.metrics.labelled_scans import LabelledSlice
from medfake.metrics.place_controls import Control, judged_by
from medfake.metrics.scans import Floats
from medfake.metrics.within_slice import JudgedSlice, PlaceMap
from medfake.package.scan_scorer import ScanScorer
from medfake.package.scan_scores import ScanScores
from medfake.progress import track
from medfake.robustness.registry import Perturbation

PLACE_STEP_PX: Final = 8.0
"""Of maps that a graph gives without an aggregation of its own."""


@dataclass(frozen=True)
class JudgedSet:
    """What a package says of labelled slices.

    Attributes:
        labelled: Slices that could be read.
        slices: What was said of them, in the same order.
        controls: What judges without knowledge say of the same places; none after a perturbation.
        seconds: Of scoring alone, files not counted.
        unread: Slices that could not be decoded; they are left out.
    """

    labelled: tuple[LabelledSlice, ...]
    slices: tuple[JudgedSlice, ...]
    seconds: float
    unread: int
    controls: Mapping[Control, tuple[JudgedSlice, ...]] = field(default_factory=dict)


def judge_slices(
    scorer: ScanScorer, labelled: Sequence[LabelledSlice], seed: int, perturbation: Perturbation | None = None
) -> JudgedSet:
    """Score every labelled slice by itself.

    Args:
        scorer: The package, loaded.
        labelled: Slices with at least one site each.
        seed: Of noise and of the random control.
        perturbation: What slices go through before; their sites move with them.
    """
    read, judged, controls = [], [], {control: list[JudgedSlice]() for control in Control}
    seconds = 0.0
    doing = "judging slices" if perturbation is None else f"judging slices after {perturbation.name}"
    for number, one in enumerate(track(labelled, doing, len(labelled))):
        try:
            hu = one.read()
        except DicomError:
            continue  # counted: one bad file stops no measurement
        sites, spacing_mm, rng = one.sites, one.scan.spacing_mm, np.random.default_rng([seed, number])
        if perturbation is not None:
            before, hu = _shape(hu), perturbation.apply(hu, rng)
            sites = perturbation.move(sites, before, _shape(hu))
            spacing_mm = perturbation.spacing_after(spacing_mm, before, _shape(hu))
        started = time.perf_counter()
        places, strongest = judge_slice(scorer, hu, spacing_mm)
        seconds += time.perf_counter() - started
        scan = one.scan
        said = JudgedSlice(scan.patient_id, scan.scan_id, scan.manipulation, spacing_mm, sites, places, strongest)
        read.append(one)
        judged.append(said)
        if perturbation is None:
            for control, answers in controls.items():
                answers.append(judged_by(control, hu, said, rng))
    answered = {control: tuple(answers) for control, answers in controls.items() if perturbation is None}
    return JudgedSet(tuple(read), tuple(judged), seconds, len(labelled) - len(read), answered)


def judge_slice(
    scorer: ScanScorer, hu: NDArray[np.int16], spacing_mm: tuple[float, float]
) -> tuple[PlaceMap | None, tuple[float, float] | None]:
    """Map and strongest place of a slice as a scan of its own; nothing where the detector gives no number."""
    try:
        said = scorer.score_scan([(hu[None], np.zeros(1))], spacing_mm)
    except ScanError:
        return None, None
    return _map(scorer, said, hu), (said.sites[0].y, said.sites[0].x) if said.sites else None


def _map(scorer: ScanScorer, said: ScanScores, hu: NDArray[np.int16]) -> PlaceMap | None:
    """After the package's own aggregation, or the graph's where it has none."""
    if said.place_p is not None:
        p: Floats = said.place_p[0].astype(np.float64)
        return PlaceMap(p, p > 0, float(said.place_step_px or PLACE_STEP_PX))
    raw = scorer.scorer.score(hu[None]) if scorer.scorer.gives_places else None
    if raw is None or raw.place_logit is None or raw.place_counts is None:
        return None
    return PlaceMap(np.asarray(sigmoid(raw.place_logit[0])), raw.place_counts[0] > 0, PLACE_STEP_PX)


def _shape(hu: NDArray[np.int16]) -> tuple[int, int]:
    return hu.shape[0], hu.shape[1]
