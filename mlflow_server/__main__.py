"""`python -m mlflow_server`: the MLflow UI and registry of the study in params.yaml."""

import click

from medfake.cli.command_line import run
from medfake.project import Project
from mlflow_server.server import DEFAULT_PORT, serve


@click.command(help=__doc__)
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address.")
@click.option("--port", type=click.IntRange(1, 65535), default=DEFAULT_PORT, show_default=True)
def main(host: str, port: int) -> None:
    """Start the server."""
    project = Project.find()
    serve(project.tracking, project.study, host, port, say=lambda text: click.echo(text, err=True))


if __name__ == "__main__":
    run(main)
