"""Tell in a package's card what `measure` found on scans that it has not learnt from, and what it learnt from."""

from pathlib import Path

import click

from medfake.cli.command_line import run


@click.command(help=__doc__)
@click.option("--package", type=click.Path(path_type=Path), required=True, help="Folder of the package.")
@click.option(
    "--measured", type=click.Path(path_type=Path), multiple=True,
    help="reports/forensics/NAME.json of this very package; may be repeated.",
)  # fmt: skip
@click.option("--source", multiple=True, help="What its training scans are, with their licence; may be repeated.")
def main(package: Path, measured: tuple[Path, ...], source: tuple[str, ...]) -> None:
    """Write the card anew."""
    from medfake.metrics.card_figures import card_with
    from medfake.package.card import graph_digests, read_card, write_card

    for one in measured:
        write_card(card_with(package, one), package)
    facts: dict[str, object] = {"graphs": graph_digests(package)}
    if source:
        facts["sources"] = source
    write_card(read_card(package).model_copy(update=facts), package)
    click.echo(f"next: medfake registry show {package}")


if __name__ == "__main__":
    run(main)
