"""Folds: patients apart, every one of train and val tested once, and by whom."""

from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medfake.config import SplitParams
from medfake.datasets.dataset import Dataset
from medfake.datasets.folds import dataset_of_fold, draw_folds, fold_numbers
from medfake.datasets.split import draw_split
from medfake.errors import DataError
from medfake.vocabulary import Evidence

FOLDS = 4


def _slices(tampered: int, real: int, test: float = 0.2, folds: int | None = FOLDS, seed: int = 1) -> pd.DataFrame:
    labels = [1] * tampered + [0] * real
    slices = pd.DataFrame({"patient_id": [f"p{n}" for n in range(len(labels))] * 2, "label": labels * 2})
    slices = slices.assign(manipulation=slices.label.map({0: "none", 1: "injected"}), transform="")
    params = SplitParams(protocol="grouped", val=0.2, test=test, seed=seed, folds=folds)
    slices["split"] = draw_split(slices, params)
    return slices.assign(fold=draw_folds(slices, params))


@pytest.fixture
def dataset(tmp_path) -> Callable[..., Dataset]:
    def make(**asked: float) -> Dataset:
        return Dataset(tmp_path, "drawn", _slices(8, 8, **asked), pd.DataFrame(), "d", Evidence.PHANTOM, "grouped")

    return make


@settings(deadline=None)  # scikit-learn is imported in the first example
@given(seed=st.integers(0, 2**31), folds=st.integers(3, 5))
def test_folds_keep_patients_together_and_leave_test_alone(seed: int, folds: int) -> None:
    slices = _slices(9, 9, folds=folds, seed=seed)
    assert slices.fold[slices.split == "test"].isna().all()
    learnt = slices[slices.split != "test"]
    assert set(learnt.fold) == set(range(folds))
    assert learnt.groupby("patient_id").fold.nunique().max() == 1


def test_more_folds_than_patients_are_refused() -> None:
    slices = pd.DataFrame({"patient_id": ["a", "b"], "label": [0, 1], "split": "train"})
    params = SplitParams(protocol="grouped", val=0.2, test=0.2, seed=1, folds=3)
    with pytest.raises(DataError, match="fewer patients than folds"):
        draw_folds(slices, params)


def test_without_folds_there_are_none() -> None:
    assert _slices(8, 8, folds=None).fold.isna().all()


@pytest.mark.parametrize("test", [0.0, 0.2])
def test_every_patient_of_train_and_val_is_tested_once_by_whom_it_has_not_taught(dataset, test: float) -> None:
    whole = dataset(test=test)
    tested: list[str] = []
    for number in fold_numbers(whole):
        fold = dataset_of_fold(whole, number)
        parts = [set(fold.split(name).patient_id) for name in ("train", "val", "test")]
        assert all(parts)
        assert sum(map(len, parts)) == len(set().union(*parts))
        assert set().union(*parts).isdisjoint(whole.split("test").patient_id)
        tested += parts[2]
    assert sorted(tested) == sorted(set(whole.split("train").patient_id) | set(whole.split("val").patient_id))


def test_the_next_fold_validates_and_after_the_last_comes_the_first(dataset) -> None:
    whole = dataset()
    validated = [set(dataset_of_fold(whole, number).split("val").fold) for number in range(FOLDS)]
    assert validated == [{1}, {2}, {3}, {0}]


def test_copies_are_learnt_from_but_neither_tested_nor_validated(dataset) -> None:
    whole = dataset()
    copies = whole.split("train").assign(transform="flip-x")
    augmented = replace(whole, manifest=pd.concat([whole.manifest, copies], ignore_index=True))
    fold = dataset_of_fold(augmented, 0)
    assert set(fold.split("train")["transform"]) == {"", "flip-x"}
    assert set(fold.split("val")["transform"]) == set(fold.split("test")["transform"]) == {""}


def test_a_fold_has_the_rows_and_the_parts_of_the_whole(dataset) -> None:
    whole = dataset()
    fold = dataset_of_fold(whole, 2)
    assert fold.manifest.index.equals(whole.manifest.index)  # features are looked up by it
    assert fold.parts == whole.parts == ["test", "train", "val"]
    assert dataset(test=0.0).parts == ["train", "val"]
