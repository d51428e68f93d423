"""`medfake monitor`: what was served beside what the detector knows; the work lives in medfake.serving.monitoring."""

import os
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from medfake.cli.json_option import json_option

if TYPE_CHECKING:
    from medfake.serving.monitoring.comparison import Comparison
    from medfake.serving.monitoring.recorder import Recorder

MOST_DAYS = 36_500
"""A hundred years; what is kept for longer is kept for good, and calendars end somewhere."""
_UNIT_DAYS = {"d": 1, "w": 7}
_DATABASE = (
    "Of the service: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME. Left out: $MEDFAKE_DATABASE, or where "
    "medfake serve keeps jobs when nobody says."
)


class Since(click.ParamType[date]):
    """A day, or so many days or weeks ago."""

    name = "DAYS"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """The first day that counts."""
        text = str(value)
        if found := re.fullmatch(r"(\d{1,5})([dw])", text):
            days = min(int(found[1]) * _UNIT_DAYS[found[2]], MOST_DAYS)
            return datetime.now(UTC).date() - timedelta(days=days)
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.fail(f"expected days or weeks as 30d or 4w, or a day as 2026-03-31, received {text!r}", param, ctx)


@click.group(invoke_without_command=True)
@click.option("--database", help=_DATABASE)
@click.option("--model", help="As of medfake scan; left out, the champion or else the built-in detector.")
@click.option("--since", type=Since(), help="What was served since then: 30d, 4w or a day. Left out: all.")
@click.option("--baseline", type=click.IntRange(min=1), metavar="N",
              help="Compare with the first N scans that it was served.")  # fmt: skip
@click.option("--reference", type=click.Path(path_type=Path, dir_okay=False),
              help="Compare with a reference.json of other scans than the package's own.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Draw it as one page of HTML.")
@json_option(any_name=True)
@click.option("--fail-on", type=click.Choice(["drift", "unknown"]), multiple=True,
              help="End with 15 where there is drift, or where nobody can say; all is written before.")  # fmt: skip
@click.pass_context
def monitor(
    context: click.Context, database: str | None, model: str | None, since: date | None, baseline: int | None,
    reference: Path | None, out: Path | None, json_file: Path | None, fail_on: tuple[str, ...],
) -> None:  # fmt: skip
    """Say whether the scans that were served look like those that the detector knows, and when to train it anew."""
    if context.invoked_subcommand is not None:
        return
    if baseline is not None and reference is not None:
        raise click.UsageError("--baseline and --reference are two things to compare with; give one")
    from rich.console import Console

    from medfake.outputs import check_output, is_standard_output
    from medfake.serving.model import open_here
    from medfake.serving.monitoring.monitor import monitor as compare
    from medfake.serving.monitoring.outputs import JSON_OUTPUT, PAGE_OUTPUT, write_comparison, write_page
    from medfake.serving.monitoring.terminal import next_lines, render

    outputs = [(file, kind) for file, kind in ((json_file, JSON_OUTPUT), (out, PAGE_OUTPUT)) if file]
    for file, kind in outputs:
        check_output(file, kind)
    found = compare(_recorder(database), open_here(model), since=since, reference=reference, baseline=baseline)
    taken = any(is_standard_output(file) for file, _ in outputs)
    render(found, Console(stderr=taken))
    if json_file:
        write_comparison(json_file, found)
    if out:
        write_page(out, found)
    _tell_written([file for file, _ in outputs])
    for line in next_lines(found):
        click.echo(line, err=taken)
    _fail(found, fail_on)


@monitor.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", help="As of medfake scan; left out, the champion or else the built-in detector.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", default=Path("reference.json"),
              show_default=True, help="Replaces an earlier one at most.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(min=1), default=os.cpu_count() or 1, help="Processes that read headers.")
def reference(paths: tuple[Path, ...], model: str | None, out: Path, jobs: int) -> None:
    """Score the untampered scans below PATHS and keep how they look, to compare served ones with."""
    from medfake.files import path_text
    from medfake.outputs import check_output, write_json_output
    from medfake.serving.model import open_here
    from medfake.serving.monitoring.known import reference_of_folder
    from medfake.serving.monitoring.outputs import REFERENCE_OUTPUT
    from medfake.serving.report import reasons

    check_output(out, REFERENCE_OUTPUT)
    made, skipped = reference_of_folder(paths, open_here(model), jobs)
    write_json_output(out, REFERENCE_OUTPUT, made.model_dump(mode="json"))
    if skipped:
        click.echo(f"skipped {len(skipped)} files: {reasons(skipped)}", err=True)
    click.echo(f"{made.of}: {path_text(out)}", err=True)
    click.echo(f"next: medfake monitor --reference {path_text(out)}", err=True)


@monitor.command()
@click.option(
    "--keep", type=click.IntRange(0, MOST_DAYS), required=True, metavar="DAYS", help="What is older is removed."
)
@click.option("--database", help=_DATABASE)
def prune(keep: int, database: str | None) -> None:
    """Remove what was recorded of scans that were served long ago."""
    removed = _recorder(database).prune(keep)
    click.echo(f"removed what was recorded of {removed} scan{'s' * (removed != 1)}\nnext: medfake monitor")


def _recorder(database: str | None) -> "Recorder":
    from medfake.serving.database import open_database
    from medfake.serving.default_places import default_database
    from medfake.serving.monitoring.recorder import Recorder

    return Recorder(open_database(database or default_database()))


def _tell_written(files: Sequence[Path]) -> None:
    from medfake.files import path_text
    from medfake.outputs import is_standard_output

    written = " ".join(path_text(file) for file in files if not is_standard_output(file))
    if written:
        click.echo(f"written: {written}", err=any(map(is_standard_output, files)))


def _fail(found: "Comparison", fail_on: tuple[str, ...]) -> None:
    from medfake.errors import DriftError
    from medfake.serving.monitoring.advice import DRIFT, UNKNOWN, advise

    advice = advise(found)
    asked = (*(DRIFT if "drift" in fail_on else ()), *(UNKNOWN if "unknown" in fail_on else ()))
    if advice.finding in asked:
        raise DriftError(advice.sentence.rstrip("."), received=advice.finding, remedy=advice.steps[0])
