"""The `medfake` command: parse and print; the work lives elsewhere, heavy imports stand inside functions."""

import os
from pathlib import Path

import click

from medfake import __version__
from medfake.cli.command_line import run
from medfake.cli.data import data
from medfake.cli.explain import explain
from medfake.cli.json_option import json_option, write_listing
from medfake.cli.registry import promote, registry, rollback
from medfake.cli.reproduce import reproduce
from medfake.cli.serve import serve
from medfake.cli.study import study
from medfake.cli.tables import print_table

_RESEARCH_ONLY = "Research use only, not a diagnostic device."


@click.group(help=f"Tell tampered chest CT from real. {_RESEARCH_ONLY}")
@click.version_option(__version__, package_name="medfake")
def cli() -> None:
    """The command group."""


for command in (data, explain, serve, study, reproduce, promote, rollback, registry):
    cli.add_command(command)


@cli.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--model",
    help="Version, alias, package folder, .onnx file, or builtin; left out, the champion or else the built-in.",
)
@json_option(any_name=True)
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), help="Write one row a slice here; - as for --json.")
@click.option("--jobs", type=click.IntRange(min=1), default=os.cpu_count() or 1, help="Processes that read headers.")
def scan(paths: tuple[Path, ...], model: str | None, json_file: Path | None, csv_file: Path | None, jobs: int) -> None:
    """Say of every CT series below PATHS whether it was tampered with."""
    from rich.console import Console

    from medfake.files import path_text
    from medfake.outputs import check_output, is_standard_output
    from medfake.serving.model import open_here
    from medfake.serving.report import CSV_OUTPUT, JSON_OUTPUT
    from medfake.serving.scan import scan_paths

    outputs = [(file, kind) for file, kind in ((json_file, JSON_OUTPUT), (csv_file, CSV_OUTPUT)) if file]
    for file, kind in outputs:
        check_output(file, kind)
    if len({file.resolve() for file, _ in outputs}) < len(outputs):
        raise click.UsageError("--json and --csv name the same file")
    report = scan_paths(paths, open_here(model), jobs)
    taken = any(is_standard_output(file) for file, _ in outputs)
    if report.scans:
        report.render(Console(stderr=taken))  # first: a disk that has become full loses no verdict
    if json_file:
        report.write_json(json_file)
    if csv_file:
        report.write_csv(csv_file)
    report.require_scans(paths)
    written = " ".join(path_text(file) for file, _ in outputs if not is_standard_output(file))
    if written:
        click.echo(f"written: {written}", err=taken)
    elif not taken:
        click.echo("next: the same with --json FILE for every slice and site")


@cli.command()
@click.argument("pattern", default="*")
@json_option()
def backbones(pattern: str, json_file: Path | None) -> None:
    """List backbones by name, e.g. medfake backbones 'MobileNet*'."""
    from medfake.detectors.backbone.spec import backbone_specs
    from medfake.outputs import json_format

    columns = ("name", "parameters", "parameters_with_head", "input_contract", "feature_width", "paper")
    rows = [
        {
            "name": one.name,
            "parameters": one.parameters,
            "parameters_with_head": one.parameters_with_head(),
            "input_contract": one.contract,
            "feature_width": one.feature_width,
            "paper": one.paper,
        }
        for one in backbone_specs(pattern)
    ]
    if not write_listing(json_file, json_format("a list of backbones", columns), rows):
        return
    print_table(rows, columns)


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seed", type=click.IntRange(min=0), required=True, help="Of the patient.")
@click.option("--slices", type=click.IntRange(min=24), default=40, show_default=True)
@click.option("--manipulation", type=click.Choice(["injection", "removal"]), help="Left out: an untampered scan.")
def phantom(folder: Path, seed: int, slices: int, manipulation: str | None) -> None:
    """Write one phantom scan into FOLDER, new, empty or of an earlier phantom, to try `medfake scan` on."""
    from medfake.phantom import write_patient

    place = write_patient(folder, seed, slices, manipulation)
    truth = f"{manipulation} in {place.z}.dcm at y {place.y}, x {place.x}" if place else "not tampered with"
    click.echo(f"{slices} phantom slices in {folder}: {truth}\nnext: medfake scan {folder}")


def main() -> None:
    """Entry point of the console script."""
    run(cli)


if __name__ == "__main__":
    main()
