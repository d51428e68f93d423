"""Leave families of manipulations and makers of scanners out of training in turn, and measure what is found of them.

Writes reports/forensics/leave-out.md, .json and .html. A command and no stage: it trains dozens of judges, says how a
design does and not how a package does, and no stage reads it. A run that was killed goes on.
"""

from pathlib import Path
from typing import Any, Final, Literal

import click

from medfake.cli.command_line import run
from medfake.config import PARAMS_FILE, validate
from medfake.project import Project, block

OVER: Final[tuple[Literal["families", "scanners"], ...]] = ("families", "scanners")


@click.command(help=__doc__)
@click.option("--bank", "name", required=True, help="A key under `banks` in params.yaml; `dvc repro bank` makes it.")
@click.option(
    "--over", multiple=True, type=click.Choice(OVER), default=OVER, help="What is left out; both unless told."
)
@click.option("--folds", type=click.IntRange(min=2), default=4, show_default=True, help="Parts of the patients.")
@click.option("--epochs", type=click.IntRange(min=1), help="Of each training; the detector's unless told.")
@click.option(
    "--slices", type=click.IntRange(min=1), default=40, show_default=True, help="Of the bank, of each maker, at most."
)
@click.option(
    "--scanners", type=click.IntRange(min=0), default=2, show_default=True,
    help="Virtual scanners by which each whole scan is also seen untouched.",
)  # fmt: skip
@click.option(
    "--places", type=click.IntRange(min=1), default=200, show_default=True,
    help="Manipulated slices whose places are measured, at most.",
)  # fmt: skip
def main(
    name: str, over: tuple[str, ...], folds: int, epochs: int | None, slices: int, scanners: int, places: int
) -> None:
    """Train, measure on patients left out, write the page."""
    from medfake.datasets.pseudonyms import name_patient
    from medfake.detectors.dense.options import ResidualStatisticsOptions
    from medfake.experiments.leave_out import NAME, LeaveOutPlan, make_leave_out
    from medfake.experiments.unseen import DETECTOR
    from medfake.metrics.bootstrap import Bootstrap
    from medfake.tamper.bank import Bank

    project = Project.find()
    bank, folder = block(project.params.banks, name, "banks"), project.banks / name
    options = {**project.params.detectors.get(DETECTOR, {}), "bank": str(folder), "members": 1}
    options |= {"epochs": epochs} if epochs else {}
    plan = LeaveOutPlan(
        bank=Bank.open(folder), reals=[Path(one) for one in bank.reals], patients=name_patient(bank.identifiers),
        options=validate(ResidualStatisticsOptions, options, PARAMS_FILE.name, ("detectors", DETECTOR)),
        over=tuple(one for one in OVER if one in over), folds=folds, slices=slices, scanners=scanners,
        inpainters=project.inpainters_of(bank.inpainters), bootstrap=Bootstrap.of(project.params.evaluation),
        places=places, real_only=_real_only(project),
    )  # fmt: skip
    result = make_leave_out(plan, project.forensics)
    for matrix in result.matrices:
        click.echo(matrix.to_markdown())
    click.echo(f"next: xdg-open {project.forensics / NAME}.html")


def _real_only(project: Project) -> dict[str, Any]:
    """Options of the study's one-class detectors, by name."""
    from medfake.detectors.anomaly.one_class import FAMILY
    from medfake.detectors.registry import detector_spec, validate_options

    named = {name: block for name, block in project.params.detectors.items() if detector_spec(name).family == FAMILY}
    return {name: validate_options(name, options) for name, options in named.items()}


if __name__ == "__main__":
    run(main)
