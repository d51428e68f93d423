"""Stage `nominate`: register the best on the validation split as challenger."""

from dataclasses import asdict

import click

from medfake.cli.command_line import run
from medfake.folders import REPORTS
from pipelines.study import packages, read_study


@click.command(help=__doc__)
def main() -> None:
    """Nominate a challenger."""
    from medfake.files import write_json
    from medfake.registry.nominate import nominate

    params = read_study()
    nomination = nominate(packages(params), params.nominate.metric, params.tracking)
    write_json(REPORTS / "nomination.json", asdict(nomination) if nomination else None)
    if nomination is None:
        click.echo(
            "no challenger: no detector of this study judges whole slices\nnext: xdg-open reports/comparison.html"
        )
        return
    click.echo(
        f"challenger: version {nomination.version}, {nomination.detector} on {nomination.dataset}, "
        f"validation {nomination.metric} {nomination.value:.4f}\nnext: medfake promote"
    )


if __name__ == "__main__":
    run(main)
