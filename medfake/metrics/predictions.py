"""The table that every figure is computed from: one row a slice that a detector scored."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from medfake.errors import ManifestError
from medfake.files import write_atomic
from medfake.metrics.own_thresholds import CALLED_FROM, SCAN_HIGH, SCAN_LOW
from medfake.package.strongest_run import score_scan
from medfake.remedies import retrain
from medfake.vocabulary import Manipulation, Split, Task

SCHEMA_VERSION: Final = 1
_SCHEMA_KEY: Final = b"medfake.predictions"

COLUMNS: Final[dict[str, str]] = {  # column -> dtype
    "dataset": "str",
    "detector": "str",
    "seed": "int64",
    "slice_id": "str",
    "scan_id": "str",
    "patient_id": "str",  # keyed pseudonym
    "split": "str",  # val or test
    "label": "int8",  # 1 = tampered; of another task, the answer yes
    "manipulation": "str",
    "z_mm": "float64",
    "distance_mm": "float64",  # to the nearest site centre; null if none
    "site_y": "float64",  # true site, px; null if none
    "site_x": "float64",
    "p_tampered": "float32",  # 0..1
    "pred_site_y": "float64",  # predicted site, px; null if the detector does not localise
    "pred_site_x": "float64",
    "spacing_mm": "float64",  # between rows and columns
    "p_removed": "float64",  # 0..1, of detectors of three classes; null for others, as the next
    "p_injected": "float64",
    "scan_p": "float64",  # 0..1, of the slice's scan, by a package that judges scans; null where slices speak for them
    "generator": "str",  # what made the fake, by name; "" for untouched slices
    "task": "str",  # what labels answer
    "fold": "float64",  # whose training scored this slice without its patient; null where the stored split decides
}
_NOT_OF_ALL: Final = ("p_removed", "p_injected", "scan_p")  # 0..1, of some detectors
OPTIONAL: Final[dict[str, float | str]] = {
    **dict.fromkeys((*_NOT_OF_ALL, "fold"), float("nan")),
    "generator": "",
    "task": "tampering",
}
"""What stands throughout where a table lacks a column."""
NULLABLE: Final = frozenset({"distance_mm", "site_y", "site_x", "pred_site_y", "pred_site_x", "fold", *_NOT_OF_ALL})
SCORED: Final = (Split.VAL, Split.TEST)
RUN_KEY: Final = ["dataset", "detector", "seed"]


def write_predictions(path: Path, predictions: pd.DataFrame) -> None:
    """Check predictions and write them as parquet, sorted, so that equal predictions are equal bytes.

    Args:
        path: File to write, e.g. models/chest/ResidualCNN/seed-1/predictions.parquet.
        predictions: Columns of `COLUMNS`, in any order; `p_tampered` in [0, 1], `label` 1 = tampered.

    Raises:
        ManifestError: A column is missing, unknown or out of range; the message names column, row and value.
    """
    checked = validate_predictions(predictions, str(path))
    checked = checked.sort_values([*RUN_KEY, "split", "slice_id"], kind="stable", ignore_index=True)
    table = pa.Table.from_pandas(checked, preserve_index=False)
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), _SCHEMA_KEY: str(SCHEMA_VERSION).encode()})
    with write_atomic(path, "wb") as file:
        pq.write_table(table, file)


def read_predictions(path: Path) -> pd.DataFrame:
    """Read and check a predictions file.

    Returns:
        Columns and dtypes of `COLUMNS`, in that order; one row a slice.

    Raises:
        ManifestError: The file is missing, is no parquet, has another schema version, or holds impossible values.
    """
    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise ManifestError("there are no predictions here", where=path, remedy="train first: dvc repro") from None
    except pa.ArrowInvalid as error:
        raise ManifestError("the predictions are no parquet file", where=path, remedy=_anew(path)) from error
    version = (table.schema.metadata or {}).get(_SCHEMA_KEY, b"none").decode()
    if version != str(SCHEMA_VERSION):
        raise ManifestError(
            f"the predictions have another schema version than {SCHEMA_VERSION}",
            where=path,
            received=version,
            remedy=_anew(path),
        )
    return validate_predictions(table.to_pandas(), str(path))


def validate_predictions(predictions: pd.DataFrame, where: str = "predictions") -> pd.DataFrame:
    """Check columns, dtypes and values.

    Args:
        predictions: Columns of `COLUMNS`, in any order.
        where: What to call the table in an error.

    Returns:
        A copy with the columns and dtypes of `COLUMNS`.

    Raises:
        ManifestError: The first rule that is broken, with column, row and value (never an identifier).
    """
    absent = {name: value for name, value in OPTIONAL.items() if name not in predictions.columns}
    predictions = predictions.assign(**absent) if absent else predictions
    _check_columns(predictions, where)
    frame = _cast(predictions, where)
    for column, broken, expected in _broken_rules(frame):
        if broken.any():
            row = int(np.flatnonzero(broken)[0])
            raise ManifestError(
                f"{column} must be {expected}",
                where=f"{where}, column {column}, row {row} ({int(broken.sum())} such rows)",
                received=frame[column].iloc[row] if column not in {"slice_id", "scan_id", "patient_id"} else None,
                remedy=_anew(where),
            )
    return frame


def scan_table(predictions: pd.DataFrame) -> pd.DataFrame:
    """Score every scan from its slices' scores.

    A scan is tampered when one of its slices is; a package that judges scans has said so itself. Only slices that are
    in the predictions count: a data set that keeps few slices of a scan gives it fewer chances of a high score than
    serving, which scores all of them.

    Args:
        predictions: One run's rows, columns of `COLUMNS`.

    Returns:
        One row a scan, sorted by scan_id: scan_id, patient_id, split, label (int8), manipulation (none, one word, or
        several joined by "+"), generator (as manipulation; "" where nobody names one), p_tampered (float64, 0..1),
        n_slices.
    """
    own = {SCAN_LOW: SCAN_LOW, CALLED_FROM: SCAN_HIGH} if SCAN_HIGH in predictions else {}
    rows: list[dict[str, Any]] = []  # cells of a table under construction
    for (split, scan_id), slices in predictions.groupby(["split", "scan_id"], sort=True):
        words = sorted(set(slices["manipulation"]) - {Manipulation.NONE})
        rows.append(
            {
                "scan_id": scan_id,
                "patient_id": slices["patient_id"].iloc[0],
                "split": split,
                "label": int(slices["label"].max()),
                "manipulation": "+".join(words) or Manipulation.NONE.value,
                "generator": " + ".join(sorted(set(slices["generator"]) - {""})),
                "p_tampered": _scan_p(slices),
                "n_slices": len(slices),
                **{to: float(slices[of].median()) for to, of in own.items()},
            }
        )
    columns = ["scan_id", "patient_id", "split", "label", "manipulation", "generator", "p_tampered", "n_slices", *own]
    return pd.DataFrame(rows, columns=columns).astype({"label": "int8", "p_tampered": "float64", "n_slices": "int64"})


def _scan_p(slices: pd.DataFrame) -> float:
    """What the package says of the scan, or its most suspicious run of slices."""
    said = float(slices["scan_p"].max()) if "scan_p" in slices else float("nan")
    if not np.isnan(said):
        return said
    return score_scan(slices["p_tampered"].to_numpy(), slices["z_mm"].to_numpy()).p_tampered


def _anew(where: str | Path) -> str:
    return f"make the predictions anew: {retrain(Path(where).parent)}"


def _check_columns(predictions: pd.DataFrame, where: str) -> None:
    missing = [column for column in COLUMNS if column not in predictions.columns]
    unknown = sorted(set(map(str, predictions.columns)) - set(COLUMNS))
    if missing or unknown:
        raise ManifestError(
            "the predictions have other columns than expected",
            where=where,
            received=f"missing {missing}, unknown {unknown}",
            remedy=_anew(where),
        )
    if predictions.empty:
        raise ManifestError("the predictions have no rows", where=where, remedy=_anew(where))


def _cast(predictions: pd.DataFrame, where: str) -> pd.DataFrame:
    for column in COLUMNS:
        if column not in NULLABLE and bool(predictions[column].isna().any()):
            raise ManifestError(
                f"{column} must be filled in every row",
                where=f"{where}, column {column}, row {int(np.flatnonzero(predictions[column].isna())[0])}",
                received="null",
                remedy=_anew(where),
            )
    try:
        return predictions[list(COLUMNS)].astype(COLUMNS).reset_index(drop=True)
    except (ValueError, TypeError) as error:
        raise ManifestError(
            "a column of the predictions has another type than expected",
            where=where,
            received=error,
            remedy=_anew(where),
        ) from error


def _listed(words: Iterable[str]) -> str:
    return ", ".join(map(str, words))


def _broken_rules(frame: pd.DataFrame) -> list[tuple[str, "pd.Series[bool]", str]]:
    """Column, rows that break its rule, and what was expected there."""
    tampered, untouched = frame["label"] == 1, frame["manipulation"] == Manipulation.NONE
    asked = frame["task"] == Task.TAMPERING
    patients_of_scan = frame.groupby("scan_id")["patient_id"].transform("nunique")
    return [
        ("label", ~frame["label"].isin([0, 1]), "0 (real) or 1 (tampered)"),
        ("split", ~frame["split"].isin(SCORED), f"one of {_listed(SCORED)}"),
        ("manipulation", ~frame["manipulation"].isin(list(Manipulation)), f"one of {_listed(Manipulation)}"),
        ("task", ~frame["task"].isin(list(Task)), f"one of {_listed(Task)}"),
        ("manipulation", (tampered == untouched) & asked, "none where label is 0, and only there"),
        ("manipulation", ~untouched & ~asked, "none in another task than tampering"),
        ("p_tampered", ~frame["p_tampered"].between(0.0, 1.0), "between 0 and 1"),
        *((name, ~frame[name].fillna(0).between(0.0, 1.0), "between 0 and 1") for name in _NOT_OF_ALL),
        ("fold", (frame["fold"].fillna(0) < 0) | (frame["fold"].fillna(0) % 1 > 0), "a whole number from 0 on"),
        ("z_mm", ~np.isfinite(frame["z_mm"]), "a number of mm"),
        ("spacing_mm", ~(np.isfinite(frame["spacing_mm"]) & (frame["spacing_mm"] > 0)), "a number of mm above 0"),
        ("site_y", frame["site_y"].isna() != frame["site_x"].isna(), "given together with site_x"),
        ("pred_site_y", frame["pred_site_y"].isna() != frame["pred_site_x"].isna(), "given together with pred_site_x"),
        ("slice_id", frame.duplicated([*RUN_KEY, "slice_id"]), "there once for each data set, detector and seed"),
        ("scan_id", patients_of_scan > 1, "of one patient"),
    ]
