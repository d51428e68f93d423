"""Classical models on pixels: fitted with scikit-learn, stored as one ONNX graph that takes int16 slices."""

import warnings
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.datasets.dataset import Dataset
from medfake.detectors.classical.graph import export_classical
from medfake.detectors.classical.options import PixelOptions
from medfake.detectors.classical.pixels import Pixels, pooled, read_pixels, within_memory
from medfake.detectors.context import TrainingContext
from medfake.detectors.grid_search import GRID_FILE, Fold, GridSearch, patient_folds, search_grid, searched_rows
from medfake.detectors.registry import DetectorSpec
from medfake.errors import TrainingError
from medfake.training.trained import Trained
from medfake.vocabulary import CLASSES, Split

_CHECKED_SLICES: Final = 16
_PREDICTED: Final = 64  # slices at once

ClassicalContext = TrainingContext[DetectorSpec, PixelOptions]
Labels = NDArray[np.int_]


def train_classical(context: ClassicalContext) -> Trained:
    """Fit a classical model on the train split, its options found by a grid search over folds of patients.

    There is one epoch, with val_loss, and cv_accuracy after a search; the model itself sees no slice of the val split.
    Where `memory_gb` does not hold all training slices, a sample of them is learnt from.

    Raises:
        TrainingError: Slices differ in size, so that no model on raw pixels can take them; there are too few patients
            for the folds; or memory holds hardly any slice.
    """
    from sklearn.metrics import log_loss

    dataset, seed = context.dataset, context.seed
    size = _size(dataset, context.spec.name)
    search = _search(context) if context.options.grid else None
    options = search.options if search else context.options
    every = dataset.split(Split.TRAIN)
    train, labels = _sampled(every, context)
    model = context.spec.build(options, seed)
    if not hasattr(model, "predict_proba"):
        model = _calibrated(model, patient_folds(train, labels, options.folds, seed, "train split"))
    _fit(model, read_pixels(dataset, train, options.pool), labels)
    val = dataset.split(Split.VAL)
    probabilities = _by_batch(model.predict_proba, dataset, val, options.pool)
    classes = list(range(probabilities.shape[1]))
    found = {"cv_accuracy": search.mean_accuracy} if search else {}
    context.on_epoch(1, found | {"val_loss": float(log_loss(_labels(val, dataset), probabilities, labels=classes))})
    checked = dataset.slices(val.iloc[:_CHECKED_SLICES])
    expected = probabilities[: len(checked), 1:].sum(axis=1)
    return Trained(
        save=lambda folder: export_classical(model, options.pool, size, len(classes), folder, checked, expected),
        parameters=None,
        chosen=search.chosen if search else {},
        slices=len(train) if len(train) < len(every) else None,
        tables={GRID_FILE: search.table()} if search else {},
    )


def _size(dataset: Dataset, detector: str) -> tuple[int, int]:
    sizes = {(int(r), int(c)) for r, c in zip(dataset.manifest.rows, dataset.manifest.cols, strict=True)}
    if len(sizes) != 1:
        raise TrainingError(
            f"{detector} works on raw pixels and needs slices of one size", where=dataset.name, received=sorted(sizes),
            remedy="leave it out of train.detectors for this data set",
        )  # fmt: skip
    return sizes.pop()


def _labels(rows: pd.DataFrame, dataset: Dataset) -> Labels:
    """0 and 1, or the place in `CLASSES` where the data set has three."""
    if dataset.facts.get("classes", 2) == 2:
        return rows.label.to_numpy(int)
    return rows.manipulation.map(CLASSES.index).to_numpy(int)


def _sampled(rows: pd.DataFrame, context: ClassicalContext) -> tuple[pd.DataFrame, Labels]:
    """Rows that memory allows to learn from, and their classes."""
    labels = _labels(rows, context.dataset)
    kept = within_memory(rows, labels, context.options, context.seed, context.dataset.name)
    return rows.iloc[kept], labels[kept]


def _search(context: ClassicalContext) -> GridSearch[PixelOptions]:
    dataset, pool = context.dataset, context.options.pool
    rows = searched_rows(dataset)

    def learn(fold: Fold) -> Callable[[PixelOptions], float]:
        learnt, labels = _sampled(rows.iloc[fold.learnt], context)
        pixels = read_pixels(dataset, learnt, pool)
        held_out = rows.iloc[fold.held_out]
        truth = _labels(held_out, dataset)

        def accuracy(candidate: PixelOptions) -> float:
            model = _fit(context.spec.build(candidate, context.seed), pixels, labels)
            return float((_by_batch(model.predict, dataset, held_out, pool) == truth).mean())

        return accuracy

    return search_grid(context, rows, _labels(rows, dataset), learn)


def _fit(model: Any, pixels: Pixels, labels: Labels) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SVMs that stop early say so for every fold
        return model.fit(pixels, labels)


def _calibrated(model: Any, folds: list[Fold]) -> Any:
    """A model without probabilities and Platt's sigmoid on what it says of held-out folds."""
    from sklearn.calibration import CalibratedClassifierCV

    both = [(fold.learnt, fold.held_out) for fold in folds]
    return CalibratedClassifierCV(model, method="sigmoid", ensemble=False, cv=both)


def _by_batch(say: Callable[[Pixels], NDArray[Any]], dataset: Dataset, rows: pd.DataFrame, pool: int) -> NDArray[Any]:
    """What a model says of slices, read as they are needed."""
    return np.concatenate([say(pooled(slices, pool)) for slices in dataset.batches(rows, _PREDICTED)])
