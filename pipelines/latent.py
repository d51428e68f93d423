"""Stage `latent`: look at test slices as the layer before each detector's last sees them."""

import click

from medfake.cli.command_line import run
from medfake.project import Project


@click.command(help=__doc__)
@click.option("--dataset", required=True, help="A key under `datasets` in params.yaml.")
def main(dataset: str) -> None:
    """Look at the packages of one data set."""
    from medfake.metrics.latent import look_at_packages
    from medfake.package.card import CARD_FILE

    project = Project.find()
    project.dataset(dataset)
    there = [path for path in project.packages() if path.parts[-3] == dataset and (path / CARD_FILE).is_file()]
    report = look_at_packages(dataset, there, project.params.evaluation.seed)
    report.write(project.latent / f"{dataset}.json")
    for one in report.runs:
        silhouette = one.separability.silhouette
        said = "n/a" if silhouette.value is None else f"{silhouette.value:.3f}, by chance {silhouette.chance or 0:.3f}"
        click.echo(f"{one.detector}, seed {one.seed}: {one.width} wide, silhouette {said}")
    if report.without:
        click.echo(f"without an embedding: {', '.join(report.without)}")


if __name__ == "__main__":
    run(main)
