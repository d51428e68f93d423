"""Slices that a generator made whole, as stage `generate` writes them: one slice a scan, and a table beside them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Final

from medfake.datasets.sources.registry import (
    Find,
    LabelRows,
    Problem,
    Reading,
    SourceScan,
    UnknownLabel,
    source,
)
from medfake.errors import LabelError, SourceError
from medfake.files import in_a_word, path_text
from medfake.vocabulary import Manipulation

if TYPE_CHECKING:
    from medfake.dicom.series import Series

TABLE_FILE: Final = "generated.csv"
COLUMNS: Final = ("file", "nodule", "seed_index", "generator")
"""A row a slice: its file below the folder, 1 where a nodule was asked for, its number, and the kind of generator."""


def _looks_like_generated(root: Path) -> bool:
    return (root / TABLE_FILE).is_file()


@source("generated", _looks_like_generated)
def read_generated(root: Path, find: Find) -> Reading:
    """Read the tree: every slice is a scan and a patient of its own, tampered with everywhere and at no site.

    Raises:
        SourceError: None of the slices in the table is there.
        LabelError: There is no table, or it lacks a column.
    """
    rows = read_table(root)
    series, skipped = find(root)
    by_file = {path_text(one.headers[0].path.relative_to(root)): one for one in series if len(one.headers) == 1}
    reading = Reading([], [one for one in skipped if one.path != root / TABLE_FILE], label_rows=LabelRows(len(rows)))
    for line, row in enumerate(rows, start=2):
        found = by_file.pop(row["file"], None)
        if found is None:
            problem = Problem(f"{TABLE_FILE}:{line}", "no single CT slice lies under this name", "it is left out")
            reading.problems.append(problem)
            reading.unknown.append(UnknownLabel(problem))
            reading.label_rows.left_out += 1
        else:
            reading.scans.append(_scan(found, row))
    reading.problems.extend(
        Problem(name, f"no row of {TABLE_FILE} names it", "it is left out") for name in sorted(by_file)
    )
    if not reading.scans:
        raise SourceError(
            f"none of the slices that {TABLE_FILE} names is here", where=root, received=f"{len(rows)} rows",
            remedy="run stage generate again, or point the path at the folder that it wrote",
        )  # fmt: skip
    return reading


def _scan(found: Series, row: dict[str, str]) -> SourceScan:
    key = f"{row['generator']}/{row['file']}"
    return SourceScan(
        found, "generated", key, key, generator=row["generator"], manipulation=Manipulation.GENERATED, label_rows=1
    )


def read_table(root: Path) -> list[dict[str, str]]:
    """Rows of generated.csv, by `COLUMNS`.

    Raises:
        LabelError: There is no table, it lacks a column, or a row of it names no file of its own and class, 0 or 1.
    """
    path = root / TABLE_FILE
    try:
        with path.open(encoding="utf-8", newline="") as file:
            table = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (table.fieldnames or ())]
            rows = list(table)
    except (OSError, ValueError, csv.Error) as error:
        raise LabelError(
            "the table of generated slices cannot be read", where=path, received=in_a_word(error),
            remedy="run stage generate again, or point the path at the folder that it wrote",
        ) from None  # fmt: skip
    if missing:
        raise LabelError(
            "the table of generated slices lacks columns", where=path, received=", ".join(missing),
            remedy="run stage generate again",
        )  # fmt: skip
    seen: set[str] = set()
    for line, row in enumerate(rows, start=2):
        if None in row.values() or row["nodule"] not in ("0", "1") or row["file"] in seen:
            raise LabelError(
                "a row of the table of generated slices names no file of its own and class, 0 or 1",
                where=f"{path_text(path)}:{line}", received=", ".join(map(str, row.values())),
                remedy="run stage generate again",
            )  # fmt: skip
        seen.add(row["file"])
    return rows
