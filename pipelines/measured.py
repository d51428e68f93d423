"""Stage `measured`: list what `measure` names, so that the folder of measurements is there for the report."""

import click

from medfake.cli.command_line import run
from medfake.project import Project


@click.command(help=__doc__)
def main() -> None:
    """Write reports/forensics/measured.txt."""
    from medfake.files import write_atomic

    project = Project.find()
    names = sorted(project.params.measure)
    with write_atomic(project.forensics / "measured.txt") as file:
        file.write("".join(f"{name}\n" for name in names) or "nothing: measure in params.yaml is empty\n")


if __name__ == "__main__":
    run(main)
