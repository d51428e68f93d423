"""`medfake calibrate`: a threshold of a site's own, from scans that are known to be untampered."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from medfake.cli.finite import FiniteRange
from medfake.errors import printable

if TYPE_CHECKING:
    from medfake.serving.authentic_scans import AuthenticScans
    from medfake.serving.calibration import SiteCalibration

_MOST_WORDS = 4  # of makers, kernels and the like


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", help="As of medfake scan, which must then scan with the same one.")
@click.option(
    "--rate",
    type=FiniteRange(0, 1, min_open=True, max_open=True),
    default=0.05,
    show_default=True,
    help="Share of untampered patients who may be called tampered; 0.05 takes 19 patients, 0.01 takes 99.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("calibration.json"),
    show_default=True,
    help="File for medfake scan --calibration, in place of an earlier one at most; - is standard output.",
)
@click.option("--jobs", type=click.IntRange(min=1), help="As of medfake scan.")
def calibrate(folders: tuple[Path, ...], model: str | None, rate: float, out: Path, jobs: int | None) -> None:
    """Choose from which P(tampered) on this site's scans are called tampered.

    FOLDERS hold scans of this site that are known to be untampered, of patients that the detector has not learnt
    from. A patient counts by the strongest scan. What was forged among them unknown to anybody raises the threshold:
    look at the strongest scans of the table.
    """
    from rich.console import Console

    from medfake.outputs import check_output, is_standard_output
    from medfake.package.cores import usable_cores
    from medfake.serving.archive import How, most_jobs, scan_archive, suited
    from medfake.serving.authentic_scans import AuthenticScans
    from medfake.serving.calibration import CALIBRATION_OUTPUT, write_calibration
    from medfake.serving.journal import open_journal
    from medfake.serving.model import describe, open_here
    from medfake.serving.record import Record, count_files
    from medfake.serving.report import nothing_to_score

    check_output(out, CALIBRATION_OUTPUT)
    taken, own = is_standard_output(out), {out.resolve()}
    detector = open_here(model)
    jobs = jobs or min(usable_cores(), most_jobs(detector.card.modality))
    detector = suited(folders, detector, jobs, own)
    authentic = AuthenticScans()
    with open_journal(None, detector) as journal:
        record = Record(journal)
        how = How(detector, jobs, jobs, digests_pixels=True)
        record.take_all(authentic.passing(scan_archive(folders, how, own)), count_files(folders, own))
        if not record.summary.scans:
            raise nothing_to_score(folders, record.summary.reasons, detector.card.modality)
        record.summary.render(Console(stderr=taken), describe(detector))
    made = authentic.calibration(detector, rate)
    write_calibration(made, out)
    _tell(made, authentic, detector.card.sources, taken=taken)
    if not taken:
        _tell_next(out, model)


def _tell(made: "SiteCalibration", authentic: "AuthenticScans", sources: Sequence[str], *, taken: bool) -> None:
    """Which thresholds, what they promise, of what scans, and what was left out."""
    low, high, before = made.after.low, made.after.high, made.before
    lines = [
        f"tampered from P {high:.4g} on (the detector's own: {before.high:.4g})",
        f"not tampered below {low:.4g} (the detector's own: {before.low:.4g})",
        made.sentence,
        f"{made.reached} of these patients reach the new threshold",
        f"this holds for scans like these, of patients that the detector has not learnt from: {_mix(made)}",
    ]
    if sources:
        lines.append(f"it has learnt from {'; '.join(sources)}")
    if low == high:
        lines.append("no scan is uncertain for its P alone any more")
    if len(made.mix.slices) > 1:
        lines.append(
            "warning: scans of few slices and of many are among them, and detectors alarm of them unequally often; the "
            "rate holds for this mixture, and a folder of one kind gives a threshold of its own"
        )
    if made.unnamed_scans:
        lines.append(
            f"warning: the headers of {made.unnamed_scans} scans name no patient, so that each folder of them counts "
            "as one; where they are fewer, the interval is too narrow"
        )
    if authentic.left_out:
        lines.append(f"left out: {authentic.left_out}")
    for line in lines:
        click.echo(printable(line), err=taken)


def _mix(made: "SiteCalibration") -> str:
    mix = made.mix
    kinds = (("maker", mix.manufacturers), ("kernel", mix.kernels), ("mm", mix.thickness_mm), ("slices", mix.slices))
    return "; ".join(f"{name} {_counted(counts)}" for name, counts in kinds)


def _counted(counts: dict[str, int]) -> str:
    """The most frequent words with their counts; the file has all."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    more = len(ordered) - _MOST_WORDS
    told = ", ".join(f"{word} ({count})" for word, count in ordered[:_MOST_WORDS])
    return f"{told}, and {more} more" if more > 0 else told


def _tell_next(out: Path, model: str | None) -> None:
    import shlex

    from medfake.files import path_text

    name = path_text(out)
    asked = f" --model {printable(shlex.quote(model))}" if model else ""
    click.echo(f"written: {name}")
    click.echo(f"next: medfake scan PATH{asked} --calibration {shlex.quote(name)}")
