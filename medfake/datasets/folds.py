"""Folds: every patient of train and val is tested once, by a detector that learnt from patients of other folds."""

from dataclasses import replace

import pandas as pd

from medfake.config import SplitParams
from medfake.datasets.dataset import STORED_SPLIT, Dataset
from medfake.datasets.split import is_leaky
from medfake.errors import DataError
from medfake.vocabulary import Split


def draw_folds(slices: pd.DataFrame, params: SplitParams) -> "pd.Series[int]":
    """Fold of every slice of train and val, null in test and when `folds` is null.

    No patient is in two folds, except under `replica`; classes are spread evenly (scikit-learn's stratified folds).

    Args:
        slices: With `split`, label and patient_id.
        params: Number of folds and seed.

    Raises:
        DataError: There are fewer patients than folds.
    """
    folds = pd.Series(pd.NA, index=slices.index, dtype="Int32")
    if params.folds is None:
        return folds
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    learnt = slices[slices.split.isin([Split.TRAIN, Split.VAL])]
    groups = pd.factorize(learnt.patient_id)[0]  # in order of appearance: pseudonyms decide nothing
    if groups.max() + 1 < params.folds:
        raise DataError(
            "there are fewer patients than folds", where="datasets.<name>.split.folds in params.yaml",
            received=f"{groups.max() + 1} patients in train and val, {params.folds} folds",
            remedy="ask for fewer folds",
        )  # fmt: skip
    kind = StratifiedKFold if is_leaky(params.protocol) else StratifiedGroupKFold
    dealer = kind(n_splits=params.folds, shuffle=True, random_state=params.seed)
    for number, (_, held) in enumerate(dealer.split(learnt, learnt.label, groups)):
        folds[learnt.index[held]] = number
    return folds


def fold_numbers(dataset: Dataset) -> tuple[int, ...]:
    """Folds of a data set, 0 and up; none where params ask for none."""
    return tuple(sorted({int(number) for number in dataset.manifest.fold.dropna()}))


def dataset_of_fold(dataset: Dataset, fold: int) -> Dataset:
    """A data set as the training of one fold sees it: it is tested on this fold, the next one is its val split.

    Slices of the stored test split are in no split. What is tested and what validates are slices themselves; their
    copies, of a data set that is augmented, are left out.

    Args:
        dataset: With folds.
        fold: One of `fold_numbers`.

    Returns:
        The same rows with other splits; its digest and features are those of the whole.
    """
    numbers = fold_numbers(dataset)
    following = numbers[(numbers.index(fold) + 1) % len(numbers)]
    manifest = dataset.manifest
    split = manifest.fold.map(lambda own: {fold: Split.TEST.value, following: Split.VAL.value}.get(own, Split.TRAIN))
    copies = (manifest["transform"] != "") & split.isin([Split.TEST, Split.VAL])
    split = split.astype(object).mask(manifest.fold.isna() | copies, "")
    return replace(dataset, manifest=manifest.assign(**{STORED_SPLIT: manifest.split, "split": split}))
