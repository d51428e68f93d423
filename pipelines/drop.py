"""Stage `drop`: measure what detectors of nodules lose on deepfakes, if the study asks for it."""

import click

from medfake.cli.command_line import run
from medfake.project import Project, block


@click.command(help=__doc__)
@click.option("--name", required=True, help="A key under `drop` in params.yaml.")
def main(name: str) -> None:
    """Measure all trainings of one data set."""
    from medfake.datasets.dataset import Dataset
    from medfake.metrics.bootstrap import Bootstrap
    from medfake.metrics.deepfakes import read_deepfakes
    from medfake.metrics.drop import measure_drop
    from medfake.package.card import CARD_FILE
    from medfake.project import trainings

    project = Project.find()
    params = block(project.params.drop, name, "drop")
    folders = {
        f"{dataset}/{detector}/seed-{seed}": project.package_of(dataset, detector, seed)
        for dataset, detector, seed in trainings(project.params)
        if dataset == params.dataset and detector in (params.detectors or [detector])
    }
    packages = {key: folder for key, folder in folders.items() if (folder / CARD_FILE).is_file()}
    deepfakes = read_deepfakes(project.raw / params.generator, project.dataset(params.dataset).view)
    report = measure_drop(
        name, Dataset.open(project.slices / params.dataset), params.generator, deepfakes, packages,
        Bootstrap.of(project.params.evaluation),
    )  # fmt: skip
    report.write(project.drops / f"{name}.json")
    for one in report.runs.values():
        click.echo(one.sentence)


if __name__ == "__main__":
    run(main)
