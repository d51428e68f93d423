"""Stage `repeat`: train the best detectors again with the seeds of `train.repeat`, if the study has any."""

import click

from medfake.cli.command_line import run
from medfake.project import Project


@click.command(help=__doc__)
def main() -> None:
    """Repeat what validation found best."""
    from medfake.experiments.repeat import cards_there, train_again
    from medfake.files import write_json
    from medfake.metrics.headline import headline_of

    project = Project.find()
    cards, missing = cards_there(project.first_packages())
    for package in missing:
        click.echo(f"missing, so not among those to repeat: {package}", err=True)
    packages = train_again(project, cards)
    listed = sorted("/".join(package.parts[-3:]) for package in packages)
    write_json(project.repeated / "packages.json", listed)  # DVC warns of empty outs
    write_json(project.repeated_metrics, {name: headline_of(project.repeated / name) for name in listed})
    for package in packages:
        click.echo(f"trained: {package}")
    if not packages:
        click.echo("this study repeats nothing")


if __name__ == "__main__":
    run(main)
