"""`medfake serve`: the service; the work lives in medfake.serving.service."""

from pathlib import Path

import click

from medfake.cli.finite import FiniteRange
from medfake.cli.monitor import MOST_DAYS

_MIB = 1 << 20
_DAY_S = 86_400


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Beyond this machine it needs tokens and TLS.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--model", help="As of medfake scan; left out, the champion, watched, or else the built-in detector.")
@click.option(
    "--calibration",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="As of medfake scan; a detector that it is not of does not serve.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Folder of jobs. Left out: .medfake/service of the project, or this user's own.",
)
@click.option(
    "--database",
    help="Of jobs: sqlite:///FILE or postgresql://USER@HOST/NAME. Left out: $MEDFAKE_DATABASE, or a file below --data.",
)
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Scoring processes.")
@click.option("--keep", "keep_h", type=FiniteRange(min=0, min_open=True), default=24.0, show_default=True,
              help="Hours until a job is deleted.")  # fmt: skip
@click.option("--keep-records", "keep_records_days", type=click.IntRange(1, MOST_DAYS), default=730, show_default=True,
              help="Days that medfake monitor looks back on: numbers and words of each scan, no pixels.")  # fmt: skip
@click.option("--tls-cert", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="PEM file.")
@click.option("--tls-key", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="PEM file.")
@click.option("--behind-proxy", is_flag=True, help="A reverse proxy on this machine ends TLS; needs tokens.")
@click.option("--max-body-mb", type=click.IntRange(min=1), default=2048, show_default=True, help="Of one upload.")
@click.option("--max-expanded-mb", type=click.IntRange(min=1), default=8192, show_default=True, help="Unpacked.")
@click.option("--max-files", type=click.IntRange(min=1), default=20_000, show_default=True, help="Of one upload.")
@click.option("--max-uploads", type=click.IntRange(min=1), default=4, show_default=True, help="At a time.")
@click.option("--max-queue", type=click.IntRange(min=1), default=100, show_default=True, help="Jobs that wait.")
@click.option("--wait", "wait_s", type=FiniteRange(0, 3600), default=30.0, show_default=True,
              help="Seconds that POST /v1/scans waits.")  # fmt: skip
@click.option("--file-timeout", "file_s", type=FiniteRange(1, _DAY_S), default=60.0, show_default=True,
              help="Seconds for one file.")  # fmt: skip
@click.option("--job-timeout", "job_s", type=FiniteRange(1, 30 * _DAY_S), default=7200.0, show_default=True,
              help="Seconds for one job.")  # fmt: skip
@click.option("--worker-memory-mb", type=click.IntRange(min=512), default=4096, show_default=True,
              help="Of one scoring process.")  # fmt: skip
def serve(
    host: str, port: int, model: str | None, calibration: Path | None, data: Path | None, database: str | None,
    workers: int, keep_h: float, keep_records_days: int, tls_cert: Path | None, tls_key: Path | None,
    behind_proxy: bool, max_body_mb: int,
    max_expanded_mb: int, max_files: int, max_uploads: int, max_queue: int, wait_s: float, file_s: float, job_s: float,
    worker_memory_mb: int,
) -> None:  # fmt: skip
    """Take scans over HTTP and answer with verdicts; a page, too.

    Tokens come from MEDFAKE_TOKENS or the file that MEDFAKE_TOKENS_FILE names: NAME=TOKEN, one a line.
    """
    import logging
    import os
    from dataclasses import replace

    from medfake.logs import configure_logging
    from medfake.serving.default_places import default_database, default_folder
    from medfake.serving.service.app import create_app, require_installed
    from medfake.serving.service.settings import Limits, Settings
    from medfake.serving.service.tokens import Tokens

    require_installed()
    os.umask(0o077)
    configure_logging()
    logging.getLogger("medfake").setLevel(logging.INFO)
    folder = (data or default_folder()).absolute()
    limits = Limits(
        body_bytes=max_body_mb * _MIB, expanded_bytes=max_expanded_mb * _MIB, files=max_files, uploads=max_uploads,
        queue=max_queue, wait_s=wait_s, file_s=file_s, job_s=job_s, worker_memory_bytes=worker_memory_mb * _MIB,
    )  # fmt: skip
    settings = Settings(
        data=folder, database=database or default_database(folder), host=host, port=port, model=model,
        calibration=calibration, workers=workers, tokens=Tokens.from_environment(), tls_cert=tls_cert, tls_key=tls_key,
        behind_proxy=behind_proxy, keep_s=keep_h * 3600,
        keep_records_days=keep_records_days, limits=limits,
    )  # fmt: skip
    settings.require_safe()
    from medfake.serving.page.routes import add_pages
    from medfake.serving.service.server import listen, run

    with listen(host, port) as listening:
        settings = replace(settings, port=listening.getsockname()[1])
        app = create_app(settings)
        add_pages(app)
        run(app, settings, listening, lambda: _say(settings.address))


def _say(address: str) -> None:
    click.echo(f"medfake serves at {address} (research use only, not a diagnostic device)")
    click.echo(f"next: open {address}, or curl --form file=@scan.zip {address}/v1/scans; Ctrl-C ends it")
