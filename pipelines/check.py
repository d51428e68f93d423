"""Stage `check`: guard the data set; a broken rule stops the run."""

import click

from medfake.cli.command_line import run
from medfake.project import Project


@click.command(help=__doc__)
@click.option("--dataset", required=True, help="A key under `datasets` in params.yaml.")
def main(dataset: str) -> None:
    """Check one data set."""
    from medfake.checks.suite import check_dataset
    from medfake.datasets.dataset import Dataset
    from medfake.reports.dataset_page import write_dataset_page

    project = Project.find()
    params, data = project.dataset(dataset), Dataset.open(project.slices / dataset)
    report = check_dataset(data, params)
    report.write(project.checks / f"{dataset}.json")
    broken = project.checks / f"{dataset}-broken.html"  # of a sound set, `probe` writes the page
    broken.unlink(missing_ok=True)
    if report.failed and report.readable:
        damaged = "shards" in {one.name for one in report.failed}  # then there may be nothing to show
        pictured = False if damaged else project.params.probes.pictures
        write_dataset_page(broken, data, params, report, None, pictured=pictured)
        click.echo(f"what is broken, on a page: xdg-open {broken}", err=True)
    report.raise_if_failed()


if __name__ == "__main__":
    run(main)
