"""Stage `bank`: forge slices with exact masks, each beside the same slice before."""

from pathlib import Path

import click

from medfake.cli.command_line import run
from medfake.project import Project, block


@click.command(help=__doc__)
@click.option("--name", required=True, help="A key under `banks` in params.yaml.")
def main(name: str) -> None:
    """Write one bank."""
    from medfake.datasets.pseudonyms import pseudonym, pseudonym_key
    from medfake.tamper.make_bank import BankPlan, make_bank

    project = Project.find()
    bank = block(project.params.banks, name, "banks")
    plan = BankPlan(
        bank.seed, [Path(one) for one in bank.reals], bank.slices, bank.untouched, bank.scanners, bank.manipulations
    )
    key = pseudonym_key(bank.identifiers)
    make_bank(plan, project.banks / name, lambda one: pseudonym(one, key, "p"), project.params.workers.processes)


if __name__ == "__main__":
    run(main)
