"""The `medfake` command: parse and print; the work lives elsewhere, heavy imports stand inside functions."""

from pathlib import Path

import click

from medfake import __version__
from medfake.cli.calibrate import calibrate
from medfake.cli.command_line import run
from medfake.cli.data import data
from medfake.cli.explain import explain
from medfake.cli.json_option import json_option, write_listing
from medfake.cli.monitor import monitor
from medfake.cli.pacs import pacs
from medfake.cli.registry import promote, registry, rollback
from medfake.cli.reproduce import reproduce
from medfake.cli.scan import scan
from medfake.cli.seal import seal, verify
from medfake.cli.serve import serve
from medfake.cli.study import study
from medfake.cli.tables import print_table
from medfake.vocabulary import Modality

_RESEARCH_ONLY = "Research use only, not a diagnostic device."


@click.group(help=f"Tell tampered chest CT from real. {_RESEARCH_ONLY}")
@click.version_option(__version__, package_name="medfake")
def cli() -> None:
    """The command group."""


COMMANDS = (
    scan, calibrate, serve, pacs, data, explain, study, reproduce, promote, rollback, registry, monitor, seal,
    verify,
)  # fmt: skip
for command in COMMANDS:
    cli.add_command(command)


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
@click.option("--modality", type=click.Choice([str(one) for one in Modality]), default="CT", show_default=True)
@click.option("--slices", type=click.IntRange(min=24), default=40, show_default=True, help="Of CT and MR.")
@click.option(
    "--manipulation",
    help="injection, removal and others in CT, lesion in MR, shadow in X-ray, tissue-fill in both. Left out: an "
    "untampered scan.",
)
def phantom(folder: Path, seed: int, modality: str, slices: int, manipulation: str | None) -> None:
    """Write one phantom scan into FOLDER, new, empty or of an earlier phantom, to try `medfake scan` on."""
    from medfake.phantom import write_patient

    kind = Modality(modality)
    many = slices if kind.is_stack else 1
    place = write_patient(folder, seed, many, manipulation, modality=kind)
    truth = f"{manipulation} in {place.z}.dcm at y {place.y}, x {place.x}" if place else "not tampered with"
    click.echo(f"{many} phantom slice{'' if many == 1 else 's'} in {folder}: {truth}")
    learnt = "" if kind is Modality.CT else " --model models/DATASET/DETECTOR/seed-1"  # the built-in one knows CT alone
    click.echo(f"next: medfake scan {folder}{learnt}")


def main() -> None:
    """Entry point of the console script."""
    run(cli)


if __name__ == "__main__":
    main()
