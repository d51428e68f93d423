"""`medfake pacs`: inside of a PACS; the work lives in medfake.pacs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from medfake.cli.pacs_options import dry_run_option, places_of, places_options, same_queue, settings_of
from medfake.cli.pacs_queue import forget, queue, retry
from medfake.cli.pacs_series import SHORT, line_of

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from medfake.pacs.queued_series import QueuedSeries
    from medfake.pacs.settings import PacsSettings
    from medfake.pacs.station import Places, Station

_LONGEST_LINE = 1000
_NOTE = "research use only, not a diagnostic device"


@click.group(help=f"Take scans from a PACS and send verdicts back as DICOM: {_NOTE}.")
def pacs() -> None:
    """The group."""


for _command in (queue, retry, forget):
    pacs.add_command(_command)


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
@places_options
@dry_run_option
@click.option("--port", type=click.IntRange(0, 65_535), help="In place of listen.port; 0 takes a free one.")
@click.option("--caller", "callers", multiple=True, metavar="AET", help="Let in beside listen.callers.")
def listen(
    file: Path | None, data: Path | None, database: str | None, dry_run: Path | None, port: int | None,
    callers: tuple[str, ...],
) -> None:  # fmt: skip
    """Take series by C-STORE, judge them, and send the verdicts to the PACS, until Ctrl-C or SIGTERM."""
    settings, places = _with_listen(settings_of(file), port, callers), places_of(data, database, dry_run)
    from medfake.pacs.inlets import Listening

    with _until_signal() as ended, _judging(settings, places, ended) as station, Listening(station) as listening:
        own = settings.listen
        click.echo(f"listening: {own.aet} at {own.host} port {listening.port} for {', '.join(own.callers)}")
        _serve(station, dry_run, same_queue(data, database, dry_run), ended)


@pacs.command()
@places_options
@dry_run_option
def watch(file: Path | None, data: Path | None, database: str | None, dry_run: Path | None) -> None:
    """Look for new series in the PACS (DICOMweb), judge them, and send the verdicts back, until Ctrl-C or SIGTERM."""
    settings, places = settings_of(file), places_of(data, database, dry_run)
    from medfake.pacs.inlets import Fetching, Watching

    with (
        _until_signal() as ended, _judging(settings, places, ended) as station, Fetching(station), Watching(station),
    ):  # fmt: skip
        days = settings.watch.look_back_days
        since = "of any day" if days is None else f"of studies of the last {days} days and later"
        click.echo(
            f"watching: {', '.join(settings.watch.modalities)} series {since}, every {settings.watch.every_s:g} s"
        )
        _serve(station, dry_run, same_queue(data, database, dry_run), ended)


@pacs.command()
@places_options
@dry_run_option
@click.option(
    "--study",
    required=True,
    metavar="UID",
    help="Study Instance UID; - reads it from standard input, as all users of a machine see arguments.",
)
@click.option("--series", metavar="UID", help="One series of it, or -; left out, all of CT, MR and X-ray.")
@click.option(
    "--wait", "patience_s", type=click.FloatRange(min=1), default=600.0, show_default=True, metavar="SECONDS",
    help="For which nothing may happen to any of the series.",
)  # fmt: skip
def scan(
    file: Path | None, data: Path | None, database: str | None, dry_run: Path | None, study: str, series: str | None,
    patience_s: float,
) -> None:  # fmt: skip
    """Fetch a study from the PACS, judge it, and send the verdicts back."""
    import threading
    from dataclasses import replace

    from medfake.errors import ScanError
    from medfake.files import path_text
    from medfake.pacs.asked_series import wait_for
    from medfake.pacs.inlets import Fetching, ask_for
    from medfake.pacs.startup_checks import require_detector

    settings = settings_of(file)
    study_uid, series_uid = _uid(study, "--study"), None if series is None else _uid(series, "--series")
    places = replace(places_of(data, database, dry_run), tell=lambda _: None)
    with _running(settings, places) as station:
        require_detector(station, threading.Event())  # Ctrl-C ends it as it ends any command
        asked = list(ask_for(station, study_uid, series_uid))
        if not asked:
            raise ScanError(
                "the PACS has no such series", where="--study, --series",
                remedy="see that the UIDs are those of a study with images of CT, MR or X-ray",
            )  # fmt: skip
        click.echo(f"{len(asked)} series to fetch and judge ({_NOTE})")
        with Fetching(station):
            came = []
            for one in wait_for(station.queue, asked, patience_s, _say_failing):
                click.echo(line_of(one))
                came.append(one)
    _require_judged(came)
    results = f"at the results in {path_text(dry_run)}" if dry_run else "at the study in the PACS"
    click.echo(f"next: medfake pacs queue --all{same_queue(data, database, dry_run)}, or look {results}")


def _uid(text: str, option: str) -> str:
    """The UID that an option names, or that standard input has in its next line."""
    import sys

    from medfake.logs import register_identifier
    from medfake.pacs.asked_series import require_uid

    given = sys.stdin.buffer.readline(_LONGEST_LINE).decode("utf-8", "replace") if text == "-" else text
    register_identifier(given)
    return require_uid(given, f"{option} -" if text == "-" else option)


def _say_failing(series: "QueuedSeries") -> None:
    click.echo(f"{series.id[:SHORT]}: {series.state}, tried {series.tries} times and again later: {series.reason}")


def _require_judged(series: "Sequence[QueuedSeries]") -> None:
    """End with an error where some were given up, or none could be judged."""
    from medfake.errors import PacsError, ScanError
    from medfake.pacs.queued_series import State

    given_up = [one for one in series if one.state is State.DEAD]
    if given_up:
        raise PacsError(
            "series were given up", where=", ".join(one.id[:SHORT] for one in given_up), received=given_up[0].reason,
            remedy="medfake pacs retry ID, or medfake pacs forget ID",
        )  # fmt: skip
    if all(one.verdict is None for one in series):
        raise ScanError(
            "none of the series could be judged", received=next((one.reason for one in series if one.reason), None),
            remedy="a detector judges the modality that it learnt from (medfake registry), and routes of pacs.yaml may "
            "leave series alone",
        )  # fmt: skip


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


@contextmanager
def _judging(settings: "PacsSettings", places: "Places", ended: "threading.Event") -> "Iterator[Station]":
    """Likewise; where one detector is named, it has to be there, as another one would never take its place."""
    from medfake.pacs.startup_checks import require_detector

    with _running(settings, places) as station:
        if settings.model is not None:
            require_detector(station, ended)
        yield station


def _serve(station: "Station", dry_run: Path | None, same: str, ended: "threading.Event") -> None:
    """Say what happens, and what lists it, see `same_queue`; and let it happen until the end."""
    from medfake.files import path_text
    from medfake.pacs.startup_checks import DETECTOR_S

    station.wait_until_ready(DETECTOR_S, ended)
    where = f"the folder {path_text(dry_run)}" if dry_run else "the PACS"
    click.echo(f"judging with {station.detector}; results go to {where} ({_NOTE})")
    click.echo(f"next: medfake pacs queue{same} lists what is under way; Ctrl-C ends it")
    while not ended.wait(1.0):
        pass
