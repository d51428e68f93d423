"""Stage `bank`: forge slices with exact masks, each beside the same slice before, if the study has any bank."""

from pathlib import Path

import click

from medfake.cli.command_line import run
from medfake.project import Project


@click.command(help=__doc__)
def main() -> None:
    """Write the banks of params.yaml; those that are up to date stay."""
    from medfake.datasets.pseudonyms import name_patient
    from medfake.detectors.dense.statistics import store_statistics
    from medfake.files import keep_only
    from medfake.reports.bank_page import write_bank_page
    from medfake.tamper.bank import Bank
    from medfake.tamper.make_bank import BankPlan, make_bank

    project = Project.find()
    banks = project.params.banks
    for name, bank in banks.items():
        plan = BankPlan(
            bank.seed, [Path(one) for one in bank.reals], bank.slices, bank.untouched, bank.scanners,
            bank.manipulations, project.inpainters_of(bank.inpainters),
        )  # fmt: skip
        make_bank(plan, project.banks / name, name_patient(bank.identifiers), project.params.workers.processes)
        made = Bank.open(project.banks / name)
        store_statistics(made, project.params.workers.processes)
        page = project.reports / "banks" / f"{name}.html"
        write_bank_page(page, made, name, pictured=bank.identifiers == "public")
        click.echo(f"bank {name}: {project.banks / name}, shown in {page}")
    keep_only(banks, project.banks)
    if not banks:
        click.echo("this study has no bank")


if __name__ == "__main__":
    run(main)
