"""Manipulated slices of a bank, each by itself beside the same slice before, measured by judges that never saw it."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from medfake.detectors.dense.judged import JudgedSlices
from medfake.experiments.left_out_rows import maker
from medfake.experiments.unseen import EDGE, HIT_MM, JudgesOf
from medfake.files import write_json
from medfake.log_odds import logit
from medfake.metrics.left_out import MeasuredSlice
from medfake.package.aggregation import AggregationGraph
from medfake.package.scan_scores import ScanScores, ScoredScan
from medfake.package.scorer import Scores
from medfake.progress import track
from medfake.tamper.bank import Bank, SliceKind


def slices_of_makers(bank: Bank, most: int, seed: int) -> list[int]:
    """Manipulated slices of every maker, drawn by turns of its patients.

    Args:
        bank: The bank.
        most: Of each maker.
        seed: Same seed, same slices.
    """
    forged = bank.slices[bank.slices.kind == SliceKind.FORGED].sample(frac=1, random_state=seed)
    forged = forged.assign(turn=forged.groupby("patient_id").cumcount(), maker=forged.manufacturer.map(maker))
    drawn = forged.sort_values("turn", kind="stable").groupby("maker").head(most)
    return sorted(int(number) for number in drawn.number)


def measure_slices(
    bank: Bank, numbers: list[int], judges_of: JudgesOf, front: JudgedSlices, aggregate: AggregationGraph, kept: Path
) -> Iterator[dict[str, MeasuredSlice]]:
    """What judges that have not seen a slice's patient say of it, and of the same slice before.

    Args:
        bank: That the slices are of.
        numbers: Of manipulated slices.
        judges_of: Judges by name.
        front: Makes features of places.
        aggregate: From places to a score; a slice stands for a scan of one slice.
        kept: Folder where what was measured is kept; it stands for the bank and the judges.

    Yields:
        By name of the judges, slice by slice.
    """
    for number in track(numbers, "measuring slices", len(numbers)):
        path = kept / f"slice-{number:06d}.json"
        if not path.exists():
            said = _said_of(bank, number, judges_of, front, aggregate)
            write_json(path, {name: asdict(one) for name, one in said.items()})
        yield {name: MeasuredSlice(**one) for name, one in json.loads(path.read_text(encoding="utf-8")).items()}


def _said_of(
    bank: Bank, number: int, judges_of: JudgesOf, front: JudgedSlices, aggregate: AggregationGraph
) -> dict[str, MeasuredSlice]:
    row: Any = bank.slices.loc[number]
    patient, spacing_mm = str(row["patient_id"]), float(row["spacing_mm"])
    pair = np.stack([bank.hu(number), bank.hu(int(row["twin"]))])
    sites = bank.sites[bank.sites.number == number][["y", "x"]].to_numpy(dtype=float)
    said = {}
    for name, scores in front.score(pair, judges_of(patient)).items():
        after, before = (_alone(scores, at, spacing_mm, aggregate) for at in range(2))
        hit = False
        if after.sites:
            away_mm = (sites - [after.sites[0].y, after.sites[0].x]) * spacing_mm
            hit = bool(np.hypot(*away_mm.T).min() <= HIT_MM)
        said[name] = MeasuredSlice(
            patient=patient, scan=str(row["scan"]), maker=maker(str(row["manufacturer"])),
            logit=float(logit(after.p_tampered, EDGE)), logit_before=float(logit(before.p_tampered, EDGE)), hit=hit,
        )  # fmt: skip
    return said


def _alone(scores: Scores, at: int, spacing_mm: float, aggregate: AggregationGraph) -> ScanScores:
    """One of several slices as a scan of one slice."""
    own = Scores(**{name: one[at : at + 1] for name, one in vars(scores).items() if one is not None})
    yes = np.ones(1, bool)
    return aggregate(ScoredScan(own, np.zeros(1), yes, yes, (spacing_mm, spacing_mm)))
