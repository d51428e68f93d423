"""Stage `track`: put the study's runs in order in MLflow, log its reports, and say where to see them side by side."""

import click

from medfake.cli.command_line import run
from medfake.project import Project


@click.command(help=__doc__)
def main() -> None:
    """Log what came after the trainings; writes reports/tracking.json."""
    from medfake.files import write_json
    from medfake.tracking.track import track
    from mlflow_server.server import page_address

    project = Project.find()
    tracked = track(project)
    write_json(project.tracked, {"run_id": tracked.run_id, "compared": tracked.compared})
    if tracked.elsewhere:
        click.echo(f"trained elsewhere, without a run in this store: {', '.join(tracked.elsewhere)}", err=True)
    click.echo(f"{tracked.compared} trainings side by side\nnext: python -m mlflow_server")
    click.echo(f"then open {page_address(project.tracking, tracked.path)}")


if __name__ == "__main__":
    run(main)
