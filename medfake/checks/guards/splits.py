"""What the splits must keep: balance, and everything apart that could be learnt by heart."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from medfake.checks.guards.registry import LEAKY_WORD, NOT_ASKED_FOR, Findings, examples, guard
from medfake.config import DatasetParams
from medfake.datasets.augment import transforms
from medfake.datasets.dataset import Dataset
from medfake.datasets.split import held_out, is_leaky, wanted_splits
from medfake.remedies import DATASET, Stage, make, rerun
from medfake.vocabulary import CLASSES, Split


@guard(
    "counts",
    rule="every split has slices of both classes, such as real and tampered ones",
    remedy="add patients, or change datasets.<name>.split in params.yaml",
)
def counts(data: Dataset, params: DatasetParams) -> Findings:
    """Slices of each class in each split that there must be."""
    from great_expectations import expectations as gxe

    table = _counts(data, wanted_splits(params.split, data.manifest.split))
    yes, no = data.task.yes, data.task.no
    figures = ", ".join(f"{row.split} {row.tampered} {yes} and {row.real} {no}" for row in table.itertuples())
    wanted = [gxe.ExpectColumnValuesToBeBetween(column=column, min_value=1) for column in ("tampered", "real")]
    return Findings(table, wanted, figures)


@guard(
    "balance",
    rule="classes are equal in every split, within the tolerance",
    remedy="lower the larger class, or widen datasets.<name>.balance.tolerance knowingly",
)
def balance(data: Dataset, params: DatasetParams) -> Findings:
    """Share of each class in each split: a half of two, a third of three."""
    from great_expectations import expectations as gxe

    column = "label" if params.classes == 2 else "manipulation"
    values: list[Any] = [1] if params.classes == 2 else list(CLASSES)
    goal, reach = 1 / params.classes, params.balance.tolerance
    rows = [
        (str(split), data.task.yes if value == 1 else str(value), float((of_split[column] == value).mean()))
        for split, of_split in data.manifest.groupby("split", sort=False)
        for value in values
    ]
    table = pd.DataFrame(rows, columns=["split", "class", "share"])
    wanted = gxe.ExpectColumnValuesToBeBetween(column="share", min_value=goal - reach, max_value=goal + reach)
    figures = ", ".join(f"{split} {value} {share:.3f}" for split, value, share in rows)
    return Findings(table, [wanted], f"{figures}; allowed {goal:.3g} +- {reach:g}")


@guard(
    "patients apart",
    rule="no patient is in two splits, except under a leaky protocol",
    remedy=f"set datasets.{DATASET}.split.protocol to grouped, then {make(Stage.SLICES, DATASET)}",
)
def patients_apart(data: Dataset, params: DatasetParams) -> Findings:
    """Number of splits that each patient is in."""
    apart = _apart(data, "patient_id", "split", "patients", "splits")
    if is_leaky(params.split.protocol):
        return Findings(apart.table, [], f"{LEAKY_WORD}: {apart.figures}", LEAKY_WORD)
    return apart


@guard(
    "folds apart",
    rule="folds hold train and val alone, every fold both classes, and no patient is in two of them",
    remedy=f"set datasets.{DATASET}.split.folds to fewer, or add patients, then {make(Stage.SLICES, DATASET)}",
)
def folds_apart(data: Dataset, params: DatasetParams) -> Findings:
    """What each fold holds."""
    from great_expectations import expectations as gxe

    if params.split.folds is None:
        return Findings(pd.DataFrame(), [], "no folds", NOT_ASKED_FOR)
    rows = data.manifest
    several = rows.groupby("patient_id").fold.transform("nunique") > 1
    leaky = is_leaky(params.split.protocol)
    table = pd.DataFrame(
        {
            "tampered": (rows.label == 1).groupby(rows.fold).sum(),
            "real": (rows.label == 0).groupby(rows.fold).sum(),
            "tested": (rows.split == Split.TEST).groupby(rows.fold).sum(),
            "shared": rows.patient_id[several].groupby(rows.fold).nunique(),
        }
    )
    table = table.fillna(0).astype(int)
    left_out = int((rows.fold.isna() & (rows.split != Split.TEST)).sum())
    figures = (
        f"{len(table)} of {params.split.folds} folds; {left_out} slices of train and val in none, "
        f"{int(table.tested.sum())} of test in one; {rows.patient_id[several].nunique()} patients in several"
    )
    table["left_out"] = left_out
    wanted = [
        gxe.ExpectTableRowCountToEqual(value=params.split.folds),
        *(gxe.ExpectColumnValuesToBeBetween(column=name, min_value=1) for name in ("tampered", "real")),
        *(gxe.ExpectColumnValuesToBeBetween(column=name, max_value=0) for name in ("tested", "left_out")),
        *([] if leaky else [gxe.ExpectColumnValuesToBeBetween(column="shared", max_value=0)]),
    ]
    return Findings(
        table.reset_index(), wanted, f"{LEAKY_WORD}: {figures}" if leaky else figures, LEAKY_WORD if leaky else ""
    )


@guard(
    "hashes apart",
    rule="no image is in two splits",
    remedy=f"remove the repeated scans from the sources, then {make(Stage.SLICES, DATASET)}",
)
def hashes_apart(data: Dataset, _: DatasetParams) -> Findings:
    """Number of splits that each image is in."""
    return _apart(data, "sha256", "split", "images", "splits")


@guard(
    "one label an image",
    rule="no image has two labels",
    remedy="mend the labels: the same pixels are called real and tampered",
)
def one_label_an_image(data: Dataset, _: DatasetParams) -> Findings:
    """Number of labels that each image has."""
    return _apart(data, "sha256", "label", "images", "labels")


@guard(
    "copies alike",
    rule="slices of both classes are copied alike, and only in the splits that params.yaml names",
    remedy=rerun(Stage.SLICES, DATASET),
)
def copies_alike(data: Dataset, params: DatasetParams) -> Findings:
    """Copies of each class of each split, against those that `augment` asks for."""
    from great_expectations import expectations as gxe

    words = {"", *transforms(params.augment)} if params.augment else {""}
    splits = params.augment.splits if params.augment else []
    rows = []
    for (split, label), slices in data.manifest.groupby(["split", "label"], sort=False):
        allowed = words if split in splits else {""}
        there = slices["transform"].value_counts().reindex(sorted(allowed | set(slices["transform"])), fill_value=0)
        wrong = len(set(there.index) - allowed) + int((there != there.max()).sum())
        rows.append((str(split), label, len(there) - 1, wrong))
    table = pd.DataFrame(rows, columns=["split", "label", "copies", "wrong"])
    wanted = gxe.ExpectColumnValuesToBeBetween(column="wrong", max_value=0)
    asked = f"{len(words) - 1} copies of each slice of {', '.join(splits)}" if splits else "no copies"
    return Findings(table, [wanted], f"{asked} asked for; {int(table.wrong.sum())} kinds too many or too few")


@guard(
    "held out",
    rule="what is held out, generators or scanners, is in the test split and nowhere else",
    remedy=rerun(Stage.SLICES, DATASET),
)
def held_out_apart(data: Dataset, params: DatasetParams) -> Findings:
    """Slices of the held-out kind in each split, and slices of other kinds in test."""
    from great_expectations import expectations as gxe

    split, out = data.manifest.split, held_out(data.manifest, params.split)
    if out is None:
        return Findings(pd.DataFrame(), [], f"nothing is held out under {params.split.protocol}", NOT_ASKED_FOR)
    row = {one.value: int(((split == one) & out.held).sum()) for one in Split}
    row["other"] = int(((split == Split.TEST) & out.other).sum())
    empty = (Split.TRAIN.value, Split.VAL.value, "other")
    wanted = [
        *(gxe.ExpectColumnValuesToBeBetween(column=column, max_value=0) for column in empty),
        gxe.ExpectColumnValuesToBeBetween(column=Split.TEST.value, min_value=1),
    ]
    figures = ", ".join(f"{one} {row[one]}" for one in Split)
    return Findings(pd.DataFrame([row]), wanted, f"slices of {out.name}: {figures}; of others in test: {row['other']}")


def _counts(data: Dataset, splits: Sequence[Split]) -> pd.DataFrame:
    split, label = data.manifest.split, data.manifest.label
    rows = [
        {"split": name, "tampered": int(((split == name) & (label == 1)).sum()),
         "real": int(((split == name) & (label == 0)).sum())}
        for name in splits
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _apart(data: Dataset, unit: str, kind: str, units: str, kinds: str) -> Findings:
    from great_expectations import expectations as gxe

    number = data.manifest.groupby(unit)[kind].nunique()
    table = pd.DataFrame({"number": number.to_numpy()})
    wanted = gxe.ExpectColumnValuesToBeBetween(column="number", min_value=1, max_value=1)
    several = number.index[number > 1]
    first = data.manifest[data.manifest[unit].isin(several[:1])]
    return Findings(table, [wanted], f"{len(several)} of {len(number)} {units} are in several {kinds}{examples(first)}")
