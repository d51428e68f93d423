"""Slices of a data set scored with what will be served: the graphs of a package."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.datasets.dataset import Dataset
from medfake.package.aggregation import AggregationGraph
from medfake.package.scan_scorer import open_graphs, scored_scan
from medfake.package.scorer import RUN, Scorer, Scores
from medfake.progress import track
from medfake.regions import region_of
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


def predict(dataset: Dataset, package: Path, splits: Sequence[str], detector: str, seed: int) -> Predicted:
    """Score some splits.

    Where a package judges whole scans, a slice's score is the one that it has within its scan, of whose slices those
    that are in the data set are known.

    Args:
        dataset: What is scored.
        package: Folder with the stored graphs; a card is not needed.
        splits: Which ones.
        detector: Its name, for the table.
        seed: Of its training, for the table.
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
        scans = track(_scans(dataset, rows, scorer, aggregation), "predicting scans", rows.scan_id.nunique())
        said = list(scans)
        scores = [one for one, _ in said]
        scan_p = np.concatenate([np.full(len(one.p_tampered), p) for one, p in said])
    localises = scores[0].site_y is not None
    predictions = rows[[*_KEPT, "site_y", "site_x", "spacing_mm"]].copy()
    predictions.insert(0, "dataset", dataset.name)
    predictions.insert(1, "detector", detector)
    predictions.insert(2, "seed", seed)
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


def predict_some_of_train(dataset: Dataset, package: Path, detector: str, seed: int, most: int) -> pd.DataFrame:
    """Score slices that the detector learnt from, up to `most` of the train split, drawn by the seed.

    Args:
        dataset: What it learnt from.
        package: Folder with the stored graphs.
        detector: Its name.
        seed: Of its training.
        most: Slices; 0 for none.

    Returns:
        Rows as predictions.parquet has them; empty where none were asked for.
    """
    train = dataset.split(Split.TRAIN)
    if not most or train.empty:
        return pd.DataFrame()
    places = np.random.default_rng(seed).permutation(len(train))[:most]
    some = replace(dataset, manifest=train.iloc[np.sort(places)])
    return predict(some, package, [Split.TRAIN], detector, seed).rows


def _scans(
    dataset: Dataset, rows: pd.DataFrame, scorer: Scorer, aggregation: AggregationGraph
) -> Iterator[tuple[Scores, float]]:
    """Scores of the slices of each scan within it, without maps, and P of the scan; rows lie scan by scan."""
    for _, own in rows.groupby(["split", "scan_id"]):
        z_mm = own.z_mm.to_numpy()
        chunks = ((hu, z_mm[at * RUN : at * RUN + len(hu)]) for at, hu in enumerate(dataset.batches(own, RUN)))
        spacing_mm = float(own.spacing_mm.iloc[0])
        region = region_of(dataset.modality)
        scan = scored_scan(scorer, chunks, (spacing_mm, spacing_mm), copies=region.finds_copies, region=region)
        said = aggregation(scan)
        p = np.where(np.isfinite(said.slice_p), said.slice_p, scan.scores.p_tampered).astype(np.float32)
        yield replace(scan.scores, p_tampered=p, place_logit=None, place_counts=None), said.p_tampered
