"""What a scan says, as JSON, CSV and a table."""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from medfake.errors import ScanError
from medfake.files import json_text, path_text
from medfake.outputs import csv_format, json_format, open_output
from medfake.serving.suited import remedy_of
from medfake.vocabulary import Modality

if TYPE_CHECKING:
    from rich.console import Console

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
            f"lung tissue stands twice, at {spot(self.one)} and at {spot(self.other)} "
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

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ScanVerdict":
        """A scan as `asdict` and JSON have it."""
        copies = [(PlaceFound(**one["one"]), PlaceFound(**one["other"]), one["pairs"]) for one in value["copies"]]
        return cls(
            scan_id=value["scan_id"],
            patient_id=value["patient_id"],
            p_tampered=value["p_tampered"],
            verdict=value["verdict"],
            n_slices=value["n_slices"],
            sites=tuple(SiteFound(**one) for one in value["sites"]),
            slices=tuple(SliceScore(**one) for one in value["slices"]),
            warnings=tuple(value["warnings"]),
            copies=tuple(CopyFound(*one) for one in copies),
        )


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
            ScanError: None of the files is a slice that could be scored.
        """
        if not self.scans:
            raise nothing_to_score(paths, Counter(one.reason for one in self.skipped), Modality(self.model["modality"]))

    def write_json(self, path: Path) -> None:
        """Write the whole report; "-" is standard output. Raises as `open_output`."""
        write_report(path, self.model, map(asdict, self.scans), map(asdict, self.skipped))

    def write_csv(self, path: Path) -> None:
        """Write one row a slice; "-" is standard output. Raises as `open_output`."""
        write_table(path, map(asdict, self.scans))

    def render(self, console: "Console") -> None:
        """Print a table, copies, the warnings, what was skipped, and what this is not."""
        from medfake.serving.summary import Summary

        summary = Summary()
        for scan in self.scans:
            summary.add(scan)
        for one in self.skipped:
            summary.add_skipped(one)
        summary.render(console, self.model)


def write_report(
    path: Path, model: Mapping[str, Any], scans: Iterable[Mapping[str, Any]], skipped: Iterable[Mapping[str, Any]]
) -> None:
    """Write a scan report as JSON, byte-stable, without holding it; "-" is standard output. Raises as `open_output`."""
    with open_output(path, JSON_OUTPUT) as file:
        file.write(f'{{\n  "model": {_inner_json(model, 2)},\n  "scans": ')
        _write_list(file, scans)
        file.write(',\n  "skipped": ')
        _write_list(file, skipped)
        file.write("\n}\n")


def write_table(path: Path, scans: Iterable[Mapping[str, Any]]) -> None:
    """Write the scores of slices as CSV, a row each; "-" is standard output. Raises as `open_output`."""
    with open_output(path, CSV_OUTPUT) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        for scan in scans:
            head = [scan["scan_id"], scan["patient_id"], scan["verdict"], f"{scan['p_tampered']:.6f}"]
            writer.writerows([*head, one["file"], f"{one['p_tampered']:.6f}"] for one in scan["slices"])


def nothing_to_score(paths: Sequence[Path], skipped: Counter[str], modality: Modality = Modality.CT) -> ScanError:
    """What to raise where none of the files is a slice that could be scored.

    Args:
        paths: That were scanned.
        skipped: Reasons, counted.
        modality: Of the detector.
    """
    return ScanError(
        "nothing to score", where=", ".join(map(path_text, paths)), received=why_skipped(skipped),
        remedy=remedy_of(skipped, modality),
    )  # fmt: skip


def spot(place: SiteFound | PlaceFound) -> str:
    """A place of a scan in few words."""
    return f"{Path(place.slice_file).name} y {place.y:.0f} x {place.x:.0f}"


def reasons(skipped: Sequence[SkippedFile]) -> str:
    """As `why_skipped`, of files."""
    return why_skipped(Counter(one.reason for one in skipped))


def why_skipped(counts: Counter[str]) -> str:
    """Why files were skipped, counted, the most frequent first."""
    return "; ".join(f"{number} x {reason}" for reason, number in counts.most_common(3)) or "an empty folder"


def _write_list(file: IO[str], values: Iterable[Mapping[str, Any]]) -> None:
    separator = "[\n    "
    for value in values:
        file.write(separator + _inner_json(value, 4))
        separator = ",\n    "
    file.write("[]" if separator.startswith("[") else "\n  ]")


def _inner_json(value: Mapping[str, Any], indent: int) -> str:
    """A value of a larger document; a line end inside a text is never a raw one, so lines are what may be moved."""
    return json_text(value).rstrip("\n").replace("\n", "\n" + " " * indent)
