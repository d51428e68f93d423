"""What the table must be before anything else can be asked of it."""

from itertools import zip_longest
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from medfake.checks.guards.registry import Findings, examples, guard
from medfake.config import DatasetParams
from medfake.datasets.dataset import Dataset
from medfake.datasets.manifest import SCHEMA
from medfake.remedies import DATASET, Stage, rerun

KEYS: Final = (
    "slice_id",
    "scan_id",
    "patient_id",
    "source",
    "manipulation",
    "label",
    "split",
    "shard",
    "row",
    "sha256",
)
_NOTHING = "nothing"


@guard(
    "columns",
    rule="the manifest has its columns, in order and of their types",
    remedy=f"{rerun(Stage.SLICES, DATASET)}; if it stays, the manifest was written by another version of medfake",
    blocks=1,
)
def columns(data: Dataset, _: DatasetParams) -> Findings:
    """Names and types of the manifest's columns beside those of the schema."""
    from great_expectations import expectations as gxe

    table = pd.DataFrame(
        [
            {
                "expected": wanted.name if wanted is not None else _NOTHING,
                "found": name if name is not None else _NOTHING,
                "expected_type": _kind(wanted.type) if wanted is not None else _NOTHING,
                "found_type": _found_kind(data.manifest[name], wanted) if name is not None else _NOTHING,
            }
            for wanted, name in zip_longest(SCHEMA, data.manifest.columns)
        ]
    )
    wrong = table[(table.expected != table.found) | (table.expected_type != table.found_type)]
    told = [
        f"{row.expected} ({row.expected_type}) expected, {row.found} ({row.found_type}) found"
        for row in wrong.iloc[:3].itertuples()
    ]
    figures = "; ".join([f"{len(data.manifest)} rows, {len(wrong)} of {len(table)} columns differ", *told])
    same = [
        gxe.ExpectColumnPairValuesToBeEqual(column_A=f"expected{of}", column_B=f"found{of}") for of in ("", "_type")
    ]
    return Findings(table, same, figures)


@guard(
    "keys", rule="every slice is there once and all its keys are filled", remedy=rerun(Stage.SLICES, DATASET), blocks=2
)
def keys(data: Dataset, _: DatasetParams) -> Findings:
    """Repeated slice ids and empty keys."""
    from great_expectations import expectations as gxe

    manifest = data.manifest
    repeated = manifest[manifest.slice_id.duplicated()]
    empty = manifest[manifest[list(KEYS)].isna().any(axis=1)]
    filled = [gxe.ExpectColumnValuesToNotBeNull(column=name) for name in KEYS]
    unique = gxe.ExpectColumnValuesToBeUnique(column="slice_id")
    figures = f"{len(repeated)} slices repeated{examples(repeated)}, {len(empty)} with an empty key{examples(empty)}"
    return Findings(manifest[list(KEYS)], [unique, *filled], figures)


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "whole number"
    if pa.types.is_floating(kind):
        return "number"
    return "truth value" if pa.types.is_boolean(kind) else "text"


def _found_kind(column: "pd.Series[Any]", wanted: pa.Field | None) -> str:
    """Kind of a column; whole numbers with gaps, which pandas keeps as floats, and empty columns are as wanted."""
    filled = column.dropna()
    if wanted is not None and filled.empty and len(column):
        return _kind(wanted.type)
    if pd.api.types.is_bool_dtype(column):
        return "truth value"
    if pd.api.types.is_integer_dtype(column):
        return "whole number"
    if pd.api.types.is_float_dtype(column):
        gaps = wanted is not None and pa.types.is_integer(wanted.type) and len(filled) < len(column)
        return "whole number" if gaps and bool((filled % 1 == 0).all()) else "number"
    return "text" if pd.api.types.infer_dtype(filled) == "string" else "something else"
