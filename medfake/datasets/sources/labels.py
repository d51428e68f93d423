"""Label rows of CT-GAN (type, uuid, slice, x, y) and of one's own folder (scan, type, slice, x, y)."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from medfake.datasets.sources.registry import Problem, SourceSite
from medfake.errors import LabelError
from medfake.vocabulary import LabelCode

SOP_UID = "sop_uid"  # the column that may name a slice whatever its number
MANIPULATION = "manipulation"  # the column that may name what made a tampered place
_SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_SLICE = ("slice", "z")  # names of the third column in the published copies
_REMEDY = "`medfake data template` writes an example"


@dataclass(frozen=True)
class LabelRow:
    """One row: the scan it names, its type, and its place as the file has it (None for TB, whose 0,0,0 is no place).

    Attributes:
        sop_uid: SOP Instance UID of the slice, "" without one; where it is there, it counts and not the number.
    """

    scan: str
    kind: LabelCode
    site: SourceSite | None
    line: int
    sop_uid: str = ""


@dataclass(frozen=True)
class Labels:
    """A label file.

    Attributes:
        rows: Of each scan that the file names, repeated ones, too.
        spoilt: Scans with a row that cannot be read: what they show is not known, so they are not to be used.
        lines: Of all rows, those that cannot be read included, by the scan that they name.
    """

    path: Path
    rows: dict[str, list[LabelRow]]
    spoilt: frozenset[str]
    problems: list[Problem] = field(default_factory=list)
    lines: dict[str, list[int]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Rows in the file; blank ones are none."""
        return sum(map(len, self.lines.values()))

    def where(self, line: int) -> str:
        """File and line, for messages."""
        return f"{self.path.name}, line {line}"

    def where_named(self, name: str) -> str:
        """File and all lines that name a scan."""
        lines = self.lines[name]
        return self.where(lines[0]) if len(lines) == 1 else f"{self.path.name}, lines {', '.join(map(str, lines))}"


@dataclass(frozen=True)
class _Columns:
    """Where a row has what."""

    scan: int
    kind: int
    slice: int
    x: int
    y: int
    sop_uid: int | None
    manipulation: int | None
    names: tuple[str, ...]
    separator: str


def read_labels(path: Path, scan_column: str) -> Labels:
    """Read a label file.

    Columns are told apart by commas, semicolons, tabs or bars, as the first line shows; the slice column may be called
    `slice` or `z`, numbers may be written 5.0, line ends may be CRLF, blank rows are passed over.

    Args:
        path: The CSV.
        scan_column: "uuid" or "scan".

    Raises:
        LabelError: A column is missing or twice, or the file is no CSV at all; file, column and columns are named.
    """
    rows: dict[str, list[LabelRow]] = defaultdict(list)
    lines: dict[str, list[int]] = defaultdict(list)
    spoilt: set[str] = set()
    problems: list[Problem] = []
    labels = Labels(path, rows, frozenset(), problems, lines)
    try:
        columns, body = _open(path, scan_column)
        for line, values in body:
            name = values[columns.scan].strip() if columns.scan < len(values) else ""
            row = _row(labels.where(line), line, name, values, columns)
            lines[name].append(line)
            if isinstance(row, Problem):
                spoilt.add(name)
                problems.append(row)
                continue
            if row.site and any((row.site, row.sop_uid) == (other.site, other.sop_uid) for other in rows[name]):
                problems.append(Problem(labels.where(line), "the row repeats another", "it counts once"))
            rows[name].append(row)
    except (UnicodeDecodeError, csv.Error) as error:
        raise LabelError(
            "the label file is no CSV in UTF-8", where=path, received=type(error).__name__,
            remedy=f"save it as CSV, UTF-8; {_REMEDY}",
        ) from None  # fmt: skip
    return Labels(path, dict(rows), frozenset(spoilt), problems, dict(lines))


def _open(path: Path, scan_column: str) -> tuple[_Columns, Iterator[tuple[int, list[str]]]]:
    """Columns, and the rows that are not blank with their line numbers."""
    text = path.read_text(encoding="utf-8-sig")
    first = next((line for line in text.split("\n") if line.strip() and not _names_separator(line)), "")
    separator = max(_SEPARATORS, key=lambda one: (first.count(one), one == ","))
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    body = (
        (reader.line_num, values) for values in reader
        if any(value.strip() for value in values) and not _names_separator(separator.join(values))
    )  # fmt: skip
    _, head = next(body, (0, []))
    return _require_columns(path, [name.strip().casefold() for name in head], scan_column, separator), body


def _names_separator(line: str) -> bool:
    """Whether a line is what spreadsheets put first to name the separator, e.g. "sep=;"."""
    return line.strip("\r\n").casefold() in {f"sep={one}" for one in _SEPARATORS}


def _require_columns(path: Path, names: Sequence[str], scan_column: str, separator: str) -> _Columns:
    slice_column = next((name for name in _SLICE if name in names), _SLICE[0])
    wanted = ("type", scan_column, slice_column, "x", "y")
    wrong = [f"column {name!r} is missing" for name in wanted if name not in names]
    wrong += [f"column {name!r} is there twice" for name in (*wanted, SOP_UID, MANIPULATION) if names.count(name) > 1]
    if wrong:
        raise LabelError(
            wrong[0], where=path, received=f"{', '.join(names)}; they are told apart by {_SEPARATORS[separator]}",
            remedy=f"give the columns type, {scan_column}, slice, x, y; {_REMEDY}",
        )  # fmt: skip
    at = {name: names.index(name) for name in names}
    optional = at.get(SOP_UID), at.get(MANIPULATION)
    return _Columns(at[scan_column], at["type"], at[slice_column], at["x"], at["y"], *optional, tuple(names), separator)


def _row(where: str, line: int, scan: str, values: Sequence[str], columns: _Columns) -> LabelRow | Problem:
    left_out = "its scan is left out"
    if len(values) > len(columns.names) and any(value.strip() for value in values[len(columns.names) :]):
        what = f"{len(values)} values for {len(columns.names)} columns, told apart by {_SEPARATORS[columns.separator]}"
        return Problem(where, what, left_out)
    fields = [value.strip() for value in values] + [""] * (len(columns.names) - len(values))
    code = fields[columns.kind].upper()
    if code not in set(LabelCode):
        what = f"type {fields[columns.kind]!r} is unknown, expected one of {', '.join(LabelCode)}"
        return Problem(where, what, left_out)
    kind = LabelCode(code)
    if kind is LabelCode.TB:
        return LabelRow(scan, kind, None, line)
    sop_uid = "" if columns.sop_uid is None else fields[columns.sop_uid]
    numbers = []
    for column in (columns.slice, columns.y, columns.x):
        number = _whole_number(fields[column], columns.separator)
        if number is None and not (column == columns.slice and sop_uid and not fields[column]):
            what = f"column {columns.names[column]} must be a whole number, but is {fields[column]!r}"
            return Problem(where, what, left_out)
        numbers.append(-1 if number is None else number)
    made_by = fields[columns.manipulation] if kind.tampered and columns.manipulation is not None else ""
    z_index, y, x = numbers
    return LabelRow(scan, kind, SourceSite(kind, z_index, y, x, made_by), line, sop_uid)


def _whole_number(text: str, separator: str) -> int | None:
    """5, and 5.0 (or 5,0 between semicolons), as spreadsheets write it; None for anything else."""
    try:
        number = float(text.replace(",", ".") if separator != "," else text)
    except ValueError:
        return None
    return int(number) if number.is_integer() and "_" not in text else None
