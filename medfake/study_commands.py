"""`medfake study`: named studies, what they cost, how far the present one is."""

import sys
from pathlib import Path

import click


@click.group()
def study() -> None:
    """Named studies: whole params.yaml files below studies/."""


@study.command("list")
def list_studies() -> None:
    """List the studies."""
    from rich.console import Console
    from rich.table import Table

    from medfake.config import PARAMS_FILE, load_params
    from medfake.config.studies import all_studies

    now = load_params().study if PARAMS_FILE.exists() else None
    table = Table("study", "trainings", "about")
    for one in all_studies():
        name = f"{one.name} (in params.yaml)" if one.params.study == now else one.name
        table.add_row(name, str(one.trainings), one.about)
    Console().print(table)
    click.echo("next: medfake study show NAME, or medfake study use NAME")


@study.command()
@click.argument("name")
def show(name: str) -> None:
    """Print a study's params."""
    from medfake.config.studies import read_study_named

    click.echo(read_study_named(name).text, nl=False)


@study.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def use(name: str, yes: bool) -> None:
    """Write a study to params.yaml, after showing what changes."""
    from medfake.config import PARAMS_FILE
    from medfake.config.studies import diff_to, read_study_named
    from medfake.files import write_atomic

    chosen = read_study_named(name)
    difference = diff_to(chosen)
    if not difference:
        click.echo(f"params.yaml is {name} already\nnext: dvc repro")
        return
    click.echo(difference, nl=False)
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("params.yaml would change; there is nobody to ask, so say --yes")
    if not yes and not click.confirm("Write this to params.yaml?"):
        click.echo("nothing was changed")
        return
    with write_atomic(Path(PARAMS_FILE)) as file:
        file.write(chosen.text)
    click.echo(f"params.yaml is {name} now: {chosen.trainings} trainings\nnext: medfake study plan, then dvc repro")


@study.command()
@click.argument("name", required=False)
def plan(name: str | None) -> None:
    """Say what a study costs here (the one in params.yaml unless named), from a short measured forward pass."""
    from rich.console import Console
    from rich.table import Table

    from medfake.config import load_params
    from medfake.config.studies import read_study_named
    from medfake.training.plan import make_plan

    found = make_plan(read_study_named(name).params if name else load_params())
    table = Table("data set", "detector", "runs", "slices", "forward, slices/s", "hours", "GB")
    for line in found.lines:
        measured = ("not measured", "-") if line.hours is None else (f"{line.slices_per_s:.2f}", f"{line.hours:.1f}")
        cells = (line.dataset, line.detector, str(line.trainings), str(line.slices), *measured, f"{line.gigabytes:.2f}")
        table.add_row(*cells)
    Console().print(table)
    if found.repeated:
        click.echo(f"{found.repeated} repeated runs of the best, as if they were average: {found.repeated_hours:.1f} h")
    for dataset in found.guessed:
        click.echo(f"{dataset} is not built and names no planned_slices: 2500 were taken")
    all_of_it = f"{found.trainings} runs, {found.gigabytes:.1f} GB, {found.hours:.1f} hours"
    click.echo(f"all: {all_of_it} on this machine\nnext: dvc repro")
