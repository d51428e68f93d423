"""Stage `slices`: label, split, balance, and decode the slices that are kept."""

import click

from medfake.cli.command_line import run
from medfake.project import Project


@click.command(help=__doc__)
@click.option("--dataset", required=True, help="A key under `datasets` in params.yaml.")
@click.option("--jobs", type=click.IntRange(1), help="Processes that decode; workers.jobs or all cores without it.")
@click.option("--dask", metavar="ADDRESS", help="Dask scheduler whose workers decode; else workers.dask.")
@click.option("--strict", is_flag=True, help="Stop where slices would be left out; also datasets.<name>.strict.")
def main(dataset: str, jobs: int | None, dask: str | None, strict: bool) -> None:
    """Build one data set."""
    from medfake.datasets.build import build_dataset

    project = Project.find()
    params = project.dataset(dataset)
    params = params.model_copy(update={"strict": strict or params.strict})
    workers = project.params.workers
    scans, out = project.scans / dataset, project.slices / dataset
    build_dataset(scans, params, out, jobs or workers.processes, dask or workers.dask)


if __name__ == "__main__":
    run(main)
