"""What every row of the manifest must be."""

from typing import Any

import pandas as pd

from medfake.checks.guards.registry import Findings, guard
from medfake.config import DatasetParams
from medfake.datasets.dataset import Dataset
from medfake.datasets.manifest import SCHEMA
from medfake.datasets.split import SPLITS

HU_RANGE = (-4096, 4095)
AIR_RANGE = (0.01, 0.99)  # share of a whole slice: air and tissue are both there


@guard("columns", rule="the manifest has its columns, in order", remedy="dvc repro -f slices")
def columns(data: Dataset, _: DatasetParams) -> Findings:
    """Schema of the manifest, and no empty key column."""
    from great_expectations import expectations as gxe

    keys = [gxe.ExpectColumnValuesToNotBeNull(column=name) for name in ("slice_id", "patient_id", "split", "sha256")]
    order = gxe.ExpectTableColumnsToMatchOrderedList(column_list=list(SCHEMA.names))
    unique = gxe.ExpectColumnValuesToBeUnique(column="slice_id")
    return Findings(data.manifest, [order, unique, *keys], f"{len(data.manifest)} rows")


@guard(
    "values",
    rule="Hounsfield units lie within -4096..4095; whole slices show air and tissue both",
    remedy="look at the named facts: a wrong rescale slope or intercept, or slices without a patient",
)
def values(data: Dataset, params: DatasetParams) -> Findings:
    """Extremes of each slice."""
    from great_expectations import expectations as gxe

    low, high = HU_RANGE
    wanted = [
        gxe.ExpectColumnValuesToBeBetween(column="hu_min", min_value=low, max_value=high),
        gxe.ExpectColumnValuesToBeBetween(column="hu_max", min_value=low, max_value=high),
    ]
    if params.view.name == "whole":  # a square inside a lung may lack either
        least, most = AIR_RANGE
        wanted.append(gxe.ExpectColumnValuesToBeBetween(column="air_fraction", min_value=least, max_value=most))
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
    """Room between each site and the last row and column; copies may have shifted or turned theirs out."""
    from great_expectations import expectations as gxe

    sited = data.manifest[data.manifest.site_y.notna() & (data.manifest["transform"] == "")]
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
