"""`medfake scan`: a verdict for every CT series of a folder, an archive, or of what arrives; the work is in serving."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from medfake.cli.finite import FiniteRange
from medfake.cli.json_option import json_option

if TYPE_CHECKING:
    from medfake.serving.archive import How
    from medfake.serving.calibration import SiteCalibration
    from medfake.serving.model import Model
    from medfake.serving.record import Record
    from medfake.serving.report import ScanVerdict
    from medfake.vocabulary import Modality

_ALARMS = ("tampered", "uncertain", "skipped")


@dataclass(frozen=True)
class _Outputs:
    """Files and folders that the command writes; None where one was not asked for."""

    json: Path | None
    csv: Path | None
    jsonl: Path | None
    overlays: Path | None

    def check(self) -> None:
        """Refuse what cannot or must not be written, before any work is done."""
        from medfake.outputs import check_output, is_standard_output
        from medfake.serving.journal import check_journal
        from medfake.serving.report import CSV_OUTPUT, JSON_OUTPUT

        if self.json:
            check_output(self.json, JSON_OUTPUT)
        if self.csv:
            check_output(self.csv, CSV_OUTPUT)
        if self.jsonl:
            if is_standard_output(self.jsonl):
                raise click.UsageError("--jsonl needs a file, because the same command goes on with it after a kill")
            check_journal(self.jsonl)
        files = [file for file in (self.json, self.csv, self.jsonl) if file]
        if len({file.resolve() for file in files}) < len(files):
            raise click.UsageError("--json, --csv and --jsonl: two of them name the same file")

    @property
    def taken(self) -> bool:
        """Whether standard output is."""
        from medfake.outputs import is_standard_output

        return any(is_standard_output(file) for file in (self.json, self.csv) if file)

    @property
    def own(self) -> set[Path]:
        """Places that are no input though they may lie among the scans."""
        from medfake.serving.journal import lock_of

        places = {path.resolve() for path in (self.json, self.csv, self.jsonl, self.overlays) if path}
        return places | ({lock_of(self.jsonl.resolve())} if self.jsonl else set())

    @property
    def named(self) -> str:
        """Those that are there in the end, to be told."""
        from medfake.files import path_text
        from medfake.outputs import is_standard_output

        files = [file for file in (self.json, self.csv, self.jsonl) if file and not is_standard_output(file)]
        folders = [self.overlays] if self.overlays and self.overlays.exists() else []
        return " ".join(map(path_text, [*files, *folders]))


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--model",
    help="Version, alias, package folder, .onnx file, or builtin; left out, the champion or else the built-in.",
)
@click.option(
    "--calibration",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Of this site, by medfake calibrate: its threshold instead of the detector's own.",
)
@json_option(any_name=True)
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), help="Write one row a slice here; - as for --json.")
@click.option(
    "--jsonl",
    type=click.Path(path_type=Path),
    help="Write a line here as soon as a scan is done; the same command goes on where a killed one was.",
)
@click.option(
    "--overlays",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Draw the strongest slices of every scan under the detector's map, as PNGs named by pseudonym.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Processes that score scans side by side; left out, one a core where there are "
    "scans enough, 16 at most, of radiographs 4.",
)
@click.option("--dask", metavar="ADDRESS", help="Dask scheduler whose workers score; they must see the same files.")
@click.option(
    "--watch",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Scan what arrives below FOLDER, until Ctrl-C; needs --jsonl.",
)
@click.option(
    "--settle",
    type=FiniteRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="With --watch: a folder is scanned when nothing in it has changed for so long.",
)
@click.option(
    "--fail-on",
    type=click.Choice(_ALARMS),
    multiple=True,
    help="Exit with 14 where a scan has this verdict, or a file was skipped; may be given several times.",
)
def scan(
    paths: tuple[Path, ...], model: str | None, calibration: Path | None, json_file: Path | None,
    csv_file: Path | None, jsonl: Path | None, overlays: Path | None, jobs: int | None, dask: str | None,
    watch: Path | None, settle: float, fail_on: tuple[str, ...],
) -> None:  # fmt: skip
    """Say of every scan below PATHS whether it was tampered with: CT series, or what else the detector learnt from."""
    _check_usage(paths, watch, jsonl, json_file or csv_file)
    if watch is not None and not watch.is_dir():
        raise _no_folder(watch)
    outputs = _Outputs(json_file, csv_file, jsonl, overlays)
    outputs.check()
    from medfake.package.cores import usable_cores
    from medfake.serving.archive import most_jobs
    from medfake.serving.calibration import read_calibration
    from medfake.serving.journal import open_journal
    from medfake.serving.model import describe, open_here
    from medfake.serving.record import Record

    site = read_calibration(calibration) if calibration else None
    detector = open_here(model)
    jobs = jobs or min(usable_cores(), most_jobs(detector.card.modality))
    detector = _suited(detector, site, paths if watch is None else None, jobs, outputs)
    with open_journal(jsonl, detector) as journal:
        record = Record(journal)
        how = _how(detector, record, outputs, jobs, dask)
        if watch:
            _watch(watch, settle, record, how, outputs)
        else:
            _scan(paths, record, how, outputs)
            _write(record, outputs, describe(detector))
        _end(paths, record, outputs, how.model.card.modality, watching=watch is not None)
    _alarm(record, fail_on)


def _check_usage(paths: Sequence[Path], watch: Path | None, jsonl: Path | None, report: Path | None) -> None:
    if watch is None:
        if not paths:
            raise click.UsageError("Missing argument 'PATHS...'.")
        return
    if paths:
        raise click.UsageError("--watch names the folder itself; leave PATHS out")
    if jsonl is None:
        raise click.UsageError("--watch needs --jsonl FILE, where a verdict stands as soon as a scan has arrived")
    if report is not None:
        raise click.UsageError("--watch has no end to write --json or --csv at; without --watch, and with the same "
                               "--jsonl FILE, they are written in a moment")  # fmt: skip


def _no_folder(watch: Path) -> Exception:
    from medfake.errors import ScanError
    from medfake.files import path_text

    return ScanError("there is no such folder to watch", where=path_text(watch), remedy=f"mkdir -p {path_text(watch)}")


def _suited(
    detector: "Model", site: "SiteCalibration | None", paths: Sequence[Path] | None, jobs: int, outputs: _Outputs
) -> "Model":
    """The detector for these scans, or for whatever comes; one that is calibrated for the site stays."""
    from medfake.serving.archive import suited
    from medfake.serving.calibration import calibrated

    if site is None or not site.is_of(detector):
        detector = detector.suited_to_whatever_comes() if paths is None else suited(paths, detector, jobs, outputs.own)
    return detector if site is None else calibrated(detector, site)


def _how(detector: "Model", record: "Record", outputs: _Outputs, jobs: int, dask: str | None) -> "How":
    from medfake.serving.archive import How

    pictures = None
    if outputs.overlays:
        from medfake.serving.pictures import Pictures

        method = "own-map" if detector.scorer.scorer.gives_places else "occlusion"  # Grad-CAM would load TensorFlow
        pictures = Pictures(outputs.overlays, "--overlays", detector.folder, method)
        pictures.check()
    return How(detector, jobs, jobs, dask, pictures, record.journal)


def _scan(paths: Sequence[Path], record: "Record", how: "How", outputs: _Outputs) -> None:
    from rich.console import Console

    from medfake.serving.archive import scan_archive
    from medfake.serving.model import describe
    from medfake.serving.record import count_files

    record.take_all(scan_archive(paths, how, outputs.own), count_files(paths, outputs.own))
    if record.summary.scans:  # before files are written: a disk that has become full loses no verdict
        record.summary.render(Console(stderr=outputs.taken), describe(how.model))


def _write(record: "Record", outputs: _Outputs, model: dict[str, object]) -> None:
    from medfake.serving.report import write_report, write_table

    if outputs.json:
        write_report(outputs.json, model, record.journal.scans(), record.journal.skipped())
    if outputs.csv:
        write_table(outputs.csv, record.journal.scans())


def _watch(root: Path, settle_s: float, record: "Record", how: "How", outputs: _Outputs) -> None:
    from medfake.files import path_text
    from medfake.serving.watch import Arrivals, watch

    def tell(text: str) -> None:
        click.echo(text, err=True)

    def show(scan: "ScanVerdict") -> None:
        click.echo(f"{Path(scan.slices[0].file).parent}: {scan.verdict}, P(tampered) {scan.p_tampered:.3f}")

    arrivals = Arrivals(root, record.journal, settle_s, outputs.own, tell)
    tell(f"watching {path_text(root)}; Ctrl-C ends it")
    watch(arrivals, how, record, show)
    tell(f"stopped; {arrivals.waiting} folders had not come to rest")


def _end(paths: Sequence[Path], record: "Record", outputs: _Outputs, modality: "Modality", *, watching: bool) -> None:
    """What was done before, where it is, and what to type next."""
    from medfake.serving.report import nothing_to_score

    kept, taken = record.journal.scans_kept, outputs.taken
    if kept:
        click.echo(f"{kept} of {record.summary.scans} scans were done before and are as they were", err=taken)
    if not record.summary.scans and not watching:
        raise nothing_to_score(paths, record.summary.reasons, modality)
    if outputs.named:
        click.echo(f"written: {outputs.named}", err=taken)
    elif not taken:
        click.echo("next: the same with --json FILE for every slice and site")
    if outputs.jsonl:
        click.echo("next: the same command again scans what is new or has changed", err=taken)


def _alarm(record: "Record", fail_on: Sequence[str]) -> None:
    from medfake.errors import AlarmError

    counts = {**record.summary.verdicts, "skipped": record.summary.skipped}
    found = [f"{counts[word]} {word}" for word in dict.fromkeys(fail_on) if counts.get(word)]
    if found:
        raise AlarmError(
            f"--fail-on {' --fail-on '.join(dict.fromkeys(fail_on))}: there are such",
            received=", ".join(found), remedy="medfake explain PATH draws what the detector looks at",
        )  # fmt: skip
