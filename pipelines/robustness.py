"""Stage `robustness`: put perturbed test slices before all trainings of a data set, if the study asks for it."""

from functools import partial

import click

from medfake.cli.command_line import run
from medfake.project import Project, trainings


@click.command(help=__doc__)
@click.option("--dataset", "data", required=True, help="A name under `train.datasets` in params.yaml.")
def main(data: str) -> None:
    """Measure one data set; an empty grid measures nothing."""
    from medfake.datasets.dataset import Dataset
    from medfake.datasets.neighbours import neighbourhoods
    from medfake.metrics.bootstrap import Bootstrap
    from medfake.metrics.robustness.measure import measure_robustness
    from medfake.package.card import CARD_FILE
    from medfake.reports.sections.robustness import headline

    project = Project.find()
    params, block = project.params, project.dataset(data)
    folders = {
        f"{dataset}/{detector}/seed-{seed}": project.package_of(dataset, detector, seed)
        for dataset, detector, seed in trainings(params)
        if dataset == data
    }
    packages = {name: folder for name, folder in folders.items() if (folder / CARD_FILE).is_file()}
    report = measure_robustness(
        Dataset.open(project.slices / data), packages, sorted(folders.keys() - packages.keys()), params.robustness,
        Bootstrap.of(params.evaluation), partial(neighbourhoods, project.scans / data, block),
    )  # fmt: skip
    report.write(project.robustness / f"{data}.json")
    click.echo(headline(report) if report.runs else "this study has no grid of perturbations")


if __name__ == "__main__":
    run(main)
