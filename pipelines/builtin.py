"""Make the detector that comes with medfake anew, out of a bank of params.yaml; see studies/forensics.yaml."""

from pathlib import Path

import click

from medfake.cli.command_line import run
from medfake.config import PARAMS_FILE, validate
from medfake.project import Project, block


@click.command(help=__doc__)
@click.option("--bank", "name", required=True, help="A key under `banks` in params.yaml; `dvc repro bank` makes it.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the package; replaced.")
def main(name: str, out: Path) -> None:
    """Train, measure on patients left out, write the package."""
    from medfake.datasets.pseudonyms import name_patient
    from medfake.detectors.dense.options import ResidualStatisticsOptions
    from medfake.experiments.builtin import BuiltinPlan, make_builtin
    from medfake.experiments.unseen import DETECTOR
    from medfake.package.card import require_replaceable
    from medfake.tamper.bank import Bank
    from medfake.tracking.revisions import git_revision

    require_replaceable(out)
    project = Project.find()
    bank, folder = block(project.params.banks, name, "banks"), project.banks / name
    options = {**project.params.detectors.get(DETECTOR, {}), "bank": str(folder)}
    plan = BuiltinPlan(
        bank=Bank.open(folder), reals=[Path(one) for one in bank.reals], patients=name_patient(bank.identifiers),
        options=validate(ResidualStatisticsOptions, options, PARAMS_FILE.name, ("detectors", DETECTOR)),
        inpainters=project.inpainters_of(bank.inpainters),
    )  # fmt: skip
    table = make_builtin(plan, out, git_revision(project.root))
    figures = table.attrs["figures"]
    for word, value in figures.metrics.items():
        low, high = figures.intervals[word]
        click.echo(f"{word:<12} {value:.3f} [{low:.3f}, {high:.3f}]")
    click.echo(f"scans are called tampered from P = {figures.threshold:.3f} on, which was chosen on these")
    found = table.assign(hit=table.hit.astype(float)).groupby("manipulation")[["p", "hit"]].mean().round(3)
    click.echo(found.to_string())
    click.echo(f"next: medfake scan PATH --model {out}")


if __name__ == "__main__":
    run(main)
