"""`medfake promote`, `medfake rollback` and `medfake registry`: decisions about champions, and what was decided."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from medfake.cli.json_option import json_option, write_listing
from medfake.cli.places import at_root
from medfake.cli.tables import print_columns, print_table, terminal_width
from medfake.outputs import is_standard_output

if TYPE_CHECKING:
    from medfake.outputs import OutputFormat
    from medfake.registry.ledger import Decision
    from medfake.registry.model_registry import ModelRegistry
    from medfake.registry.promotion import Judgement, Outcome


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


_REASON = click.option("--reason", default="", metavar="TEXT", help="Why; the ledger keeps it. No names of patients.")


@click.command(cls=PromoteCommand)
@click.argument("version", required=False)
@click.option("--dry-run", is_flag=True, help="Only say what every gate says.")
@_REASON
@json_option()
def promote(version: str | None, dry_run: bool, reason: str, json_file: Path | None, **overrule: bool) -> None:
    """Make the challenger (or VERSION) champion if every gate lets it through."""
    from medfake.project import Project
    from medfake.registry.promotion import judge
    from medfake.registry.promotion import promote as promote_version

    names, project, opened = _gates_of(overrule), Project.find(), open_registry()
    if not dry_run:
        outcome = promote_version(opened, project, version, overrule=names, reason=reason)
        if write_listing(json_file, _outcome_format(), asdict(outcome)):
            _tell_champion(outcome)
        return
    judgement = judge(opened, project, version, overrule=names)
    if write_listing(json_file, _judgement_format(), _judgement_json(judgement)):
        _print_rulings(judgement)
    judgement.require_passed()
    again = " ".join(["medfake promote", *([version] if version else []), *(_flag(name) for name in names)])
    number, taken = judgement.challenger.number, json_file is not None and is_standard_output(json_file)
    if judgement.settled:
        click.echo(f"champion stays: version {number}\nnext: medfake scan PATH", err=taken)
    else:
        click.echo(f"would be champion: version {number}\nnext: {again}", err=taken)


@click.command()
@_REASON
def rollback(reason: str) -> None:
    """Undo the last promotion."""
    from medfake.registry.promotion import rollback as roll_back

    outcome = roll_back(open_registry(), reason=reason)
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
    print_table(
        rows, ("number", "aliases", "detector", "modality", "dataset", "protocol", "evidence", "metric", "value")
    )
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
    from medfake.outputs import json_format
    from medfake.registry.ledger import Decision

    decisions = open_registry().decisions()
    rows = [asdict(one) for one in decisions]
    if not write_listing(json_file, json_format("a history of decisions", Decision.__annotations__), rows):
        return
    print_table([_history_row(one) for one in decisions], ("at", "who", "action", "version", "before", "why"))
    click.echo("next: medfake registry history --json" if rows else "nothing was decided yet\nnext: medfake promote")


def _history_row(decision: "Decision") -> dict[str, object]:
    """What fits a table: the reason that was stated, what was overruled, and the figures; --json has all."""
    said = [decision.stated]
    said += [f"overruled: {', '.join(decision.overruled)}"] if decision.overruled else []
    said += [decision.figures.sentence if decision.figures else decision.reason]
    why = "; ".join(one for one in said if one)
    at = decision.at[: len("2026-01-31T23:59")].replace("T", " ")
    return {**vars(decision), "at": at, "who": decision.who or "-", "before": decision.previous, "why": why}


def _gates_of(flags: dict[str, bool]) -> list[str]:
    """Names of the gates whose flags were given."""
    from medfake.registry.gates.gate import GATES

    given = {f"--{flag.replace('_', '-')}" for flag, is_given in flags.items() if is_given}
    return [name for name, one in GATES.items() if one.overrule in given]


def _flag(gate: str) -> str:
    from medfake.registry.gates.gate import GATES

    return GATES[gate].overrule or ""


def _print_rulings(judgement: "Judgement") -> None:
    rows = [
        ("REFUSED" if one.word == "refused" else one.word, one.gate.name, one.ruling.sentence)
        for one in judgement.judged
    ]
    if rows:
        print_columns(rows, terminal_width())


def _tell_champion(outcome: "Outcome") -> None:
    why = outcome.reason
    if outcome.changed:
        decided = f"validation {outcome.figures.sentence}" if outcome.figures else "every gate let it through"
        why = "; ".join([decided, *(f"overruled: {name}" for name in outcome.overruled)])
    verb = "champion" if outcome.changed else "champion stays"
    click.echo(f"{verb}: version {outcome.champion}\n  why: {why}\nnext: medfake scan PATH")


def _judgement_json(judgement: "Judgement") -> dict[str, object]:
    champion, figures = judgement.champion, judgement.figures
    return {
        "version": judgement.challenger.number,
        "champion": champion.number if champion else None,
        "settled": judgement.settled,
        "passes": not judgement.refused,
        "figures": asdict(figures) if figures else None,
        "rulings": [
            {"gate": one.gate.name, "ruling": one.word, "sentence": one.ruling.sentence, "remedy": one.ruling.remedy}
            for one in judgement.judged
        ],
    }


def _judgement_format() -> "OutputFormat":
    from medfake.outputs import json_format

    return json_format("what the gates say", ("version", "champion", "settled", "passes", "figures", "rulings"))


def _outcome_format() -> "OutputFormat":
    from medfake.outputs import json_format
    from medfake.registry.promotion import Outcome

    return json_format("a promotion", Outcome.__annotations__)


def open_registry() -> "ModelRegistry":
    """Where the project's params.yaml says it is."""
    from medfake.project import Project
    from medfake.registry.model_registry import ModelRegistry

    return ModelRegistry(Project.find().tracking)
