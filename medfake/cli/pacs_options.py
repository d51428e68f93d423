"""Options that commands of `medfake pacs` share, and what they mean."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from medfake.cli.pacs_series import line_of
from medfake.files import path_text

if TYPE_CHECKING:
    from medfake.pacs.queued_series import QueuedSeries
    from medfake.pacs.settings import PacsSettings
    from medfake.pacs.station import Places

_DRY_QUEUE = ".queue"
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
dry_run_option = click.option(
    "--dry-run", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
    help="Keep results in FOLDER, with a queue of their own, and send nothing.",
)  # fmt: skip


def places_options(command: Any) -> Any:
    """The options of all commands that have to do with a queue."""
    return _config(_data(_database(command)))


def settings_of(file: Path | None) -> "PacsSettings":
    """Settings; what they need is installed."""
    from medfake.pacs.settings import read_settings, require_installed

    require_installed()
    return read_settings(file)


def same_queue(data: Path | None, database: str | None, dry_run: Path | None = None) -> str:
    """Options with which the next command sees the same queue; an address with its password is not repeated."""
    folder = dry_run / _DRY_QUEUE if dry_run is not None else data
    said = f" --data {shlex.quote(path_text(folder))}" if folder is not None else ""
    return said + (" --database ..." if database else "")


def places_of(data: Path | None, database: str | None, dry_run: Path | None) -> "Places":
    """Where things are; each series that ends is told in a line.

    A dry run has a queue of its own, so that neither takes the series of who sends, nor the other way round.
    """
    from medfake.pacs.station import Places
    from medfake.serving.default_places import default_database, default_folder
    from medfake.tracking.store_errors import SQLITE

    def tell(series: "QueuedSeries") -> None:
        click.echo(line_of(series))

    if dry_run is not None:
        if data or database:
            raise click.UsageError("a dry run keeps its queue in its own FOLDER: leave --data and --database out")
        own = dry_run.absolute() / _DRY_QUEUE
        return Places(own, f"{SQLITE}{own / 'service.db'}", dry_run.absolute(), tell)
    folder = (data or default_folder("pacs")).absolute()
    return Places(folder, database or default_database(folder), None, tell)
