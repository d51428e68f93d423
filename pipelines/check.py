"""Stage `check`: guard the data set; a broken rule stops the run."""

import click

from medfake.command_line import run
from medfake.folders import REPORTS, SLICES
from pipelines.study import block, read_study


@click.command(help=__doc__)
@click.option("--dataset", required=True, help="A key under `datasets` in params.yaml.")
def main(dataset: str) -> None:
    """Check one data set."""
    from medfake.checks.suite import run_checks

    report = run_checks(SLICES / dataset, block(read_study().datasets, dataset, "datasets"))
    report.write(REPORTS / "checks" / f"{dataset}.json")
    report.raise_if_failed()


if __name__ == "__main__":
    run(main)
