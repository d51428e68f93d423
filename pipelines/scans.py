"""Stage `scans`: read headers and labels, no pixels."""

import click

from medfake.cli.command_line import run
from medfake.folders import PRIVATE, SCANS
from pipelines.study import all_cores, block, read_study


@click.command(help=__doc__)
@click.option("--dataset", required=True, help="A key under `datasets` in params.yaml.")
@click.option("--strict", is_flag=True, help="Stop at faults of the sources; also datasets.<name>.strict.")
def main(dataset: str, strict: bool) -> None:
    """Collect one data set's scans."""
    from medfake.datasets.scans import collect_scans
    from medfake.datasets.source_faults import PROBLEMS_FILE, summary
    from medfake.dicom.header_cache import CACHE_FILE

    study = read_study()
    params = block(study.datasets, dataset, "datasets")
    params = params.model_copy(update={"strict": strict or params.strict})
    private, jobs = PRIVATE / "sources", study.workers.jobs or all_cores()
    found = collect_scans(params, SCANS / dataset, jobs, PRIVATE / CACHE_FILE, private)
    for note in found.notes:
        click.echo(note, err=True)
    if found.problems:
        click.echo(f"{len(found.problems)} faults of the sources: {summary(found.problems)}", err=True)
        click.echo(f"next: look at {private / dataset / PROBLEMS_FILE}, mend them or go on", err=True)


if __name__ == "__main__":
    run(main)
