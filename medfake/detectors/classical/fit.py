"""Classical models on pixels or features: fitted with scikit-learn, stored as one graph that takes int16 slices."""

import warnings
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.datasets.dataset import Dataset
from medfake.detectors.classical.front import Front, Table
from medfake.detectors.classical.graph import export_classical
from medfake.detectors.classical.memory import within_memory
from medfake.detectors.classical.options import ClassicalOptions
from medfake.detectors.context import TrainingContext
from medfake.detectors.grid_search import GRID_FILE, Fold, GridSearch, patient_folds, search_grid, searched_rows
from medfake.detectors.registry import DetectorSpec
from medfake.errors import TrainingError
from medfake.training.trained import Trained
from medfake.vocabulary import CLASSES, Split

_CHECKED_SLICES: Final = 16
_PREDICTED: Final = 64  # slices at once

ClassicalContext = TrainingContext[DetectorSpec, ClassicalOptions]
Labels = NDArray[np.int_]


def train_classical(context: ClassicalContext) -> Trained:
    """Fit a classical model on the train split, its options found by a grid search over folds of patients.

    There is one epoch, with val_loss, and cv_accuracy after a search; the model itself sees no slice of the val split.
    Where `memory_gb` does not hold all training slices, a sample of them is learnt from.

    Raises:
        TrainingError: Slices differ in size or are too small, so that this model cannot take them; there are slices of
            one class only; there are too few patients for the folds; or memory holds hardly any slice.
    """
    from sklearn.metrics import log_loss

    dataset, seed = context.dataset, context.seed
    search = _search(context) if context.options.grid else None
    options = search.options if search else context.options
    every = dataset.split(Split.TRAIN)
    train, labels = _sampled(every, context)
    _require_classes(labels, dataset)
    front = options.front(dataset, train, context.spec.name, seed)
    model = context.spec.build(options, seed)
    if not hasattr(model, "predict_proba"):
        model = _calibrated(model, patient_folds(train, labels, options.folds, seed, "train split"))
    _fit(model, front.table(dataset, train), labels)
    val = dataset.split(Split.VAL)
    probabilities = _by_batch(model.predict_proba, front, dataset, val)
    classes = list(range(probabilities.shape[1]))
    found = {"cv_accuracy": search.mean_accuracy} if search else {}
    context.on_epoch(1, found | {"val_loss": float(log_loss(_labels(val, dataset), probabilities, labels=classes))})
    alike = np.flatnonzero((val.rows == val.rows.iloc[0]) & (val.cols == val.cols.iloc[0]))[:_CHECKED_SLICES]
    checked, expected = dataset.slices(val.iloc[alike]), probabilities[alike, 1:].sum(axis=1)
    return Trained(
        save=lambda folder: export_classical(model, front.graph(), len(classes), folder, checked, expected),
        parameters=None,
        chosen=search.chosen if search else {},
        slices=len(train) if len(train) < len(every) else None,
        tables={GRID_FILE: search.table()} if search else {},
    )


def _labels(rows: pd.DataFrame, dataset: Dataset) -> Labels:
    """0 and 1, or the place in `CLASSES` where the data set has three."""
    if dataset.facts.get("classes", 2) == 2:
        return rows.label.to_numpy(int)
    return rows.manipulation.map(CLASSES.index).to_numpy(int)


def _require_classes(labels: Labels, dataset: Dataset) -> None:
    if len(np.unique(labels)) < 2:
        raise TrainingError(
            "there is nothing to tell apart: all training slices are of one class", where=dataset.name,
            received=f"{len(labels)} slices of class {labels[0]}", remedy="look at the split: medfake data show",
        )  # fmt: skip


def _sampled(rows: pd.DataFrame, context: ClassicalContext) -> tuple[pd.DataFrame, Labels]:
    """Rows that memory allows to learn from, and their classes."""
    labels = _labels(rows, context.dataset)
    kept = within_memory(rows, labels, context.options, context.seed, context.dataset.name)
    return rows.iloc[kept], labels[kept]


def _search(context: ClassicalContext) -> GridSearch[ClassicalOptions]:
    dataset = context.dataset
    rows = searched_rows(dataset)

    def learn(fold: Fold) -> Callable[[ClassicalOptions], float]:
        learnt, labels = _sampled(rows.iloc[fold.learnt], context)
        held_out = rows.iloc[fold.held_out]
        truth = _labels(held_out, dataset)
        known: dict[tuple[Any, ...], tuple[Front, Table]] = {}

        def accuracy(candidate: ClassicalOptions) -> float:
            key = tuple(getattr(candidate, name) for name in sorted(candidate.of_front))
            if key not in known:
                known.clear()  # memory is for one table
                front = candidate.front(dataset, learnt, context.spec.name, context.seed)
                known[key] = front, front.table(dataset, learnt)
            front, table = known[key]
            model = _fit(context.spec.build(candidate, context.seed), table, labels)
            return float((_by_batch(model.predict, front, dataset, held_out) == truth).mean())

        return accuracy

    return search_grid(context, rows, _labels(rows, dataset), learn)


def _fit(model: Any, table: Table, labels: Labels) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SVMs that stop early say so for every fold
        return model.fit(table, labels)


def _calibrated(model: Any, folds: list[Fold]) -> Any:
    """A model without probabilities and Platt's sigmoid on what it says of held-out folds.

    Of a pipeline the last step is calibrated: those before it see no classes, and converters to ONNX know no pipeline
    that is calibrated.
    """
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.pipeline import Pipeline

    if isinstance(model, Pipeline):
        return Pipeline([*model.steps[:-1], ("calibrated", _calibrated(model[-1], folds))])
    both = [(fold.learnt, fold.held_out) for fold in folds]
    return CalibratedClassifierCV(model, method="sigmoid", ensemble=False, cv=both)


def _by_batch(say: Callable[[Table], NDArray[Any]], front: Front, dataset: Dataset, rows: pd.DataFrame) -> NDArray[Any]:
    """What a model says of slices, read as they are needed."""
    parts = (rows.iloc[at : at + _PREDICTED] for at in range(0, len(rows), _PREDICTED))
    return np.concatenate([say(front.table(dataset, part)) for part in parts])
