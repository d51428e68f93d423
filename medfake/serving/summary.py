"""What a scan says to its reader: a table that stays short, and what is said beside it."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from medfake.errors import printable
from medfake.metrics.scans import Verdict
from medfake.package.card import INTENDED_USE
from medfake.package.measured import FalseAlarms
from medfake.serving.calibration import SiteCalibration
from medfake.serving.report import ScanVerdict, SkippedFile, spot

if TYPE_CHECKING:
    from rich.console import Console

MOST_ROWS: Final = 40
MOST_FOLDERS: Final = 3
"""Named beside a warning; --json has all."""
MOST_SKIPPED: Final = 5
MOST_WARNINGS: Final = 50
"""Of different texts; headers make up some of them."""
_RANKS: Final[Mapping[str, int]] = {Verdict.TAMPERED: 2, Verdict.UNCERTAIN: 1}


@dataclass(frozen=True, order=True)
class _Row:
    """A row of the table; of many, those stay that compare highest: tampered, then uncertain, then likely ones."""

    rank: int
    p_tampered: float
    before: int
    scan: ScanVerdict


class Summary:
    """Scans counted, the first or the strongest of them kept."""

    def __init__(self) -> None:
        self.verdicts: Counter[str] = Counter()
        self.skipped = 0
        self.reasons: Counter[str] = Counter()
        self._rows: list[_Row] = []
        self._copies: list[str] = []
        self._warned: Counter[str] = Counter()
        self._folders: defaultdict[str, list[str]] = defaultdict(list)
        self._first_skipped: list[SkippedFile] = []

    @property
    def scans(self) -> int:
        """How many have a verdict."""
        return self.verdicts.total()

    def add(self, scan: ScanVerdict) -> None:
        """Count a scan."""
        rank = _RANKS.get(scan.verdict, 0)
        row = _Row(rank, scan.p_tampered, -self.scans, _without_slices(scan))
        (heapq.heappush if len(self._rows) < MOST_ROWS else heapq.heappushpop)(self._rows, row)
        self.verdicts[scan.verdict] += 1
        if scan.copies and len(self._copies) < MOST_ROWS:
            self._copies += [f"{_folder(scan)}: {copy.sentence()}" for copy in scan.copies]
        for text in dict.fromkeys(scan.warnings):
            if text in self._warned or len(self._warned) < MOST_WARNINGS:
                self._warned[text] += 1
                if len(self._folders[text]) < MOST_FOLDERS:
                    self._folders[text].append(_folder(scan))

    def add_skipped(self, one: SkippedFile) -> None:
        """Count a file without a score."""
        self.skipped += 1
        if one.reason in self.reasons or len(self.reasons) < MOST_WARNINGS:
            self.reasons[one.reason] += 1
        if len(self._first_skipped) < MOST_SKIPPED:
            self._first_skipped.append(one)

    def render(self, console: "Console", model: Mapping[str, Any]) -> None:
        """Print a table, copies, the warnings, what was skipped, and what this is not."""
        console.print(self._table(model))

        def say(text: str, style: str = "") -> None:
            console.print(printable(text), style=style, highlight=False, markup=False)

        if self.scans > MOST_ROWS:
            counts = ", ".join(f"{number} {verdict}" for verdict, number in self.verdicts.most_common())
            said = f"{self.scans} scans: {counts}; the table has the {MOST_ROWS} that are most suspicious"
            say(said)
        for line in self._copies:
            say(line, "red")
        for warning in self._warnings():
            say(f"warning: {warning}", "yellow")
        if self.skipped:
            say(f"skipped {self.skipped} files:")
            for one in self._first_skipped:
                say(f"  {one.path}: {one.reason}")
            if self.skipped > MOST_SKIPPED:
                say(f"  ... and {self.skipped - MOST_SKIPPED} more (--json lists all)")
        for line in _about_the_detector(model):
            say(line, "dim")
        say(model.get("intended_use", INTENDED_USE), "dim")

    def _table(self, model: Mapping[str, Any]) -> Any:
        from rich.markup import escape
        from rich.table import Table

        title = escape(printable(f"{model['name']}: {model['detector']}"))
        table = Table(title=title, title_justify="left")
        for column in ("folder", "verdict", "P(tampered)", "slices", "strongest place"):
            justify: Literal["left", "right"] = "right" if column in ("P(tampered)", "slices") else "left"
            table.add_column(column, justify=justify, overflow="fold")
        as_found = self.scans <= MOST_ROWS
        for row in sorted(self._rows, key=lambda row: -row.before) if as_found else sorted(self._rows, reverse=True):
            table.add_row(
                escape(_folder(row.scan)), _coloured(row.scan.verdict), f"{row.scan.p_tampered:.3f}",
                str(row.scan.n_slices), escape(_strongest(row.scan)),
            )  # fmt: skip
        return table

    def _warnings(self) -> Iterator[str]:
        """Each once, with the folders that it is about unless it is about all."""
        for text, number in self._warned.items():
            folders = self._folders[text]
            more = f", and {number - MOST_FOLDERS} more" if number > MOST_FOLDERS else ""
            yield text if number == self.scans else f"{text}: {', '.join(folders)}{more}"
        if len(self._warned) == MOST_WARNINGS:
            yield f"more kinds of warnings than {MOST_WARNINGS} may be among these scans (--json has all)"


def _about_the_detector(model: Mapping[str, Any]) -> Iterator[str]:
    """Which one it was and why, what it was measured on, and what it cannot see."""
    if model["chosen"]:
        yield f"scored by {model['name']}: {model['chosen']}"
    if model["measured_on"]:
        yield f"measured on: {'; '.join(model['measured_on'])}"
    if model.get("calibration"):  # reports of before have none
        yield f"thresholds {SiteCalibration(**model['calibration']).sentence}"
    for alarms, what in ((model["false_alarms"], "scans"), (model["false_alarms_of_few"], "scans of few slices")):
        if alarms:
            yield f"false alarms: {FalseAlarms(**alarms).sentence(what)}"
    if model["blind_to"]:
        yield f"cannot see: {'; '.join(model['blind_to'])}"


def _without_slices(scan: ScanVerdict) -> ScanVerdict:
    """As much of a scan as a row needs."""
    return ScanVerdict(
        scan.scan_id, scan.patient_id, scan.p_tampered, scan.verdict, scan.n_slices, scan.sites, scan.slices[:1], ()
    )


def _folder(scan: ScanVerdict) -> str:
    return str(Path(scan.slices[0].file).parent)


def _coloured(verdict: str) -> str:
    colour = {"tampered": "red", "not tampered": "green"}.get(verdict, "yellow")
    return f"[{colour}]{verdict}[/{colour}]"


def _strongest(scan: ScanVerdict) -> str:
    if not scan.sites:
        return "-"
    return spot(max(scan.sites, key=lambda site: site.p_tampered))
