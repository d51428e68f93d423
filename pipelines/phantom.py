"""Stage `phantom`: write the built-in phantom as the two trees that the public data has."""

import click

from medfake.cli.command_line import run
from medfake.folders import RAW
from pipelines.study import all_cores, block, read_study


@click.command(help=__doc__)
@click.option("--name", required=True, help="A key under `phantom` in params.yaml.")
def main(name: str) -> None:
    """Write one phantom set."""
    from medfake.datasets.sources.phantom import write_phantom

    write_phantom(RAW / name, block(read_study().phantom, name, "phantom"), all_cores())


if __name__ == "__main__":
    run(main)
