"""Stage `forge`: make labelled fakes out of real scans."""

from pathlib import Path

import click

from medfake.cli.command_line import run
from medfake.project import Project, block


@click.command(help=__doc__)
@click.option("--name", required=True, help="A key under `forged` in params.yaml.")
def main(name: str) -> None:
    """Write one set of forged scans."""
    from medfake.dicom.made_here import require_made_here
    from medfake.tamper.forge import forge

    project = Project.find()
    forged = block(project.params.forged, name, "forged")
    require_made_here(project.raw / name, f"forged.{name}")
    forge(
        Path(forged.reals), project.raw / name, forged.scans_per_patient, forged.manipulations, forged.seed,
        project.inpainters_of(forged.inpainters), forged.modality,
    )  # fmt: skip


if __name__ == "__main__":
    run(main)
