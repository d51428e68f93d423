"""Stage `probe`: ask what a data set gives away besides the manipulation, and write its page."""

import click

from medfake.cli.command_line import run
from medfake.project import Project


@click.command(help=__doc__)
@click.option("--dataset", required=True, help="A key under `datasets` in params.yaml.")
def main(dataset: str) -> None:
    """Probe one data set."""
    from medfake.checks.suite import read_report
    from medfake.datasets.dataset import Dataset
    from medfake.probes.run import run_probes
    from medfake.reports.class_rows import write_class_rows
    from medfake.reports.dataset_page import write_dataset_page
    from medfake.reports.neighbour_strip import write_strip

    project = Project.find()
    params, probes = project.dataset(dataset), project.params.probes
    data = Dataset.open(project.slices / dataset)
    report = run_probes(data, probes)
    report.write(project.probes / f"{dataset}.json")
    page = project.checks / f"{dataset}.html"
    checks = read_report(project.checks / f"{dataset}.json")
    write_dataset_page(page, data, params, checks, report, pictured=probes.pictures)
    write_strip(project.neighbours / dataset, data, params, pictured=probes.pictures is not False)
    write_class_rows(project.class_rows / dataset, data, params, pictured=probes.pictures is not False)
    for one in report.findings:
        click.echo(f"{one.name}: AUC {one.score}. {one.sentence}")
    click.echo(f"next: xdg-open {page}")


if __name__ == "__main__":
    run(main)
