"""Stage `slices`: label, split, balance, and decode the slices that are kept."""

import click

from medfake.cli.command_line import run
from medfake.folders import SCANS, SLICES
from pipelines.study import all_cores, block, read_study


@click.command(help=__doc__)
@click.option("--dataset", required=True, help="A key under `datasets` in params.yaml.")
@click.option("--jobs", type=click.IntRange(1), help="Processes that decode; workers.jobs or all cores without it.")
@click.option("--dask", metavar="ADDRESS", help="Dask scheduler whose workers decode; else workers.dask.")
@click.option("--strict", is_flag=True, help="Stop where slices would be left out; also datasets.<name>.strict.")
def main(dataset: str, jobs: int | None, dask: str | None, strict: bool) -> None:
    """Build one data set."""
    from medfake.datasets.build import build_dataset

    study = read_study()
    params = block(study.datasets, dataset, "datasets")
    params = params.model_copy(update={"strict": strict or params.strict})
    workers = study.workers
    build_dataset(SCANS / dataset, params, SLICES / dataset, jobs or workers.jobs or all_cores(), dask or workers.dask)


if __name__ == "__main__":
    run(main)
