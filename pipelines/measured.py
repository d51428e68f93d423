"""Stage `measured`: list what `measure`, `generators` and `drop` name, so that the report finds folders of findings."""

import click

from medfake.cli.command_line import run
from medfake.project import Project


@click.command(help=__doc__)
def main() -> None:
    """Write reports/forensics/measured.txt, reports/generators/generators.txt and reports/drop/drop.txt."""
    from medfake.files import write_atomic

    project = Project.find()
    lists = {
        project.forensics / "measured.txt": ("measure", sorted(project.params.measure)),
        project.generator_reports / "generators.txt": ("generators", sorted(project.params.generators)),
        project.drops / "drop.txt": ("drop", sorted(project.params.drop)),
    }
    for path, (key, names) in lists.items():
        with write_atomic(path) as file:
            file.write("".join(f"{name}\n" for name in names) or f"nothing: {key} in params.yaml is empty\n")


if __name__ == "__main__":
    run(main)
