"""Stage `scans`: read headers and labels, no pixels."""

import click

from medfake.cli.command_line import run
from medfake.project import Project


@click.command(help=__doc__)
@click.option("--dataset", required=True, help="A key under `datasets` in params.yaml.")
@click.option("--strict", is_flag=True, help="Stop at faults of the sources; also datasets.<name>.strict.")
def main(dataset: str, strict: bool) -> None:
    """Collect one data set's scans."""
    from medfake.datasets.scans import collect_scans
    from medfake.datasets.source_faults import PROBLEMS_FILE, summary
    from medfake.dicom.header_cache import CACHE_FILE

    project = Project.find()
    params = project.dataset(dataset)
    params = params.model_copy(update={"strict": strict or params.strict})
    private, jobs = project.private / "sources", project.params.workers.processes
    found = collect_scans(params, project.scans / dataset, jobs, project.private / CACHE_FILE, private)
    for note in found.notes:
        click.echo(note, err=True)
    if found.problems:
        click.echo(f"{len(found.problems)} faults of the sources: {summary(found.problems)}", err=True)
        click.echo(f"next: look at {private / dataset / PROBLEMS_FILE}, mend them or go on", err=True)


if __name__ == "__main__":
    run(main)
