"""Grid search over folds of patients, one for all families (Solaiyappan and Wen, section 2)."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.datasets.dataset import Dataset
from medfake.detectors.context import TrainingContext
from medfake.detectors.grid_options import GridOptions
from medfake.errors import TrainingError
from medfake.progress import track
from medfake.vocabulary import Split

GRID_FILE: Final = "grid.csv"
_KEPT: Final = "grid"  # of a training's state: accuracies of a search that is over
_DIGITS: Final = 6
Options = TypeVar("Options", bound=GridOptions)
Learn = Callable[["Fold"], Callable[[Options], float]]
Labels = NDArray[Any]


@dataclass(frozen=True)
class Fold:
    """Places of rows, by number.

    Attributes:
        learnt: To learn from.
        held_out: To look at, of other patients.
    """

    learnt: NDArray[np.intp]
    held_out: NDArray[np.intp]


@dataclass(frozen=True)
class GridSearch(Generic[Options]):
    """What a search found.

    Attributes:
        names: Of the options that were varied.
        candidates: In the order of the grid.
        accuracy: (candidates, folds), 0..1, on the patients held out.
    """

    names: tuple[str, ...]
    candidates: tuple[Options, ...]
    accuracy: NDArray[np.float64]

    @property
    def best(self) -> int:
        """Place of the candidate with the highest mean accuracy, the first of equals."""
        return int(np.argmax(self.accuracy.mean(axis=1)))

    @property
    def options(self) -> Options:
        """Of the best candidate."""
        return self.candidates[self.best]

    @property
    def chosen(self) -> dict[str, Any]:
        """Values that the best candidate has of the options that were varied."""
        return self._varied(self.options)

    @property
    def mean_accuracy(self) -> float:
        """Of the best candidate, over the folds."""
        return float(self.accuracy[self.best].mean())

    def table(self) -> str:
        """CSV, a row a candidate: its options, mean and standard deviation of the accuracy, each fold, which it is."""
        folds = [f"fold_{number + 1}" for number in range(self.accuracy.shape[1])]
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*self.names, "mean_accuracy", "deviation", *folds, "chosen"])
        for place, (candidate, scores) in enumerate(zip(self.candidates, self.accuracy, strict=True)):
            figures = (scores.mean(), scores.std(ddof=1), *scores)
            chosen = "yes" if place == self.best else "no"
            writer.writerow(
                [*self._varied(candidate).values(), *(round(float(one), _DIGITS) for one in figures), chosen]
            )
        return file.getvalue()

    def _varied(self, options: Options) -> dict[str, Any]:
        dumped = options.model_dump(mode="json")
        return {name: dumped[name] for name in self.names}


def searched_rows(dataset: Dataset) -> pd.DataFrame:
    """Rows that a search looks at: all but those of the test split; the index is the manifest's."""
    return pd.concat([dataset.split(Split.TRAIN), dataset.split(Split.VAL)])


def search_grid(
    context: TrainingContext[Any, Options],
    rows: pd.DataFrame,
    labels: Labels,
    learn: Learn[Options],
) -> GridSearch[Options]:
    """Try every candidate on every fold.

    A training that is killed after its search does not search again.

    Args:
        context: Options with a grid, seed, state.
        rows: See `searched_rows`.
        labels: (rows,) classes.
        learn: Makes ready for a fold and returns what fits a candidate there: the accuracy on the patients held out.

    Raises:
        TrainingError: There are too few patients for the folds.
    """
    options = context.options
    candidates = options.candidates()
    known = context.state.kept.get(_KEPT)
    if known is None:
        folds = patient_folds(rows, labels, options.folds, context.seed, "train and val splits")
        count = len(folds) * len(candidates)
        found = list(track(_tries(folds, candidates, learn), f"grid search of {context.spec.name}", count))
        known = np.reshape(found, (len(folds), len(candidates))).T.tolist()
        context.state.keep(_KEPT, known)
    return GridSearch(tuple(options.grid), tuple(candidates), np.array(known))


def _tries(folds: Iterable[Fold], candidates: Sequence[Options], learn: Learn[Options]) -> Iterator[float]:
    for fold in folds:
        accuracy = learn(fold)
        for candidate in candidates:
            yield accuracy(candidate)
        del accuracy  # what it made ready goes before that of the next fold comes


def patient_folds(rows: pd.DataFrame, labels: Labels, count: int, seed: int, of: str) -> list[Fold]:
    """Cut rows into folds; a patient is in one fold alone, and every fold has all classes.

    Patients of one class only are the rule (reals and fakes of two sources), so fewer of them than folds cannot do.

    Args:
        rows: With patient_id.
        labels: (rows,) classes.
        count: Of folds.
        seed: Of the shuffle.
        of: What the rows are, for the message, e.g. "train split".

    Raises:
        TrainingError: There are too few patients.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    try:
        folds = [Fold(*both) for both in splitter.split(rows, labels, rows.patient_id)]
    except ValueError:
        folds = []
    if not folds or any(set(labels[at]) != set(labels) for fold in folds for at in (fold.learnt, fold.held_out)):
        raise TrainingError(
            f"the {of} cannot be cut into {count} folds that keep patients apart and hold all classes",
            received=f"{rows.patient_id.nunique()} patients",
            remedy="lower the detector's folds, or give the data set more patients",
        )
    return folds
