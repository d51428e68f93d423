"""What was left out of training against what was tested: a square table of figures with intervals.

On the diagonal stands what the detector has never seen; beside it, what it knew. A detector that only knows its own
fakes has a weak diagonal.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Final

from medfake.errors import MedfakeError
from medfake.files import write_atomic, write_json
from medfake.metrics.intervals import Interval
from medfake.reports.sentences import interval_text, number_text

NOTHING: Final = "nothing"
"""Left out by the training that the others are compared with."""


@dataclass(frozen=True)
class LeaveOut:
    """One training on one part of the tests.

    Attributes:
        left_out: Family of manipulations, scanner or patient that the training has not seen; "nothing" for one that has
            seen all but the tested patients.
        tested_on: Of the same kind.
        figure: 0..1; None where it is undefined.
        low: End of its interval; None, as `high`, without one.
        high: The other end.
        tampered: Scans or slices, see `LeaveOutMatrix.unit`; None where they were not counted.
        untouched: Likewise; None for a figure of tampered ones alone.
        real_only: Whether `left_out` is a detector that has seen real slices alone, and so nothing that is tested.
    """

    left_out: str
    tested_on: str
    figure: float | None
    low: float | None = None
    high: float | None = None
    tampered: int | None = None
    untouched: int | None = None
    real_only: bool = False

    @property
    def interval(self) -> Interval | None:
        """Where there is one."""
        return None if self.low is None or self.high is None else Interval(self.low, self.high)

    @property
    def unseen(self) -> bool:
        """Whether the training has not seen what it is tested on."""
        return self.real_only or self.left_out == self.tested_on

    @property
    def counted(self) -> str:
        """How many it is of, e.g. "36 + 12", tampered and untouched ones; "" where they were not counted."""
        return " + ".join(f"{count:,}" for count in (self.tampered, self.untouched) if count is not None)


@dataclass(frozen=True)
class LeaveOutMatrix:
    """A table train x test.

    Attributes:
        title: E.g. "Slice AUC by family of manipulations".
        left_out: Rows, "nothing" first where it is there, then as they come.
        tested_on: Columns, as they come.
        cells: By row and column; None where nothing was measured.
        unit: What cells count, "scans" or "slices".
    """

    title: str
    left_out: tuple[str, ...]
    tested_on: tuple[str, ...]
    cells: tuple[tuple[LeaveOut | None, ...], ...]
    unit: str = ""

    @classmethod
    def of(cls, title: str, rows: Sequence[LeaveOut], unit: str = "") -> "LeaveOutMatrix":
        """Arrange rows as a table.

        Raises:
            MedfakeError: Two rows are of the same training and test.
        """
        by = {(row.left_out, row.tested_on): row for row in rows}
        if len(by) != len(rows):
            doubled = next(key for key in by if sum((row.left_out, row.tested_on) == key for row in rows) > 1)
            raise MedfakeError(
                "two figures of one training and one test", where=title,
                received=f"left out {doubled[0]}, tested on {doubled[1]}", remedy="give one row a pair",
            )  # fmt: skip
        trainings = sorted(dict.fromkeys(row.left_out for row in rows), key=lambda name: name != NOTHING)
        tests = list(dict.fromkeys(row.tested_on for row in rows))
        cells = tuple(tuple(by.get((training, test)) for test in tests) for training in trainings)
        return cls(title, tuple(trainings), tuple(tests), cells, unit)

    def to_markdown(self) -> str:
        """As a Markdown table; what the training had not seen is bold."""
        head = ["left out \\ tested on", *self.tested_on]
        lines = [f"### {self.title}", "", _line(head), _line(["---", *("---:" for _ in self.tested_on)])]
        for name, cells in zip(self.left_out, self.cells, strict=True):
            lines.append(_line([name, *map(_cell_markdown, cells)]))
        return "\n".join([*lines, "", f"Bold: not seen in training.{self._counts}", ""])

    def to_html(self) -> str:
        """As a `<table>` for a page of reports; classes are those of report.css."""
        head = "".join(f'<th scope="col" class="num">{escape(name)}</th>' for name in self.tested_on)
        body = "".join(
            f'<tr><th scope="row">{escape(name)}</th>{"".join(map(_cell_html, cells))}</tr>'
            for name, cells in zip(self.left_out, self.cells, strict=True)
        )
        return (
            f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(self.title)}"><table class="compact">'
            f"<caption>Rows: left out of training; columns: tested on. Marked: not seen in "
            f'training.{self._counts}</caption><thead><tr><th scope="col">left out</th>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )

    @property
    def _counts(self) -> str:
        """What the last line of a cell says."""
        cells = [cell for row in self.cells for cell in row if cell is not None]
        if not any(cell.counted for cell in cells):
            return ""
        both = any(cell.untouched is not None for cell in cells)
        return f" n: {'tampered + untouched' if both else 'tampered'} {self.unit}."


def write_leave_out(folder: Path, name: str, matrices: Sequence[LeaveOutMatrix], notes: Sequence[str] = ()) -> None:
    """Write tables as NAME.md, NAME.json and NAME.html.

    Args:
        folder: E.g. reports/forensics.
        name: Of the files.
        matrices: In the order in which they stand.
        notes: What must be known to read them, a paragraph each.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    with write_atomic(folder / f"{name}.md") as file:
        file.write("\n".join([*(f"{note}\n" for note in notes), *(one.to_markdown() for one in matrices)]))
    rows = {one.title: [asdict(cell) for cells in one.cells for cell in cells if cell] for one in matrices}
    write_json(folder / f"{name}.json", {"notes": list(notes), "matrices": rows})
    environment = Environment(
        loader=PackageLoader("medfake.reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    tables = [(one.title, Markup(one.to_html())) for one in matrices]  # noqa: S704  # every name in it was escaped
    with write_atomic(folder / f"{name}.html") as file:
        file.write(environment.get_template("leave_out.html.j2").render(name=name, tables=tables, notes=notes))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell_markdown(cell: LeaveOut | None) -> str:
    if cell is None:
        return ""
    text = f"{number_text(cell.figure)} {interval_text(cell.interval)}".strip()
    counted = f", n {cell.counted}" if cell.counted else ""
    return f"**{text}**{counted}" if cell.unseen else f"{text}{counted}"


def _cell_html(cell: LeaveOut | None) -> str:
    if cell is None:
        return '<td class="num muted">–</td>'
    marked = " unseen" if cell.unseen else ""
    value = f'<span class="value">{number_text(cell.figure)}</span>'
    small = [interval_text(cell.interval), f"n {cell.counted}" if cell.counted else ""]
    below = "".join(f'<span class="interval">{line}</span>' for line in small if line)
    return f'<td class="num{marked}">{value}{below}</td>'
