"""Stage `phantom`: write the built-in phantom as the two trees that the public data has."""

import click

from medfake.cli.command_line import run
from medfake.project import Project, block


@click.command(help=__doc__)
@click.option("--name", required=True, help="A key under `phantom` in params.yaml.")
def main(name: str) -> None:
    """Write one phantom set."""
    from medfake.dicom.made_here import require_made_here
    from medfake.phantom import write_phantom

    project = Project.find()
    phantom = block(project.params.phantom, name, "phantom")
    require_made_here(project.raw / name, f"phantom.{name}")
    write_phantom(project.raw / name, phantom, project.params.workers.processes)


if __name__ == "__main__":
    run(main)
