"""The `medfake` command: parse and print; the work lives elsewhere, heavy imports stand inside functions."""

import json as json_module
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from medfake import __version__
from medfake.cli.command_line import run
from medfake.cli.data import data
from medfake.cli.json_option import json_option, write_listing
from medfake.cli.study import study

if TYPE_CHECKING:
    from medfake.config import TrackingParams

_RESEARCH_ONLY = "Research use only, not a diagnostic device."


@click.group(help=f"Tell tampered chest CT from real. {_RESEARCH_ONLY}")
@click.version_option(__version__, package_name="medfake")
def cli() -> None:
    """The command group."""


cli.add_command(data)
cli.add_command(study)


@cli.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", help="Version, alias, package folder or .onnx file; the champion when left out.")
@json_option(any_name=True)
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), help="Write one row a slice here; - as for --json.")
@click.option("--jobs", type=click.IntRange(min=1), default=os.cpu_count() or 1, help="Processes that read headers.")
def scan(paths: tuple[Path, ...], model: str | None, json_file: Path | None, csv_file: Path | None, jobs: int) -> None:
    """Say of every CT series below PATHS whether it was tampered with."""
    from rich.console import Console

    from medfake.outputs import check_output, is_standard_output
    from medfake.serving.model import open_model
    from medfake.serving.report import CSV_OUTPUT, JSON_OUTPUT
    from medfake.serving.scan import scan_paths

    outputs = [(file, kind) for file, kind in ((json_file, JSON_OUTPUT), (csv_file, CSV_OUTPUT)) if file]
    for file, kind in outputs:
        check_output(file, kind)
    if len({file.resolve() for file, _ in outputs}) < len(outputs):
        raise click.UsageError("--json and --csv name the same file")
    registry_of = None if model and Path(model).exists() else _tracking()
    report = scan_paths(paths, open_model(model, registry_of), jobs)
    if json_file:
        report.write_json(json_file)
    if csv_file:
        report.write_csv(csv_file)
    report.require_scans(paths)
    taken = any(is_standard_output(file) for file, _ in outputs)
    report.render(Console(stderr=taken))
    written = " ".join(str(file) for file, _ in outputs)
    click.echo(
        f"written: {written}" if written else "next: the same with --json FILE for every slice and site", err=taken
    )


@cli.command()
@click.argument("version", required=False)
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@click.option("--despite-shortcuts", is_flag=True, help="Although probes found a shortcut in its data set.")
def promote(version: str | None, dry_run: bool, despite_shortcuts: bool) -> None:
    """Make the challenger (or VERSION) champion if it beats the champion."""
    from medfake.registry.promote import promote as promote_version

    outcome = promote_version(_tracking(), version, dry_run=dry_run, despite_shortcuts=despite_shortcuts)
    verb = "champion" if outcome.changed else "would be champion" if dry_run else "champion stays"
    click.echo(f"{verb}: version {outcome.champion}\n  why: {outcome.reason}\nnext: medfake scan PATH")


@cli.command()
def rollback() -> None:
    """Undo the last promotion."""
    from medfake.registry.promote import rollback as roll_back

    outcome = roll_back(_tracking())
    now = "nobody" if outcome.champion is None else f"version {outcome.champion}"
    click.echo(f"champion: {now}\n  why: {outcome.reason}\nnext: medfake registry history")


@cli.group()
def registry() -> None:
    """Look at registered detectors and at what was decided about them."""


@registry.command("list")
@json_option()
def list_registry(json_file: Path | None) -> None:
    """List all versions, newest first."""
    from medfake.outputs import json_format
    from medfake.registry.versions import Version, list_versions

    rows = [vars(one) for one in list_versions(_tracking())]
    if not write_listing(json_file, json_format("a list of versions", Version.__annotations__), rows):
        return
    _print(rows, ("number", "aliases", "detector", "dataset", "evidence", "metric", "value"))
    if not rows:
        click.echo("no detector is registered\nnext: dvc repro")


@registry.command()
@click.argument("version")
def show(version: str) -> None:
    """Print the card of VERSION (a number, champion or challenger)."""
    from medfake.package.card import read_card
    from medfake.registry.versions import find_version, package_of

    tracking = _tracking()
    card = read_card(package_of(tracking, find_version(tracking, version)))
    click.echo(json_module.dumps(card.model_dump(mode="json"), indent=2, sort_keys=True))


@registry.command()
@json_option()
def history(json_file: Path | None) -> None:
    """List every promotion and roll-back, oldest first."""
    from medfake.outputs import json_format
    from medfake.registry.ledger import Decision
    from medfake.registry.promote import history as decisions

    rows = [vars(one) for one in decisions(_tracking())]
    if not write_listing(json_file, json_format("a history of decisions", Decision.__annotations__), rows):
        return
    _print(rows, ("at", "action", "version", "previous", "reason"))
    if not rows:
        click.echo("nothing was decided yet\nnext: medfake promote")


@cli.command()
@click.argument("pattern", default="*")
@json_option()
def backbones(pattern: str, json_file: Path | None) -> None:
    """List backbones by name, e.g. medfake backbones 'MobileNet*'."""
    from medfake.detectors.registry import detector_names, detector_spec, parameters_of, parameters_with_head
    from medfake.outputs import json_format

    columns = ("name", "parameters", "parameters_with_head", "input_contract", "feature_width", "paper")
    specs = [one for one in map(detector_spec, detector_names(pattern)) if one.family == "backbone"]
    rows = [
        {
            "name": one.name,
            "parameters": parameters_of(one.name),
            "parameters_with_head": parameters_with_head(one.name),
            "input_contract": one.contract,
            "feature_width": one.feature_width,
            "paper": one.paper,
        }
        for one in specs
    ]
    if not write_listing(json_file, json_format("a list of backbones", columns), rows):
        return
    _print(rows, columns)


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(min=0), required=True, help="Of the patient.")
@click.option("--slices", type=click.IntRange(min=24), default=40, show_default=True)
@click.option("--manipulation", type=click.Choice(["injection", "removal"]), help="Left out: an untampered scan.")
def phantom(folder: Path, seed: int, slices: int, manipulation: str | None) -> None:
    """Write one phantom scan into FOLDER, new, empty or of an earlier phantom, to try `medfake scan` on."""
    from medfake.datasets.sources.phantom import write_patient

    place = write_patient(folder, seed, slices, manipulation)
    truth = f"{manipulation} in {place.z}.dcm at y {place.y}, x {place.x}" if place else "not tampered with"
    click.echo(f"{slices} phantom slices in {folder}: {truth}\nnext: medfake scan {folder}")


def _tracking() -> "TrackingParams":
    """Where the registry is: the params.yaml of the working folder says it."""
    from medfake.config import load_params

    return load_params().tracking


def _print(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    if rows:
        from rich.console import Console
        from rich.table import Table

        table = Table()
        for column in columns:
            table.add_column(column)
        for row in rows:
            table.add_row(*(_cell(row[column]) for column in columns))
        Console().print(table)


def _cell(value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


def main() -> None:
    """Entry point of the console script."""
    run(cli)


if __name__ == "__main__":
    main()
