"""Stage `nominate`: register the best on the validation split as challenger."""

import click

from medfake.cli.command_line import run
from medfake.project import Project


@click.command(help=__doc__)
def main() -> None:
    """Nominate a challenger."""
    from medfake.registry.model_registry import ModelRegistry
    from medfake.registry.nominate import nominate
    from medfake.registry.nomination import write_nomination

    project = Project.find()
    nomination = nominate(project.packages(), project.params.nominate, ModelRegistry(project.tracking))
    write_nomination(project.nomination, nomination)
    if nomination is None:
        click.echo("no challenger: no detector of this study tells tampering in whole slices")
        click.echo("next: xdg-open reports/report.html")
        return
    for note in nomination.notes:
        click.echo(f"note: {note}")
    click.echo(
        f"challenger: version {nomination.version}, {nomination.detector} on {nomination.dataset}, "
        f"validation {nomination.metric} {nomination.value:.4f}\nnext: medfake promote"
    )


if __name__ == "__main__":
    run(main)
