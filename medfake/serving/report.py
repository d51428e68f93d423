"""What a scan says, as JSON, CSV and a table."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from medfake.errors import ScanError
from medfake.files import path_text
from medfake.outputs import csv_format, json_format, open_output, write_json_output
from medfake.package.card import INTENDED_USE
from medfake.package.measured import FalseAlarms

if TYPE_CHECKING:
    from rich.console import Console

MOST_FOLDERS = 3  # named beside a warning; --json has all
CSV_COLUMNS = ("scan_id", "patient_id", "verdict", "scan_p_tampered", "file", "p_tampered")
JSON_OUTPUT = json_format("a scan report", frozenset({"model", "scans", "skipped"}))
CSV_OUTPUT = csv_format("a table of scored slices", CSV_COLUMNS)


@dataclass(frozen=True)
class SliceScore:
    """One file (or "file#frame") and its probability."""

    file: str
    p_tampered: float


@dataclass(frozen=True)
class SiteFound:
    """A suspicious place: the strongest slice of a run of suspicious ones; y and x in px."""

    slice_file: str
    z_mm: float
    y: float
    x: float
    p_tampered: float


@dataclass(frozen=True)
class PlaceFound:
    """Middle of a piece of tissue; y and x in px."""

    slice_file: str
    z_mm: float
    y: float
    x: float


@dataclass(frozen=True)
class CopyFound:
    """Lung tissue that stands twice in a scan; `pairs` spots of its noise agree. Either may be the copy."""

    one: PlaceFound
    other: PlaceFound
    pairs: int

    def sentence(self) -> str:
        """For a reader who will look at both."""
        return (
            f"lung tissue stands twice, at {_spot(self.one)} and at {_spot(self.other)} "
            f"({self.pairs} spots of noise agree): one of the two was copied"
        )


@dataclass(frozen=True)
class ScanVerdict:
    """One scan. Identifiers are keyed pseudonyms; `verdict` is "tampered", "not tampered" or "uncertain"."""

    scan_id: str
    patient_id: str
    p_tampered: float
    verdict: str
    n_slices: int
    sites: tuple[SiteFound, ...]
    slices: tuple[SliceScore, ...]
    warnings: tuple[str, ...]
    copies: tuple[CopyFound, ...] = ()


@dataclass(frozen=True)
class SkippedFile:
    """A file without a score, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class ScanReport:
    """Every input file is in exactly one of `slices` of a scan and `skipped`."""

    model: dict[str, Any]
    scans: tuple[ScanVerdict, ...]
    skipped: tuple[SkippedFile, ...]

    def require_scans(self, paths: Sequence[Path]) -> None:
        """Raise where there was nothing to score.

        Args:
            paths: That were scanned.

        Raises:
            ScanError: None of the files is a CT slice that could be scored.
        """
        if self.scans:
            return
        raise ScanError(
            "nothing to score", where=", ".join(map(path_text, paths)), received=reasons(self.skipped),
            remedy="give a folder that holds axial CT slices as DICOM files",
        )  # fmt: skip

    def write_json(self, path: Path) -> None:
        """Write the whole report; "-" is standard output. Raises as `open_output`."""
        write_json_output(path, JSON_OUTPUT, asdict(self))

    def write_csv(self, path: Path) -> None:
        """Write one row a slice; "-" is standard output. Raises as `open_output`."""
        with open_output(path, CSV_OUTPUT) as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(CSV_COLUMNS)
            for scan in self.scans:
                head = [scan.scan_id, scan.patient_id, scan.verdict, f"{scan.p_tampered:.6f}"]
                writer.writerows([*head, one.file, f"{one.p_tampered:.6f}"] for one in scan.slices)

    def render(self, console: "Console") -> None:
        """Print a table, copies, the warnings, what was skipped, and what this is not."""
        from rich.markup import escape
        from rich.table import Table

        table = Table(title=escape(f"{self.model['name']}: {self.model['detector']}"), title_justify="left")
        for column in ("folder", "verdict", "P(tampered)", "slices", "strongest place"):
            justify: Literal["left", "right"] = "right" if column in ("P(tampered)", "slices") else "left"
            table.add_column(column, justify=justify, overflow="fold")
        for scan in self.scans:
            table.add_row(
                escape(_folder(scan)), _coloured(scan.verdict), f"{scan.p_tampered:.3f}",
                str(scan.n_slices), escape(_place(scan)),
            )  # fmt: skip
        console.print(table)
        for scan in self.scans:
            for copy in scan.copies:
                console.print(f"{_folder(scan)}: {copy.sentence()}", style="red", highlight=False, markup=False)
        for warning in self._warnings():
            console.print(f"warning: {warning}", style="yellow", highlight=False, markup=False)
        if self.skipped:
            console.print(f"skipped {len(self.skipped)} files:", highlight=False)
            for one in self.skipped[:5]:
                console.print(f"  {one.path}: {one.reason}", highlight=False, markup=False)
            if len(self.skipped) > 5:
                console.print(f"  ... and {len(self.skipped) - 5} more (--json lists all)", highlight=False)
        for line in self._about_the_detector():
            console.print(line, style="dim", highlight=False, markup=False)
        console.print(INTENDED_USE, style="dim", highlight=False)

    def _about_the_detector(self) -> Iterator[str]:
        """Which one it was and why, what it was measured on, and what it cannot see."""
        model = self.model
        if model["chosen"]:
            yield f"scored by {model['name']}: {model['chosen']}"
        if model["measured_on"]:
            yield f"measured on: {'; '.join(model['measured_on'])}"
        for alarms, what in ((model["false_alarms"], "scans"), (model["false_alarms_of_few"], "scans of few slices")):
            if alarms:
                yield f"false alarms: {FalseAlarms(**alarms).sentence(what)}"
        if model["blind_to"]:
            yield f"cannot see: {'; '.join(model['blind_to'])}"

    def _warnings(self) -> Iterator[str]:
        """Each once, with the folders that it is about unless it is about all."""
        for text in dict.fromkeys(text for scan in self.scans for text in scan.warnings):
            folders = [_folder(scan) for scan in self.scans if text in scan.warnings]
            more = f", and {len(folders) - MOST_FOLDERS} more" if len(folders) > MOST_FOLDERS else ""
            about_all = len(folders) == len(self.scans)
            yield text if about_all else f"{text}: {', '.join(folders[:MOST_FOLDERS])}{more}"


def _folder(scan: ScanVerdict) -> str:
    return str(Path(scan.slices[0].file).parent)


def _coloured(verdict: str) -> str:
    colour = {"tampered": "red", "not tampered": "green"}.get(verdict, "yellow")
    return f"[{colour}]{verdict}[/{colour}]"


def _place(scan: ScanVerdict) -> str:
    if not scan.sites:
        return "-"
    return _spot(max(scan.sites, key=lambda site: site.p_tampered))


def _spot(place: SiteFound | PlaceFound) -> str:
    return f"{Path(place.slice_file).name} y {place.y:.0f} x {place.x:.0f}"


def reasons(skipped: Sequence[SkippedFile]) -> str:
    """Why files were skipped, counted, the most frequent first."""
    counts = Counter(one.reason for one in skipped).most_common(3)
    return "; ".join(f"{number} x {reason}" for reason, number in counts) or "an empty folder"
