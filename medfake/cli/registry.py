"""`medfake promote`, `medfake rollback` and `medfake registry`: decisions about champions, and what was decided."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from medfake.cli.json_option import json_option, write_listing
from medfake.cli.places import at_root
from medfake.cli.tables import print_table

if TYPE_CHECKING:
    from medfake.registry.model_registry import ModelRegistry
    from medfake.registry.promotion import Judgement


class PromoteCommand(click.Command):
    """`medfake promote` with the flag of every gate that has one, wherever the gate comes from."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Look through the gates only when this very command is parsed or explained."""
        from medfake.registry.gates.gate import GATES

        flags = [
            click.Option([one.overrule], is_flag=True, help=one.flag_help) for one in GATES.values() if one.overrule
        ]
        *own, help_flag = super().get_params(ctx)
        return [*own, *flags, help_flag]


@click.command(cls=PromoteCommand)
@click.argument("version", required=False)
@click.option("--dry-run", is_flag=True, help="Only say what every gate says.")
def promote(version: str | None, dry_run: bool, **overrule: bool) -> None:
    """Make the challenger (or VERSION) champion if every gate lets it through."""
    from medfake.project import Project
    from medfake.registry.promotion import judge
    from medfake.registry.promotion import promote as promote_version

    names, project = _gates_of(overrule), Project.find()
    if dry_run:
        judgement = judge(open_registry(), project, version, overrule=names)
        _print_rulings(judgement)
        judgement.require_passed()
        number = judgement.challenger.number
        if judgement.settled:
            click.echo(f"champion stays: version {number}\nnext: medfake scan PATH")
            return
        again = " ".join(["medfake promote", *([version] if version else []), *(_flag(name) for name in names)])
        click.echo(f"would be champion: version {number}\nnext: {again}")
        return
    outcome = promote_version(open_registry(), project, version, overrule=names)
    verb = "champion" if outcome.changed else "champion stays"
    click.echo(f"{verb}: version {outcome.champion}\n  why: {outcome.reason}\nnext: medfake scan PATH")


@click.command()
def rollback() -> None:
    """Undo the last promotion."""
    from medfake.registry.promotion import rollback as roll_back

    outcome = roll_back(open_registry())
    now = "nobody" if outcome.champion is None else f"version {outcome.champion}"
    click.echo(f"champion: {now}\n  why: {outcome.reason}\nnext: medfake registry history")


@click.group()
def registry() -> None:
    """Look at registered detectors and at what was decided about them."""


@registry.command("list")
@json_option()
def list_registry(json_file: Path | None) -> None:
    """List all versions, newest first."""
    from medfake.outputs import json_format
    from medfake.project import Project
    from medfake.registry.versions import Version

    rows = [vars(one) for one in open_registry().versions()]
    if not write_listing(json_file, json_format("a list of versions", Version.__annotations__), rows):
        return
    print_table(rows, ("number", "aliases", "detector", "dataset", "protocol", "evidence", "metric", "value"))
    if not rows:
        click.echo(f"no detector is registered\nnext: {at_root('dvc repro', Project.find())}")


@registry.command()
@click.argument("package")
def register(package: str) -> None:
    """Register PACKAGE, a folder below models/ or `builtin`, as a version that gates judge like any other."""
    from medfake.package.card import require_graph
    from medfake.package.shipped import BUILTIN, builtin_package
    from medfake.project import Project

    folder = builtin_package() if package == BUILTIN else Path(package)
    require_graph(folder)
    metric, opened = Project.find().params.nominate.metric, open_registry()
    known = opened.known(folder, metric)
    number = known or opened.register(folder, metric)
    click.echo(f"{'registered already' if known else 'registered'}: version {number}")
    click.echo(f"next: medfake promote {number} --dry-run")


@registry.command()
@click.argument("version")
@json_option()
def show(version: str, json_file: Path | None) -> None:
    """Print the card of VERSION: a number, champion, challenger, builtin, or a package folder."""
    from medfake.outputs import json_format
    from medfake.package.card import Card, graph_digests, read_card
    from medfake.reports.model_card import card_text

    folder = _package(version)
    card = read_card(folder)
    if write_listing(json_file, json_format("a card", frozenset(Card.model_fields)), card.model_dump(mode="json")):
        _print_markdown(card_text(card, graph_digests(folder)))


def _package(version: str) -> Path:
    """Folder of a version, of the built-in detector, or the folder itself."""
    from medfake.package.shipped import BUILTIN, builtin_package

    if version == BUILTIN:
        return builtin_package()
    if Path(version).is_dir():
        return Path(version)
    opened = open_registry()
    return opened.package(opened.find(version))


def _print_markdown(text: str) -> None:
    """As it is into files and pipes; set for reading on a terminal."""
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    if console.is_terminal:
        console.print(Markdown(text))
    else:
        click.echo(text, nl=False)


@registry.command()
@json_option()
def history(json_file: Path | None) -> None:
    """List every promotion and roll-back, oldest first."""
    from dataclasses import asdict

    from medfake.outputs import json_format
    from medfake.registry.ledger import Decision

    rows = [asdict(one) for one in open_registry().decisions()]
    if not write_listing(json_file, json_format("a history of decisions", Decision.__annotations__), rows):
        return
    print_table(rows, ("at", "action", "version", "previous", "reason"))
    if not rows:
        click.echo("nothing was decided yet\nnext: medfake promote")


def _gates_of(flags: dict[str, bool]) -> list[str]:
    """Names of the gates whose flags were given."""
    from medfake.registry.gates.gate import GATES

    given = {f"--{flag.replace('_', '-')}" for flag, is_given in flags.items() if is_given}
    return [name for name, one in GATES.items() if one.overrule in given]


def _flag(gate: str) -> str:
    from medfake.registry.gates.gate import GATES

    return GATES[gate].overrule or ""


def _print_rulings(judgement: "Judgement") -> None:
    for one in judgement.judged:
        word = "passed" if one.ruling.passed else "overruled" if one.overruled else "REFUSED"
        click.echo(f"{word:9} {one.gate.name:10} {one.ruling.sentence}")


def open_registry() -> "ModelRegistry":
    """Where the project's params.yaml says it is."""
    from medfake.project import Project
    from medfake.registry.model_registry import ModelRegistry

    return ModelRegistry(Project.find().tracking)
