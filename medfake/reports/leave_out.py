"""What was left out of training against what was tested: a square table of figures with intervals.

On the diagonal stands what the detector has never seen; beside it, what it knew. A detector that only knows its own
fakes has a weak diagonal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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
    """

    left_out: str
    tested_on: str
    figure: float | None
    low: float | None = None
    high: float | None = None

    @property
    def interval(self) -> Interval | None:
        """Where there is one."""
        return None if self.low is None or self.high is None else Interval(self.low, self.high)

    @property
    def unseen(self) -> bool:
        """Whether the training has not seen what it is tested on."""
        return self.left_out == self.tested_on


@dataclass(frozen=True)
class LeaveOutMatrix:
    """A table train x test.

    Attributes:
        title: E.g. "Slice AUC by family of manipulations".
        left_out: Rows, "nothing" first where it is there, then as they come.
        tested_on: Columns, as they come.
        cells: By row and column; None where nothing was measured.
    """

    title: str
    left_out: tuple[str, ...]
    tested_on: tuple[str, ...]
    cells: tuple[tuple[LeaveOut | None, ...], ...]

    @classmethod
    def of(cls, title: str, rows: Sequence[LeaveOut]) -> "LeaveOutMatrix":
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
        return cls(title, tuple(trainings), tuple(tests), cells)

    def to_markdown(self) -> str:
        """As a Markdown table; what the training had not seen is bold."""
        head = ["left out \\ tested on", *self.tested_on]
        lines = [f"### {self.title}", "", _line(head), _line(["---", *("---:" for _ in self.tested_on)])]
        for name, cells in zip(self.left_out, self.cells, strict=True):
            lines.append(_line([name, *map(_cell_markdown, cells)]))
        return "\n".join([*lines, "", "Bold: not seen in training.", ""])

    def to_html(self) -> str:
        """As a `<table>` for a page of reports; classes are those of report.css."""
        head = "".join(f'<th scope="col" class="num">{escape(name)}</th>' for name in self.tested_on)
        body = "".join(
            f'<tr><th scope="row">{escape(name)}</th>{"".join(map(_cell_html, cells))}</tr>'
            for name, cells in zip(self.left_out, self.cells, strict=True)
        )
        return (
            f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(self.title)}"><table class="compact">'
            f"<caption>{escape(self.title)}. Rows: left out of training; columns: tested on. Marked: not seen in "
            f'training.</caption><thead><tr><th scope="col">left out</th>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )


def write_leave_out(folder: Path, name: str, matrices: Sequence[LeaveOutMatrix]) -> None:
    """Write tables as NAME.md, NAME.json and NAME.html.

    Args:
        folder: E.g. reports/forensics.
        name: Of the files.
        matrices: In the order in which they stand.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    with write_atomic(folder / f"{name}.md") as file:
        file.write("\n".join(one.to_markdown() for one in matrices))
    rows = {one.title: [_plain(cell) for cells in one.cells for cell in cells if cell] for one in matrices}
    write_json(folder / f"{name}.json", rows)
    environment = Environment(
        loader=PackageLoader("medfake.reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    tables = [Markup(one.to_html()) for one in matrices]  # noqa: S704  # every name in it was escaped
    with write_atomic(folder / f"{name}.html") as file:
        file.write(environment.get_template("leave_out.html.j2").render(name=name, tables=tables))


def _plain(cell: LeaveOut) -> dict[str, object]:
    return {"left_out": cell.left_out, "tested_on": cell.tested_on, "figure": cell.figure, "low": cell.low,
            "high": cell.high}  # fmt: skip


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell_markdown(cell: LeaveOut | None) -> str:
    if cell is None:
        return ""
    text = f"{number_text(cell.figure)} {interval_text(cell.interval)}".strip()
    return f"**{text}**" if cell.unseen else text


def _cell_html(cell: LeaveOut | None) -> str:
    if cell is None:
        return '<td class="num muted">–</td>'
    marked = " unseen" if cell.unseen else ""
    value = f'<span class="value">{number_text(cell.figure)}</span>'
    return f'<td class="num{marked}">{value}<span class="interval">{interval_text(cell.interval)}</span></td>'
