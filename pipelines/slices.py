"""Stage `slices`: label, split, balance, and decode the slices that are kept."""

import click

from medfake.command_line import run
from medfake.folders import SCANS, SLICES
from pipelines.study import block, jobs, read_study


@click.command(help=__doc__)
@click.option("--dataset", required=True, help="A key under `datasets` in params.yaml.")
def main(dataset: str) -> None:
    """Build one data set."""
    from medfake.datasets.build import build_dataset

    build_dataset(SCANS / dataset, block(read_study().datasets, dataset, "datasets"), SLICES / dataset, jobs())


if __name__ == "__main__":
    run(main)
