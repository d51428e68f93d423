"""Stage `generate`: train a generator of whole slices on a data set, and write the deepfakes that it makes."""

import click

from medfake.cli.command_line import run
from medfake.project import Project


@click.command(help=__doc__)
@click.option("--name", required=True, help="A key under `generators` in params.yaml.")
def main(name: str) -> None:
    """Train one generator; one that is up to date is not trained again."""
    from medfake.experiments.generator_run import generate

    project = Project.find()
    facts = generate(project, name)
    distance, floor = facts["distance"], facts["distance"]["kid_floor"]
    beside = "" if floor is None else f", between halves of the real patients {floor:.3f}"
    click.echo(
        f"generator {name}: KID on {distance['features']} {distance['kid']:.3f} to held-out slices{beside}; learnt "
        f"from {facts['learnt_from']['slices']} slices of {facts['learnt_from']['patients']} patients"
    )
    if facts["stopped"]:
        click.echo(
            f"generator {name} was stopped after {facts['epochs_done']} of {facts['plan']['epochs']} epochs: "
            f"{facts['stopped']}; the weights of epoch {facts['epoch_of_kept_weights']} are kept"
        )
    click.echo(f"deepfakes of {name}: {project.raw / name}")


if __name__ == "__main__":
    run(main)
