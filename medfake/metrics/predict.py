"""Slices of a data set scored with what will be served: the graphs of a package."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.datasets.dataset import Dataset
from medfake.datasets.run import Around, Run
from medfake.errors import SourceError
from medfake.package.aggregation import AggregationGraph
from medfake.package.scan_scorer import open_graphs, scored_scan
from medfake.package.scorer import RUN, Scorer, Scores
from medfake.progress import track
from medfake.regions import Region, region_of
from medfake.remedies import Stage, rerun
from medfake.vocabulary import CLASSES, Split

_KEPT = ["slice_id", "scan_id", "patient_id", "split", "label", "manipulation", "generator", "z_mm", "distance_mm"]


@dataclass(frozen=True)
class Predicted:
    """What a package says of slices.

    Attributes:
        rows: As predictions.parquet has them.
        embedding: (rows, width) float32, what the layer before the last makes of them; None where there is no such.
    """

    rows: pd.DataFrame
    embedding: NDArray[np.float32] | None


def predict(
    dataset: Dataset, package: Path, splits: Sequence[str], detector: str, seed: int, around: Around | None = None
) -> Predicted:
    """Score some splits.

    Where a package judges whole scans, a slice's score is the one that it has within its scan, of whose slices those
    that are in the data set are known, and those around them where they can be read.

    Args:
        dataset: What is scored.
        package: Folder with the stored graphs; a card is not needed.
        splits: Which ones.
        detector: Its name, for the table.
        seed: Of its training, for the table.
        around: Reads slices around those of the data set; None where those are enough.

    Raises:
        SourceError: The scans are not those that the data set was made of.
    """
    scorer, aggregation = open_graphs(package)
    rows = pd.concat([dataset.split(name) for name in splits], ignore_index=True)
    if aggregation is None:
        batches = dataset.batches(rows, RUN)
        scored = track(scorer.score_each(batches), "predicting slices", -(-len(rows) // RUN))
        scores = [replace(one, place_logit=None, place_counts=None) for one in scored]  # maps would fill memory
        scan_p = np.full(len(rows), np.nan)
    else:
        rows = rows.sort_values(["split", "scan_id", "z_mm"], ignore_index=True)
        scans = track(_scans(dataset, rows, scorer, aggregation, around), "predicting scans", rows.scan_id.nunique())
        said = list(scans)
        scores = [one for one, _ in said]
        scan_p = np.concatenate([np.full(len(one.p_tampered), p) for one, p in said])
    localises = scores[0].site_y is not None
    predictions = rows[[*_KEPT, "site_y", "site_x", "spacing_mm"]].copy()
    predictions.insert(0, "dataset", dataset.name)
    predictions.insert(1, "detector", detector)
    predictions.insert(2, "seed", seed)
    predictions["task"] = dataset.task.value
    predictions["p_tampered"] = np.concatenate([score.p_tampered for score in scores])
    predictions["scan_p"] = scan_p
    if scores[0].p_classes is not None:
        by_class = np.concatenate([score.p_classes for score in scores if score.p_classes is not None])
        for place, word in enumerate(CLASSES[1:], start=1):
            predictions[f"p_{word}"] = by_class[:, place].astype(float)
    for axis in ("y", "x"):
        found = [getattr(score, f"site_{axis}") for score in scores] if localises else []
        predictions[f"pred_site_{axis}"] = np.concatenate(found).astype(float) if localises else np.nan
    embedded = [score.embedding for score in scores if score.embedding is not None]
    return Predicted(predictions, np.concatenate(embedded) if embedded else None)


def predict_some_of_train(
    dataset: Dataset, package: Path, detector: str, seed: int, most: int, around: Around | None = None
) -> pd.DataFrame:
    """Score slices that the detector learnt from, up to `most` of the train split, drawn by the seed.

    Args:
        dataset: What it learnt from.
        package: Folder with the stored graphs.
        detector: Its name.
        seed: Of its training.
        most: Slices; 0 for none.
        around: As of `predict`.

    Returns:
        Rows as predictions.parquet has them; empty where none were asked for.
    """
    train = dataset.split(Split.TRAIN)
    if not most or train.empty:
        return pd.DataFrame()
    places = np.random.default_rng(seed).permutation(len(train))[:most]
    some = replace(dataset, manifest=train.iloc[np.sort(places)])
    return predict(some, package, [Split.TRAIN], detector, seed, around).rows


def _scans(
    dataset: Dataset, rows: pd.DataFrame, scorer: Scorer, aggregation: AggregationGraph, around: Around | None
) -> Iterator[tuple[Scores, float]]:
    """Scores of the slices of each scan within it, without maps, and P of the scan; rows lie scan by scan."""
    for _, of_split in rows.groupby("split"):
        runs = None if around is None else around(of_split)
        for _, own in of_split.groupby("scan_id"):
            run, ours = _own_run(dataset, own) if runs is None else _run_of(dataset, own, next(runs, None))
            yield _within(run, ours, float(own.spacing_mm.iloc[0]), scorer, aggregation, region_of(dataset.modality))


def _own_run(dataset: Dataset, own: pd.DataFrame) -> tuple[Run, NDArray[np.intp]]:
    """Slices of the data set alone."""
    ours = np.arange(len(own))
    return Run(str(own.scan_id.iloc[0]), dataset.slices(own), own.z_mm.to_numpy(), ours), ours


def _run_of(dataset: Dataset, own: pd.DataFrame, run: Run | None) -> tuple[Run, NDArray[np.intp]]:
    """What was read of a scan, and which of it is in the data set.

    Raises:
        SourceError: Something of that is missing.
    """
    wanted = own.z_index.to_numpy()
    if run is None or run.scan_id != own.scan_id.iloc[0] or not np.isin(wanted, run.z_index).all():
        raise SourceError(
            "slices of the data set cannot be read from its scans any more", where=dataset.name,
            received=own.scan_id.iloc[0], remedy=rerun(Stage.SLICES, dataset.name),
        )  # fmt: skip
    return run, np.searchsorted(run.z_index, wanted)


def _within(
    run: Run,
    ours: NDArray[np.intp],
    spacing_mm: float,
    scorer: Scorer,
    aggregation: AggregationGraph,
    region: Region,
) -> tuple[Scores, float]:
    chunks = ((run.volume[at : at + RUN], run.z_mm[at : at + RUN]) for at in range(0, len(run.z_mm), RUN))
    scan = scored_scan(scorer, chunks, (spacing_mm, spacing_mm), copies=region.finds_copies, region=region)
    said = aggregation(scan)
    p = np.where(np.isfinite(said.slice_p), said.slice_p, scan.scores.p_tampered).astype(np.float32)
    given = {one.name: getattr(scan.scores, one.name) for one in fields(Scores) if not one.name.startswith("place_")}
    scores = Scores(**{name: values[ours] for name, values in given.items() if values is not None})
    return replace(scores, p_tampered=p[ours]), said.p_tampered
