"""Stage `explain`: what a trained detector looks at in test slices, with pictures of public sets."""

import click

from medfake.cli.command_line import run
from medfake.project import Project


@click.command(help=__doc__)
@click.option("--dataset", required=True, help="A key under `datasets` in params.yaml.")
@click.option("--detector", required=True, help="A key under `detectors` in params.yaml.")
@click.option("--seed", required=True, type=int, help="Of the training.")
def main(dataset: str, detector: str, seed: int) -> None:
    """Explain one training."""
    from medfake.datasets.dataset import Dataset
    from medfake.explain.explained_training import explain_training, headline
    from medfake.explain.record import write_record
    from medfake.files import replace_folder

    project = Project.find()
    params = project.params
    out = project.explanation_of(dataset, detector, seed)
    with replace_folder(out) as folder:
        if not params.explain.slices:
            write_record(folder, None)
            click.echo("the study leaves explanations out: explain in params.yaml")
            return
        found = explain_training(
            folder, Dataset.open(project.slices / dataset), project.package_of(dataset, detector, seed), params.explain,
            params.evaluation, public=project.dataset(dataset).identifiers == "public",
        )  # fmt: skip
    click.echo(headline(found))
    click.echo(f"next: xdg-open {out}")


if __name__ == "__main__":
    run(main)
