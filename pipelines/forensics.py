"""Stage `forensics`: measure a stored package on labelled scans that it has not learnt from."""

import click

from medfake.cli.command_line import run
from medfake.project import Project, block


@click.command(help=__doc__)
@click.option("--name", required=True, help="A key under `measure` in params.yaml.")
def main(name: str) -> None:
    """Measure one package on one set."""
    from medfake.dicom.header_cache import CACHE_FILE
    from medfake.files import write_json
    from medfake.metrics.bootstrap import Bootstrap
    from medfake.metrics.forensics import measure_package
    from medfake.reports.forensics_page import headline, write_forensics_page

    project = Project.find()
    params = block(project.params.measure, name, "measure")
    jobs, cache = project.params.workers.processes, project.private / CACHE_FILE
    measured = measure_package(name, params, Bootstrap.of(project.params.evaluation), jobs, cache)
    write_json(project.forensics / f"{name}.json", measured.forensics.as_json())
    page = project.forensics / f"{name}.html"
    write_forensics_page(
        page, measured, pictured=params.identifiers == "public" if params.pictures is None else params.pictures
    )
    click.echo(headline(measured.forensics))
    click.echo(f"next: xdg-open {page}")


if __name__ == "__main__":
    run(main)
