"""Stage `stack`: put trained detectors together, weighted on validation, if the study has any stacks."""

import click

from medfake.cli.command_line import run
from medfake.project import Project


@click.command(help=__doc__)
def main() -> None:
    """Stack what `stacks` names."""
    from medfake.experiments.stack import left_out, stack_all
    from medfake.files import write_json
    from medfake.metrics.headline import headline_of

    project = Project.find()
    packages = stack_all(project)
    listed = sorted("/".join(package.parts[-3:]) for package in packages)
    write_json(project.stacked / "packages.json", listed)  # DVC warns of empty outs
    write_json(project.stacked_metrics, {name: headline_of(project.stacked / name) for name in listed})
    for name, members in left_out(project.params).items():
        click.echo(f"left out: {name}, as train.detectors does not have {', '.join(members)}", err=True)
    for package in packages:
        click.echo(f"stacked: {package}")
    if not packages:
        click.echo("this study stacks nothing")


if __name__ == "__main__":
    run(main)
