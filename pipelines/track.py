"""Stage `track`: put the study's runs in order in MLflow, log its reports, and say where to see them side by side."""

import click

from medfake.cli.command_line import run
from medfake.project import Project


@click.command(help=__doc__)
def main() -> None:
    """Log what came after the trainings; writes reports/tracking.json."""
    from medfake.files import write_json
    from medfake.tracking.track import track
    from mlflow_server.server import DEFAULT_PORT, LOOPBACK, url

    project = Project.find()
    tracked = track(project)
    write_json(project.tracked, {"run_id": tracked.run_id, "compared": tracked.compared})
    for name in tracked.elsewhere:
        click.echo(f"its run is in another store: {name}", err=True)
    click.echo(f"{tracked.compared} trainings side by side\nnext: python -m mlflow_server")
    click.echo(f"then: {url(LOOPBACK[0], DEFAULT_PORT)}{tracked.path}")


if __name__ == "__main__":
    run(main)
