"""The rules a data set must keep; one decorated function adds one.

A guard returns a table of pseudonymous facts and the Great Expectations that hold on it, so that a failure says which
expectation broke and by which figures.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from medfake.config import DatasetParams
from medfake.datasets.dataset import Dataset
from medfake.datasets.manifest import SCHEMA
from medfake.datasets.split import SPLITS

HU_RANGE = (-4096, 4095)
AIR_RANGE = (0.01, 0.99)  # share of a slice: air and tissue are both there


@dataclass(frozen=True)
class Findings:
    """What a guard looked at.

    Attributes:
        table: Facts, no identifiers.
        expectations: Great Expectations on `table`.
        figures: The facts in a few words, for the report and the error.
    """

    table: pd.DataFrame
    expectations: list[Any]
    figures: str


Look = Callable[[Dataset, DatasetParams], Findings]


@dataclass(frozen=True)
class Guard:
    """A rule, how it is looked at, and what to do when it is broken."""

    name: str
    rule: str
    remedy: str
    look: Look


GUARDS: list[Guard] = []  # in the order in which they are looked at


def guard(name: str, *, rule: str, remedy: str) -> Callable[[Look], Look]:
    """Register a function as a guard."""

    def register(look: Look) -> Look:
        GUARDS.append(Guard(name, rule, remedy, look))
        return look

    return register


@guard("columns", rule="the manifest has its columns, in order", remedy="dvc repro -f slices")
def columns(data: Dataset, _: DatasetParams) -> Findings:
    """Schema of the manifest, and no empty key column."""
    from great_expectations import expectations as gxe

    keys = [gxe.ExpectColumnValuesToNotBeNull(column=name) for name in ("slice_id", "patient_id", "split", "sha256")]
    order = gxe.ExpectTableColumnsToMatchOrderedList(column_list=list(SCHEMA.names))
    unique = gxe.ExpectColumnValuesToBeUnique(column="slice_id")
    return Findings(data.manifest, [order, unique, *keys], f"{len(data.manifest)} rows")


@guard(
    "counts",
    rule="every split has real and tampered slices",
    remedy="add patients, or change datasets.<name>.split in params.yaml",
)
def counts(data: Dataset, _: DatasetParams) -> Findings:
    """Slices of each class in each split."""
    from great_expectations import expectations as gxe

    table = _counts(data)
    figures = ", ".join(f"{row.split} {row.tampered} tampered and {row.real} real" for row in table.itertuples())
    wanted = [gxe.ExpectColumnValuesToBeBetween(column=column, min_value=1) for column in ("tampered", "real")]
    return Findings(table, wanted, figures)


@guard(
    "balance",
    rule="half of every split is tampered, within the tolerance",
    remedy="lower the larger class, or widen datasets.<name>.balance.tolerance knowingly",
)
def balance(data: Dataset, params: DatasetParams) -> Findings:
    """Share of tampered slices in each split."""
    from great_expectations import expectations as gxe

    table = _counts(data)
    table["share"] = table.tampered / (table.tampered + table.real).clip(lower=1)
    reach = params.balance.tolerance
    wanted = gxe.ExpectColumnValuesToBeBetween(column="share", min_value=0.5 - reach, max_value=0.5 + reach)
    figures = ", ".join(f"{row.split} {row.share:.3f}" for row in table.itertuples())
    return Findings(table, [wanted], f"{figures}; allowed 0.5 +- {reach:g}")


@guard(
    "patients apart",
    rule="no patient is in two splits",
    remedy="set datasets.<name>.split.protocol to grouped, then dvc repro slices",
)
def patients_apart(data: Dataset, _: DatasetParams) -> Findings:
    """Number of splits that each patient is in."""
    return _apart(data, "patient_id", "split", "patients", "splits")


@guard(
    "hashes apart",
    rule="no image is in two splits",
    remedy="remove the repeated scans from the sources, then dvc repro scans slices",
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
    "values",
    rule="Hounsfield units lie within -4096..4095, with air and tissue both present",
    remedy="look at the named facts: a wrong rescale slope or intercept, or slices without a patient",
)
def values(data: Dataset, _: DatasetParams) -> Findings:
    """Extremes of each slice."""
    from great_expectations import expectations as gxe

    low, high = HU_RANGE
    wanted = [
        gxe.ExpectColumnValuesToBeBetween(column="hu_min", min_value=low, max_value=high),
        gxe.ExpectColumnValuesToBeBetween(column="hu_max", min_value=low, max_value=high),
        gxe.ExpectColumnValuesToBeBetween(column="air_fraction", min_value=AIR_RANGE[0], max_value=AIR_RANGE[1]),
    ]
    table = data.manifest[["hu_min", "hu_max", "air_fraction"]]
    air = table.air_fraction
    figures = f"HU {table.hu_min.min()}..{table.hu_max.max()}, air {air.min():.2f}..{air.max():.2f} of a slice"
    return Findings(table, wanted, figures)


@guard(
    "words",
    rule="labels, splits and manipulations use the known words",
    remedy="dvc repro -f slices",
)
def words(data: Dataset, _: DatasetParams) -> Findings:
    """Value sets."""
    from great_expectations import expectations as gxe

    known: dict[str, list[Any]] = {
        "label": [0, 1],
        "split": list(SPLITS),
        "manipulation": ["none", "injected", "removed", "generated"],
    }
    wanted = [gxe.ExpectColumnValuesToBeInSet(column=name, value_set=words_) for name, words_ in known.items()]
    table = data.manifest[list(known)]
    return Findings(table, wanted, ", ".join(sorted(set(table.manipulation))))


@guard(
    "sites inside",
    rule="every labelled site lies inside its slice",
    remedy="mend the rows of the label file whose x or y is outside the image",
)
def sites_inside(data: Dataset, _: DatasetParams) -> Findings:
    """Room between each site and the last row and column."""
    from great_expectations import expectations as gxe

    sited = data.manifest[data.manifest.site_y.notna()]
    table = pd.DataFrame(
        {
            "from_first_row": sited.site_y,
            "to_last_row": sited.rows - 1 - sited.site_y,
            "from_first_column": sited.site_x,
            "to_last_column": sited.cols - 1 - sited.site_x,
        }
    )
    wanted = [gxe.ExpectColumnValuesToBeBetween(column=name, min_value=0) for name in table.columns]
    return Findings(table, wanted, f"{len(sited)} slices with a site")


@guard(
    "shards",
    rule="every shard is there and its pixels are those that the manifest names",
    remedy="dvc repro -f slices",
)
def shards(data: Dataset, _: DatasetParams) -> Findings:
    """Whether the pixels of each row still have their SHA-256."""
    from great_expectations import expectations as gxe

    manifest = data.manifest
    same = [
        hashlib.sha256(pixels.astype("<i2").tobytes()).hexdigest() == digest
        for pixels, digest in zip(data.mapped(manifest), manifest.sha256, strict=True)
    ]
    table = pd.DataFrame({"same": [int(one) for one in same]})
    wanted = gxe.ExpectColumnValuesToBeInSet(column="same", value_set=[1])
    return Findings(table, [wanted], f"{len(same) - sum(same)} of {len(same)} slices differ from their digest")


def _counts(data: Dataset) -> pd.DataFrame:
    split, label = data.manifest.split, data.manifest.label
    rows = [
        {"split": name, "tampered": int(((split == name) & (label == 1)).sum()),
         "real": int(((split == name) & (label == 0)).sum())}
        for name in SPLITS
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _apart(data: Dataset, unit: str, kind: str, units: str, kinds: str) -> Findings:
    from great_expectations import expectations as gxe

    number = data.manifest.groupby(unit)[kind].nunique()
    table = pd.DataFrame({"number": number.to_numpy()})
    wanted = gxe.ExpectColumnValuesToBeBetween(column="number", min_value=1, max_value=1)
    return Findings(table, [wanted], f"{int((number > 1).sum())} of {len(number)} {units} are in several {kinds}")
