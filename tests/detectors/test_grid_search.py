"""One search for all families: what is tried, on which patients, what is chosen, and what is told of it."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from medfake.datasets.dataset import Dataset
from medfake.detectors.classical.options import DecisionTreeOptions
from medfake.detectors.context import TrainingContext
from medfake.detectors.grid_search import Fold, GridSearch, patient_folds, search_grid, searched_rows
from medfake.detectors.registry import detector_spec, validate_options
from medfake.errors import ConfigError
from medfake.training.run_state import RunState

GRID = {"max_depth": [1, 6, None], "min_samples_leaf": [1, 5]}
TABLE = """\
max_depth,min_samples_leaf,mean_accuracy,deviation,fold_1,fold_2,chosen
1,1,0.5,0.141421,0.4,0.6,no
6,1,0.75,0.070711,0.7,0.8,yes
"""


def context(dataset: Dataset, state: Path, **options: object) -> TrainingContext:
    return TrainingContext(
        spec=detector_spec("DecisionTree"), options=validate_options("DecisionTree", {"grid": GRID, **options}),
        dataset=dataset, seed=1, features=state, state=RunState(state, {}), on_epoch=lambda *_: None,
    )  # fmt: skip


def test_patients_of_the_folds_are_apart_and_each_is_held_out_once(dataset: Dataset) -> None:
    rows = searched_rows(dataset)
    folds = patient_folds(rows, rows.label.to_numpy(), 3, 1, "split")
    for fold in folds:
        assert not set(rows.patient_id.iloc[fold.learnt]) & set(rows.patient_id.iloc[fold.held_out])
    assert sorted(np.concatenate([fold.held_out for fold in folds])) == list(range(len(rows)))


def test_a_search_looks_at_train_and_val_and_never_at_test(dataset: Dataset) -> None:
    assert set(searched_rows(dataset).split) == {"train", "val"}


def test_every_combination_is_tried_on_every_fold_and_the_first_best_is_chosen(
    dataset: Dataset, tmp_path: Path
) -> None:
    tried: list[tuple[int, DecisionTreeOptions]] = []

    def learn(fold: Fold):  # type: ignore[no-untyped-def]
        def accuracy(candidate: DecisionTreeOptions) -> float:
            tried.append((int(fold.held_out[0]), candidate))
            return 0.75 if candidate.max_depth == 6 else 0.5

        return accuracy

    rows = searched_rows(dataset)
    found = search_grid(context(dataset, tmp_path / "state", folds=3), rows, rows.label.to_numpy(), learn)
    assert len(tried) == 3 * 6
    assert found.accuracy.shape == (6, 3)
    assert found.chosen == {"max_depth": 6, "min_samples_leaf": 1}
    assert found.mean_accuracy == 0.75


def test_a_training_that_goes_on_does_not_search_again(dataset: Dataset, tmp_path: Path) -> None:
    rows = searched_rows(dataset)
    state = tmp_path / "state"
    first = search_grid(
        context(dataset, state), rows, rows.label.to_numpy(), lambda fold: lambda one: 1 / (3 + one.min_samples_leaf)
    )

    def never(_: Fold):  # type: ignore[no-untyped-def]
        raise AssertionError

    again = search_grid(context(dataset, state), rows, rows.label.to_numpy(), never)
    np.testing.assert_array_equal(again.accuracy, first.accuracy)
    assert again.table() == first.table()


def test_the_table_tells_mean_deviation_and_folds_of_every_candidate() -> None:
    options = DecisionTreeOptions(grid={"max_depth": [1, 6], "min_samples_leaf": [1]})
    accuracy = np.array([[0.4, 0.6], [0.7, 0.8]])
    table = GridSearch(("max_depth", "min_samples_leaf"), tuple(options.candidates()), accuracy).table()
    assert table == TABLE
    assert [row["chosen"] for row in csv.DictReader(io.StringIO(table))] == ["no", "yes"]


@pytest.mark.parametrize("name", ["DecisionTree", "ResNet50"])
def test_a_grid_without_values_is_refused(name: str) -> None:
    option = {"DecisionTree": "max_depth", "ResNet50": "learning_rate"}[name]
    with pytest.raises(ConfigError, match="no value to try"):
        validate_options(name, {"grid": {option: []}})


@pytest.mark.parametrize(("option", "value"), [("input_size", 64), ("weights", "none"), ("fine_tune", {})])
def test_the_grid_of_a_network_varies_nothing_that_its_features_depend_on(option: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"grid names '{option}'"):
        validate_options("ResNet50", {"grid": {option: [value]}})
