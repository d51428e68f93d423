"""Slices of a data set scored with what will be served: the ONNX graph."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from medfake.datasets.dataset import Dataset
from medfake.package.scorer import RUN, Scorer
from medfake.progress import track
from medfake.vocabulary import CLASSES

_KEPT = ["slice_id", "scan_id", "patient_id", "split", "label", "manipulation", "generator", "z_mm", "distance_mm"]


def predict(dataset: Dataset, scorer: Scorer, splits: Sequence[str], detector: str, seed: int) -> pd.DataFrame:
    """Score some splits.

    Args:
        dataset: What is scored.
        scorer: The stored graph.
        splits: Which ones.
        detector: Its name, for the table.
        seed: Of its training, for the table.

    Returns:
        Rows as predictions.parquet has them.
    """
    rows = pd.concat([dataset.split(name) for name in splits], ignore_index=True)
    batches = dataset.batches(rows, RUN)
    scored = track(scorer.score_each(batches), "predicting slices", -(-len(rows) // RUN))
    scores = [replace(one, place_logit=None, place_counts=None) for one in scored]  # maps of a data set fill memory
    localises = scores[0].site_y is not None
    predictions = rows[[*_KEPT, "site_y", "site_x", "spacing_mm"]].copy()
    predictions.insert(0, "dataset", dataset.name)
    predictions.insert(1, "detector", detector)
    predictions.insert(2, "seed", seed)
    predictions["p_tampered"] = np.concatenate([score.p_tampered for score in scores])
    if scores[0].p_classes is not None:
        by_class = np.concatenate([score.p_classes for score in scores if score.p_classes is not None])
        for place, word in enumerate(CLASSES[1:], start=1):
            predictions[f"p_{word}"] = by_class[:, place].astype(float)
    for axis in ("y", "x"):
        found = [getattr(score, f"site_{axis}") for score in scores] if localises else []
        predictions[f"pred_site_{axis}"] = np.concatenate(found).astype(float) if localises else np.nan
    return predictions
