"""Stage `nominate`: register the best on the validation split as challenger."""

import click

from medfake.cli.command_line import run
from medfake.folders import NOMINATION
from pipelines.study import packages, read_study


@click.command(help=__doc__)
def main() -> None:
    """Nominate a challenger."""
    from medfake.registry.model_registry import ModelRegistry
    from medfake.registry.nominate import nominate
    from medfake.registry.nomination import write_nomination

    params = read_study()
    nomination = nominate(packages(params), params.nominate, ModelRegistry(params.tracking))
    write_nomination(NOMINATION, nomination)
    if nomination is None:
        click.echo(
            "no challenger: no detector of this study judges whole slices\nnext: xdg-open reports/comparison.html"
        )
        return
    for note in nomination.notes:
        click.echo(f"note: {note}")
    click.echo(
        f"challenger: version {nomination.version}, {nomination.detector} on {nomination.dataset}, "
        f"validation {nomination.metric} {nomination.value:.4f}\nnext: medfake promote"
    )


if __name__ == "__main__":
    run(main)
