"""`medfake pacs queue`, `retry` and `forget`: what is under way, and what was given up."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from medfake.cli.json_option import json_option, write_listing
from medfake.cli.pacs_options import places_of, places_options, same_queue, settings_of
from medfake.cli.pacs_series import COLUMNS, row_of, words_of
from medfake.cli.tables import print_columns, terminal_width

if TYPE_CHECKING:
    from medfake.pacs.series_queue import SeriesQueue
    from medfake.pacs.station import Places

_FEWEST = 4  # digits of an id that are enough


@click.command()
@places_options
@click.option("--all", "everything", is_flag=True, help="Those that are done, too.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Of rows, latest first.")
@json_option()
def queue(
    file: Path | None, data: Path | None, database: str | None, everything: bool, limit: int, json_file: Path | None
) -> None:
    """List series under way and those that were given up (the dead-letter list)."""
    from medfake.files import path_text
    from medfake.outputs import json_format
    from medfake.pacs.queued_series import UNDER_WAY, State

    settings_of(file)
    places = places_of(data, database, None)
    if not _is_there(places):
        if write_listing(json_file, json_format("a queue of series", COLUMNS), []):
            click.echo(f"there is no queue in {path_text(places.data)} yet: no series has come")
            click.echo("next: medfake pacs listen, or watch; --data FOLDER where the queue is elsewhere")
        return
    series = _queue(places)
    states = tuple(State) if everything else (*UNDER_WAY, State.DEAD)
    found = series.rows(states, limit)
    if not write_listing(json_file, json_format("a queue of series", COLUMNS), [row_of(one) for one in found]):
        return
    if found:
        print_columns([words_of(one) for one in found], terminal_width())
    counts = series.counts()
    click.echo(", ".join(f"{counts[state]} {state}" for state in State))
    if counts[State.DEAD]:
        same = same_queue(data, database)
        click.echo(f"next: medfake pacs retry ID{same}, or forget ID{same}; the first digits of an id are enough")


@click.command()
@places_options
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def retry(file: Path | None, data: Path | None, database: str | None, ids: tuple[str, ...]) -> None:
    """Try series of the dead-letter list anew, where they were given up."""
    settings_of(file)
    series = _queue(places_of(data, database, None))
    for one in [_given_up(series, prefix) for prefix in ids]:
        series.revive(one)
        click.echo(f"{one} is tried again")
    click.echo(f"next: medfake pacs listen{same_queue(data, database)}, or watch, where neither runs")


@click.command()
@places_options
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def forget(file: Path | None, data: Path | None, database: str | None, ids: tuple[str, ...]) -> None:
    """Remove series of the dead-letter list with all that is kept of them."""
    from medfake.serving.scoring import job_files

    settings_of(file)
    places = places_of(data, database, None)
    series = _queue(places)
    for one in [_given_up(series, prefix) for prefix in ids]:
        job_files.remove(places.data / "series" / one)
        series.forget(one)  # last, so that whoever is cut off before it can forget it again
        click.echo(f"{one} is forgotten")
    click.echo(f"next: medfake pacs queue{same_queue(data, database)}")


def _given_up(queue: "SeriesQueue", prefix: str) -> str:
    """The id in the dead-letter list that begins so."""
    from medfake.errors import ScanError

    if len(prefix) < _FEWEST:
        raise ScanError(
            f"an id is told by its first {_FEWEST} digits, or more", received=f"{len(prefix)} digits",
            remedy="medfake pacs queue lists them",
        )  # fmt: skip
    found = queue.given_up(prefix)
    if len(found) != 1:
        several = "several series that were given up begin with this id"
        raise ScanError(
            several if found else "no series of this id was given up", where=prefix,
            received=", ".join(found) or None, remedy="medfake pacs queue lists them",
        )  # fmt: skip
    return found[0]


def _is_there(places: "Places") -> bool:
    """Whether there is a database, which looking at it would make."""
    from medfake.tracking.store_errors import SQLITE

    return not places.database.startswith(SQLITE) or Path(places.database.removeprefix(SQLITE)).exists()


def _queue(places: "Places") -> "SeriesQueue":
    from medfake.errors import ScanError
    from medfake.pacs.series_queue import SeriesQueue
    from medfake.serving.database import open_database

    if not _is_there(places):
        raise ScanError(
            "there is no queue here yet", where=places.data,
            remedy="--data FOLDER, or --database, where it is elsewhere; medfake pacs listen, or watch, makes one",
        )  # fmt: skip

    return SeriesQueue(open_database(places.database), places.database, "", 1.0)
