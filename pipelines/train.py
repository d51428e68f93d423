"""Stage `train`: train one detector once, export it, predict validation and test slices."""

import click

from medfake.cli.command_line import run
from medfake.project import Project, block


@click.command(help=__doc__)
@click.option("--dataset", required=True, help="A key under `datasets` in params.yaml.")
@click.option("--detector", required=True, help="A key under `detectors` in params.yaml.")
@click.option("--seed", required=True, type=int)
def main(dataset: str, detector: str, seed: int) -> None:
    """Train once."""
    from medfake.experiments.training_run import train_once
    from medfake.files import write_json
    from medfake.metrics.headline import headline_of
    from medfake.package.card import read_card
    from medfake.tracking.losses import loss_points
    from medfake.tracking.store import Store

    project = Project.find()
    project.dataset(dataset)
    block(project.params.detectors, detector, "detectors")
    package = project.package_of(dataset, detector, seed)
    train_once(project, dataset, detector, seed, package)
    write_json(project.metrics_of(dataset, detector, seed), {detector: headline_of(package)})
    losses = loss_points(Store(project.tracking), read_card(package).mlflow_run_id)
    write_json(project.losses_of(dataset, detector, seed), losses)


if __name__ == "__main__":
    run(main)
