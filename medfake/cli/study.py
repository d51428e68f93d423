"""`medfake study`: named studies, what they cost, how far the present one is."""

import sys
from typing import TYPE_CHECKING

import click

from medfake.cli.places import at_root, from_here

if TYPE_CHECKING:
    from medfake.config import Params
    from medfake.experiments.plan import Plan
    from medfake.experiments.status import Status
    from medfake.project import Project

_OF_WHAT_IS_THERE = (
    "repeat",
    "timings",
    "latent",
    "compare",
    "nominate",
)  # stages that go on without a training that failed


@click.group()
def study() -> None:
    """Named studies: whole params.yaml files below studies/."""


@study.command("list")
def list_studies() -> None:
    """List the studies."""
    from rich.console import Console
    from rich.table import Table

    from medfake.project import Project
    from medfake.studies import all_studies

    project = Project.find()
    now = project.params.study
    table = Table("study", "trainings", "about")
    for one in all_studies(project):
        name = f"{one.name} (in params.yaml)" if one.params.study == now else one.name
        table.add_row(name, str(one.trainings), one.about)
    Console().print(table)
    click.echo("next: medfake study show NAME, or medfake study use NAME")


@study.command()
@click.argument("name")
def show(name: str) -> None:
    """Print a study's params."""
    from medfake.project import Project
    from medfake.studies import read_study_named

    click.echo(read_study_named(name, Project.find()).text, nl=False)


@study.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def use(name: str, yes: bool) -> None:
    """Write a study to params.yaml, after showing what changes."""
    from medfake.files import write_atomic
    from medfake.project import Project
    from medfake.studies import diff_to, read_study_named

    project = Project.find()
    chosen = read_study_named(name, project)
    difference = diff_to(chosen, project.params_file)
    if not difference:
        click.echo(f"params.yaml is {name} already\nnext: {at_root('dvc repro', project)}")
        return
    click.echo(difference, nl=False)
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("params.yaml would change; there is nobody to ask, so say --yes")
    if not yes and not click.confirm("Write this to params.yaml?"):
        click.echo("nothing was changed")
        return
    with write_atomic(project.params_file) as file:
        file.write(chosen.text)
    _tell_missing(chosen.params, project)
    then = at_root("dvc repro", project)
    click.echo(f"params.yaml is {name} now: {chosen.trainings} trainings\nnext: medfake study plan, then {then}")


@study.command()
@click.argument("name", required=False)
def plan(name: str | None) -> None:
    """Say what a study costs here (the one in params.yaml unless named), from a few seconds of measuring."""
    from rich.console import Console
    from rich.table import Table

    from medfake.experiments.plan import make_plan
    from medfake.project import Project
    from medfake.studies import read_study_named
    from medfake.training.hardware import memory_bytes

    project = Project.find()
    params = read_study_named(name, project).params if name else project.params
    found = make_plan(params, project.slices)
    table = Table("data set", "detector", "runs", "slices", "slices/s", "hours", "GB")
    for line in (*found.generators, *found.lines):
        measured = (_rounded(line.slices_per_s, 2), _rounded(line.hours, 1), _rounded(line.gigabytes, 2))
        table.add_row(line.dataset, line.detector, str(line.trainings), str(line.slices), *measured)
    Console().print(table)
    for detector, package in found.missing.items():
        click.echo(f"{detector} needs {package}, which is not installed: pip install {package}")
    if found.repeated:
        hours = _rounded(found.repeated_hours, 1)
        click.echo(f"{found.repeated} repeated runs of the best, as if they were average: {hours} hours")
    for dataset in found.guessed:
        click.echo(f"{dataset} is not built and names no planned_slices: 2500 were taken")
    has = memory_bytes()
    for warning in (line.memory_warning(has) for line in found.lines):
        if warning:
            click.echo(f"memory: {warning}")
    _tell_missing(params, project)
    click.echo(f"all: {found.trainings} runs, {found.gigabytes:.1f} GB, {_hours_of(found)}")
    click.echo(f"next: {at_root('dvc repro', project)}")


def _tell_missing(params: "Params", project: "Project") -> None:
    """Say which raw data are not there, where to get them and where to put them."""
    from medfake.datasets.missing import missing_sources

    for error in missing_sources(params, project.raw):
        click.echo(f"missing: {error}", err=True)


def _hours_of(found: "Plan") -> str:
    """What is known of the hours, and whose are not."""
    unmeasured = f": not measured is {', '.join(found.unmeasured)}" if found.unmeasured else ""
    if found.hours is None:
        return f"unknown hours{unmeasured}"
    least = "at least " if unmeasured else ""
    return f"{least}{_rounded(found.hours, 1)} hours on this machine{unmeasured}"


def _rounded(value: float | None, digits: int) -> str:
    return "unknown" if value is None else f"{value:.{digits}f}"


@study.command()
def status() -> None:
    """Say what is done, running, failed and planned of the study in params.yaml."""
    from medfake.experiments.status import read_status
    from medfake.project import Project

    project = Project.find()
    _print_status(read_status(project), project)


@study.command("run")
@click.argument("targets", nargs=-1)
def run_study(targets: tuple[str, ...]) -> None:
    """Run `dvc repro --keep-going`: what fails does not stop the rest, and is told again at the end.

    DVC skips whatever depends on a failure, so the study's tables are made of the trainings that are there afterwards.
    """
    from medfake.experiments.dvc_repro import repro
    from medfake.experiments.status import read_status
    from medfake.package.card import CARD_FILE
    from medfake.project import Project

    project = Project.find()
    code, failures = repro(project, targets)
    if code and not targets and any(project.models.glob(f"*/*/*/{CARD_FILE}")):
        failures = {**failures, **repro(project, ("--single-item", *_OF_WHAT_IS_THERE))[1]}
    _print_status(read_status(project), project)
    for stage, error in failures.items():
        click.echo(f"\n{stage} failed\nerror: {error}\n  again: {at_root(f'dvc repro {stage}', project)}", err=True)
    if code:
        _tell_missing(project.params, project)
    sys.exit(code)


def _print_status(found: "Status", project: "Project") -> None:
    from rich.console import Console
    from rich.table import Table

    from medfake.experiments.status import State
    from medfake.progress import duration_text

    table = Table("data set", "detector", "seed", "state", "took")
    for one in found.trainings:
        took = duration_text(one.seconds) if one.seconds is not None else "-"
        table.add_row(one.dataset, one.detector, str(one.seed), one.state.value, took)
    Console().print(table)
    counts = [f"{len(found.of(state))} {state.value}" for state in State if found.of(state)]
    left = len(found.trainings) - len(found.of(State.DONE))
    about = f"; about {duration_text(found.eta_s)} left" if left and found.eta_s is not None else ""
    click.echo(", ".join(counts) + about)
    for one in found.of(State.FAILED):
        click.echo(f"{one.stage}: {one.error.splitlines()[0]}")
    if left:
        click.echo("next: medfake study run")
    else:
        click.echo(f"next: xdg-open {from_here(project.reports / 'report.html')}")
