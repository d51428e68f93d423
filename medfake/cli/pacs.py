"""`medfake pacs`: inside of a PACS; the work lives in medfake.pacs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from medfake.cli.json_option import json_option, write_listing
from medfake.cli.tables import print_columns, terminal_width

if TYPE_CHECKING:
    import threading
    from datetime import datetime

    from medfake.pacs.queued_series import QueuedSeries
    from medfake.pacs.series_queue import SeriesQueue
    from medfake.pacs.settings import PacsSettings
    from medfake.pacs.station import Places, Station

_SHORT = 12  # digits of an id that lists show
_DRY_QUEUE = ".queue"
_NOTE = "research use only, not a diagnostic device"
_COLUMNS = ("id", "state", "modality", "caller", "files", "verdict", "p_tampered", "tries", "changed", "reason")
_config = click.option(
    "--config", "file", type=click.Path(path_type=Path), help="Left out: pacs.yaml of this folder, if there is one."
)
_data = click.option(
    "--data", type=click.Path(path_type=Path),
    help="Folder of series under way. Left out: .medfake/pacs of the project, or this user's own.",
)  # fmt: skip
_database = click.option(
    "--database",
    help="Of the queue: sqlite:///FILE or postgresql://USER@HOST/NAME. Left out: $MEDFAKE_DATABASE, or below --data.",
)
_dry_run = click.option(
    "--dry-run", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
    help="Keep results in FOLDER, with a queue of their own, and send nothing.",
)  # fmt: skip


def _places_options(command: Any) -> Any:
    return _config(_data(_database(command)))


@click.group(help=f"Take scans from a PACS and send verdicts back as DICOM: {_NOTE}.")
def pacs() -> None:
    """The group."""


@pacs.command()
@click.argument("file", type=click.Path(path_type=Path), default=Path("pacs.yaml"))
def init(file: Path) -> None:
    """Write FILE (pacs.yaml) with all settings and what they mean."""
    from medfake.outputs import open_output
    from medfake.pacs.settings import EXAMPLE_OUTPUT, example

    with open_output(file, EXAMPLE_OUTPUT) as out:
        out.write(example())
    click.echo(f"written: {file}")
    click.echo(f"next: edit listen.callers and archive.dicomweb in {file}, then medfake pacs listen")


@pacs.command()
@_places_options
@_dry_run
@click.option("--port", type=click.IntRange(0, 65_535), help="In place of listen.port; 0 takes a free one.")
@click.option("--caller", "callers", multiple=True, metavar="AET", help="Let in beside listen.callers.")
def listen(
    file: Path | None, data: Path | None, database: str | None, dry_run: Path | None, port: int | None,
    callers: tuple[str, ...],
) -> None:  # fmt: skip
    """Take series by C-STORE, judge them, and send the verdicts to the PACS, until Ctrl-C or SIGTERM."""
    settings, places = _with_listen(_settings(file), port, callers), _places(data, database, dry_run)
    from medfake.pacs.inlets import Listening

    with _until_signal() as ended, _running(settings, places) as station, Listening(station) as listening:
        own = settings.listen
        click.echo(f"listening: {own.aet} at {own.host} port {listening.port} for {', '.join(own.callers)}")
        _serve(station, dry_run, ended)


@pacs.command()
@_places_options
@_dry_run
def watch(file: Path | None, data: Path | None, database: str | None, dry_run: Path | None) -> None:
    """Look for new series in the PACS (DICOMweb), judge them, and send the verdicts back, until Ctrl-C or SIGTERM."""
    settings, places = _settings(file), _places(data, database, dry_run)
    from medfake.pacs.inlets import Fetching, Watching

    with _until_signal() as ended, _running(settings, places) as station, Fetching(station), Watching(station):
        days = settings.watch.look_back_days
        since = "of any day" if days is None else f"of studies of the last {days} days and later"
        click.echo(
            f"watching: {', '.join(settings.watch.modalities)} series {since}, every {settings.watch.every_s:g} s"
        )
        _serve(station, dry_run, ended)


@pacs.command()
@_places_options
@_dry_run
@click.option("--study", required=True, metavar="UID", help="Study Instance UID.")
@click.option("--series", metavar="UID", help="One series of it; left out, all of CT, MR and X-ray.")
def scan(
    file: Path | None, data: Path | None, database: str | None, dry_run: Path | None, study: str, series: str | None
) -> None:
    """Fetch a study from the PACS, judge it, and send the verdicts back."""
    from dataclasses import replace

    from medfake.errors import PacsError, ScanError
    from medfake.logs import register_identifier
    from medfake.pacs.inlets import Fetching, ask_for, wait_for
    from medfake.pacs.queued_series import State

    register_identifier(study)
    register_identifier(series or "")
    settings, places = _settings(file), replace(_places(data, database, dry_run), tell=lambda _: None)
    with _running(settings, places) as station:
        asked = list(ask_for(station, study, series))
        if not asked:
            raise ScanError(
                "the PACS has no such series", where="--study, --series",
                remedy="see that the UIDs are those of a study with images of CT, MR or X-ray",
            )  # fmt: skip
        click.echo(f"{len(asked)} series to fetch and judge ({_NOTE})")
        with Fetching(station):
            given_up = []
            for one in wait_for(station, asked):
                click.echo(_line(one))
                given_up += [one] if one.state is State.DEAD else []
    if given_up:
        raise PacsError(
            "series were given up", where=", ".join(one.id[:_SHORT] for one in given_up),
            received=given_up[0].reason, remedy="medfake pacs retry ID, or medfake pacs forget ID",
        )  # fmt: skip
    click.echo("next: medfake pacs queue --all, or look at the study in the PACS")


@pacs.command()
@_places_options
@click.option("--all", "everything", is_flag=True, help="Those that are done, too.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Of rows, latest first.")
@json_option()
def queue(
    file: Path | None, data: Path | None, database: str | None, everything: bool, limit: int, json_file: Path | None
) -> None:
    """List series under way and those that were given up (the dead-letter list)."""
    from medfake.outputs import json_format
    from medfake.pacs.queued_series import UNDER_WAY, State

    _settings(file)
    series = _queue(_places(data, database, None))
    states = tuple(State) if everything else (*UNDER_WAY, State.DEAD)
    found = series.rows(states, limit)
    if not write_listing(json_file, json_format("a queue of series", _COLUMNS), [_row(one) for one in found]):
        return
    if found:
        print_columns([_words(one) for one in found], terminal_width())
    counts = series.counts()
    click.echo(", ".join(f"{counts[state]} {state}" for state in State))
    if counts[State.DEAD]:
        click.echo("next: medfake pacs retry ID, or medfake pacs forget ID; the first digits of an id are enough")


@pacs.command()
@_places_options
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def retry(file: Path | None, data: Path | None, database: str | None, ids: tuple[str, ...]) -> None:
    """Try series of the dead-letter list anew, where they were given up."""
    _settings(file)
    series = _queue(_places(data, database, None))
    for one in [_given_up(series, prefix) for prefix in ids]:
        series.revive(one)
        click.echo(f"{one} is tried again")
    click.echo("next: medfake pacs listen, or watch, where neither runs")


@pacs.command()
@_places_options
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def forget(file: Path | None, data: Path | None, database: str | None, ids: tuple[str, ...]) -> None:
    """Remove series of the dead-letter list with all that is kept of them."""
    from medfake.serving.scoring import job_files

    _settings(file)
    places = _places(data, database, None)
    series = _queue(places)
    for one in [_given_up(series, prefix) for prefix in ids]:
        job_files.remove(places.data / "series" / one)
        series.forget(one)  # last, so that whoever is cut off before it can forget it again
        click.echo(f"{one} is forgotten")
    click.echo("next: medfake pacs queue")


def _given_up(queue: "SeriesQueue", prefix: str) -> str:
    """The id in the dead-letter list that begins so."""
    from medfake.errors import ScanError

    found = queue.given_up(prefix)
    if len(found) != 1:
        several = "several series that were given up begin with this id"
        raise ScanError(
            several if found else "no series of this id was given up", where=prefix,
            received=", ".join(found) or None, remedy="medfake pacs queue lists them",
        )  # fmt: skip
    return found[0]


def _settings(file: Path | None) -> "PacsSettings":
    from medfake.pacs.settings import read_settings, require_installed

    require_installed()
    return read_settings(file)


def _with_listen(settings: "PacsSettings", port: int | None, callers: tuple[str, ...]) -> "PacsSettings":
    """The settings with what options say; somebody has to be let in."""
    from medfake.errors import ConfigError
    from medfake.pacs.settings import Listen

    listening = settings.listen.model_dump() | ({} if port is None else {"port": port})
    listening["callers"] = tuple(dict.fromkeys((*settings.listen.callers, *callers)))
    if not listening["callers"]:
        raise ConfigError(
            "nobody would be let in", where="pacs.yaml, listen.callers",
            remedy="listen: {callers: [ORTHANC]}, or medfake pacs listen --caller ORTHANC",
        )  # fmt: skip
    from medfake.config.reading import validate

    return settings.model_copy(update={"listen": validate(Listen, listening, "pacs.yaml", ("listen",))})


def _places(data: Path | None, database: str | None, dry_run: Path | None) -> "Places":
    """Where things are; a dry run has a queue of its own, so that neither takes the other's series."""
    from medfake.pacs.station import Places
    from medfake.serving.default_places import default_database, default_folder
    from medfake.tracking.store_errors import SQLITE

    def tell(series: "QueuedSeries") -> None:
        click.echo(_line(series))

    if dry_run is not None:
        if data or database:
            raise click.UsageError("a dry run keeps its queue in its own FOLDER: leave --data and --database out")
        own = dry_run.absolute() / _DRY_QUEUE
        return Places(own, f"{SQLITE}{own / 'service.db'}", dry_run.absolute(), tell)
    folder = (data or default_folder("pacs")).absolute()
    return Places(folder, database or default_database(folder), None, tell)


def _queue(places: "Places") -> "SeriesQueue":
    from medfake.pacs.series_queue import SeriesQueue
    from medfake.serving.database import open_database

    return SeriesQueue(open_database(places.database), places.database, "", 1.0)


@contextmanager
def _until_signal() -> "Iterator[threading.Event]":
    """Is set by SIGTERM, or Ctrl-C, which is the usual end and no failure."""
    import signal
    import threading

    ended = threading.Event()
    kinds = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(kind, lambda *_: ended.set()) for kind in kinds]
    try:
        yield ended
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


@contextmanager
def _running(settings: "PacsSettings", places: "Places") -> "Iterator[Station]":
    import logging
    import os

    from medfake.pacs.station import Station

    os.umask(0o077)
    logging.getLogger("medfake").setLevel(logging.INFO)
    with Station(settings, places) as station:
        yield station


def _serve(station: "Station", dry_run: Path | None, ended: "threading.Event") -> None:
    """Say what happens, and let it happen until the end."""
    station.wait_until_ready(60.0, ended)
    where = f"the folder {dry_run}" if dry_run else "the PACS"
    click.echo(f"judging with {station.detector}; results go to {where} ({_NOTE})")
    click.echo("next: medfake pacs queue lists what is under way; Ctrl-C ends it")
    while not ended.wait(1.0):
        pass


def _row(series: "QueuedSeries") -> dict[str, Any]:
    values = {name: getattr(series, name) for name in _COLUMNS}
    values |= {"state": str(series.state), "changed": _when(series).isoformat(timespec="seconds")}
    return values


def _words(series: "QueuedSeries") -> tuple[str, ...]:
    """A series as a line of a list."""
    verdict = f"{series.verdict} {series.p_tampered:.3f}" if series.verdict else "no verdict"
    came = f"{series.files} files" if series.expected is None else f"{series.files} of {series.expected} files"
    state = f"{series.state}, {series.died}" if series.died else str(series.state)
    when = _when(series).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    from_whom = series.caller or f"({series.origin})"
    return (
        series.id[:_SHORT], when, from_whom, series.modality or "-", came, state, verdict, series.reason or "-",
    )  # fmt: skip


def _when(series: "QueuedSeries") -> "datetime":
    from datetime import UTC, datetime

    return datetime.fromtimestamp(series.changed, UTC)


def _line(series: "QueuedSeries") -> str:
    """What became of a series, in a line."""
    if series.verdict is None:
        return f"{series.id[:_SHORT]}: {series.state}, no verdict: {series.reason or 'nothing could be judged'}"
    told = f"{series.verdict}, P {series.p_tampered:.3f}; {series.sent} objects, {series.state}"
    return f"{series.id[:_SHORT]}: {told}{f'; {series.reason}' if series.reason else ''}"
