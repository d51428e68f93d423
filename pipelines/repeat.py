"""Stage `repeat`: train the best detectors again with the seeds of `train.repeat`, if the study has any."""

import click

from medfake.cli.command_line import run
from medfake.folders import REPEATED
from pipelines.study import first_packages, read_study


@click.command(help=__doc__)
def main() -> None:
    """Repeat what validation found best."""
    from medfake.experiments.repeat import train_again
    from medfake.package.card import read_card

    params = read_study()
    REPEATED.mkdir(exist_ok=True)
    packages = train_again(params, [read_card(package) for package in first_packages(params)], REPEATED)
    for package in packages:
        click.echo(f"trained: {package}")
    if not packages:
        click.echo("this study repeats nothing")


if __name__ == "__main__":
    run(main)
