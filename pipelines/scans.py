"""Stage `scans`: read headers and labels, no pixels."""

import click

from medfake.command_line import run
from medfake.folders import SCANS
from pipelines.study import all_cores, block, read_study


@click.command(help=__doc__)
@click.option("--dataset", required=True, help="A key under `datasets` in params.yaml.")
def main(dataset: str) -> None:
    """Collect one data set's scans."""
    from medfake.datasets.scans import collect_scans

    collect_scans(block(read_study().datasets, dataset, "datasets"), SCANS / dataset, all_cores())


if __name__ == "__main__":
    run(main)
