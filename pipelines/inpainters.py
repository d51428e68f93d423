"""Stage `inpainters`: train generators that fill holes in lungs, for banks, if the study has any."""

from pathlib import Path

import click

from medfake.cli.command_line import run
from medfake.project import Project


@click.command(help=__doc__)
def main() -> None:
    """Train the inpainters of params.yaml; those that are up to date stay."""
    from medfake.datasets.pseudonyms import name_patient
    from medfake.files import keep_only
    from medfake.inpainters.make import InpainterPlan, make_inpainter
    from medfake.tamper.inpainter import InpainterKind

    project = Project.find()
    inpainters = project.params.inpainters
    for name, one in inpainters.items():
        plan = InpainterPlan(
            InpainterKind(one.kind), one.seed, [Path(folder) for folder in one.reals], one.places, one.steps,
            one.batch_size, one.learning_rate, one.width,
        )  # fmt: skip
        facts = make_inpainter(plan, project.inpainters / name, name_patient(one.identifiers))
        held_out, learnt = facts["held_out"], facts["learnt_from"]
        click.echo(
            f"inpainter {name}: held-out difference {held_out['difference_hu']:.1f} HU, of the trivial fill "
            f"{held_out['trivial_fill_hu']:.1f} HU; learnt from {len(learnt['patients'])} patients, "
            f"{learnt['series_left_out']} series gave no place"
        )
        if facts["diverged"]:
            click.echo(
                f"inpainter {name} diverged after {facts['steps_done']} of {facts['steps_planned']} steps: "
                f"{facts['reason']}; the weights of step {facts['steps_of_kept_weights']} are kept"
            )
    keep_only(inpainters, project.inpainters)
    if not inpainters:
        click.echo("this study has no inpainter")


if __name__ == "__main__":
    run(main)
