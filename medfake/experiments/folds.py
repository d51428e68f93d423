"""One training a fold: every patient is scored by a detector that has not seen it, fold after fold."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from medfake.datasets.folds import dataset_of_fold, fold_numbers
from medfake.detectors.context import TrainingContext
from medfake.detectors.families import family_of
from medfake.detectors.fit import fit
from medfake.files import replace_folder, work_folder
from medfake.metrics.over_folds import measure_fold
from medfake.metrics.predict import predict
from medfake.metrics.predictions import SCORED, read_predictions, scan_table, write_predictions
from medfake.metrics.threshold import choose_scan_thresholds, choose_slice_threshold
from medfake.package.card import AGGREGATION_FILE, FOLDS_FILE, ONNX_FILE, PREDICTIONS_FILE, fold_graphs
from medfake.package.measured import FoldFigures
from medfake.progress import track
from medfake.training.keras_setup import clear_session
from medfake.training.run_state import RunState
from medfake.vocabulary import Split

_STATE_FILE = "state.npz"


@dataclass(frozen=True)
class FoldTrainings:
    """What the trainings of all folds left behind.

    Attributes:
        rows: Every slice of train and val once, scored out of fold; as in folds.parquet.
        each: Figures and thresholds of each fold.
        kept: Folder in which the folds lie until the package is whole.
    """

    rows: pd.DataFrame
    each: tuple[FoldFigures, ...]
    kept: Path

    def write(self, package: Path) -> None:
        """Write folds.parquet into a package."""
        write_predictions(package / FOLDS_FILE, self.rows)

    def move_graphs(self, package: Path) -> None:
        """Move the folds' graphs into a package, so that each can score what it has not seen once more."""
        for one in self.each:
            folder, kept = fold_graphs(package, one.fold), fold_graphs(self.kept, one.fold)
            folder.mkdir(parents=True)
            for name in (ONNX_FILE, AGGREGATION_FILE):
                if (kept / name).is_file():
                    shutil.copyfile(kept / name, folder / name)

    def discard(self) -> None:
        """Remove what was kept for a training that is cut short: it is over."""
        shutil.rmtree(self.kept)


def train_folds(whole: TrainingContext[Any, Any], facts: Mapping[str, object], beside: Path) -> FoldTrainings | None:
    """Train once for each fold, on all other folds but the next one, which chooses epochs and thresholds.

    A fold that is done is kept until all are, and one that was cut short goes on where it was, if its detector can.

    Args:
        whole: Of the training on the stored splits, which is over; the folds share its features.
        facts: All that the figures follow from, flat: what is kept of other facts is not used.
        beside: What is kept lies hidden beside this path.

    Returns:
        None where the data set has no folds.
    """
    numbers = fold_numbers(whole.dataset)
    if not numbers:
        return None
    kept = work_folder(beside, hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest())
    detector = whole.spec.name
    each = [_train_fold(whole, number, kept) for number in track(numbers, f"folds of {detector}", len(numbers))]
    return FoldTrainings(pd.concat([rows for rows, _ in each], ignore_index=True), tuple(one for _, one in each), kept)


def _train_fold(whole: TrainingContext[Any, Any], number: int, kept: Path) -> tuple[pd.DataFrame, FoldFigures]:
    folder, dataset = fold_graphs(kept, number), dataset_of_fold(whole.dataset, number)
    if not folder.exists():
        state = RunState(kept / f"{number}-{_STATE_FILE}", {})  # the folder's name stands for all facts
        context = replace(whole, dataset=dataset, state=state, on_epoch=_untold)
        with replace_folder(folder) as partial:
            fit(context).save(partial)
            scored = predict(dataset, partial, SCORED, whole.spec.name, whole.seed, whole.around).rows
            write_predictions(partial / PREDICTIONS_FILE, scored.assign(fold=number))
        state.discard()
        if family_of(whole.spec).network:
            clear_session()
    scored = read_predictions(folder / PREDICTIONS_FILE)
    cut = choose_slice_threshold(scored)
    rows = scored[scored["split"] == Split.TEST]
    return rows, measure_fold(rows, cut, choose_scan_thresholds(scan_table(scored), cut.value))


def _untold(epoch: int, metrics: Mapping[str, float]) -> None:
    """The run's curve is that of the training that is stored."""
    del epoch, metrics
