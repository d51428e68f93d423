"""`medfake reproduce`: a training done again as it was, its figures compared."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from medfake.cli.finite import FiniteRange
from medfake.cli.json_option import json_option, write_listing
from medfake.cli.tables import print_table

if TYPE_CHECKING:
    from medfake.project import Project

_RUN_ID: Final = re.compile(r"[0-9a-f]{32}")  # MLflow's


@click.command()
@click.argument("run")
@click.option(
    "--tolerance", type=FiniteRange(min=0), default=0.0, show_default=True,
    help="Largest difference of a figure that counts as none.",
)  # fmt: skip
@click.option("--keep", is_flag=True, help="Keep the scratch folder, and say where it is.")
@json_option()
def reproduce(run: str, tolerance: float, keep: bool, json_file: Path | None) -> None:
    """Do RUN again from its code, params and data, and compare the figures.

    RUN is the id of an MLflow run, a package folder such as models/chest/RandomForest/seed-1, or a registered version:
    a number, champion or challenger. Everything happens in a scratch folder.
    """
    from medfake.experiments.reproduce import reproduce as do_again
    from medfake.outputs import json_format
    from medfake.project import Project

    project = Project.find()
    with _package(project, run) as package:
        done = do_again(
            project, package, tolerance=tolerance, keep=keep, say=lambda step: click.echo(f"{step} ...", err=True)
        )
    rows = [
        {"figure": one.name, "before": one.before, "again": one.again, "same": one not in done.differing}
        for one in done.pairs
    ]
    if write_listing(json_file, json_format("figures before and again", ("figure", "before", "again", "same")), rows):
        print_table([{**row, "same": "yes" if row["same"] else "NO"} for row in rows if _tells(row)], tuple(rows[0]))
    if done.folder:
        click.echo(f"kept: {done.folder}", err=True)
    done.require_same()
    exactly = "exactly" if not tolerance else f"within {tolerance:g}"
    click.echo(
        f"reproduced: all {len(rows)} figures of {done.card.detector} on {done.card.dataset}, seed {done.card.seed}, "
        f"are {exactly} those of before (commit {done.commit[:12]}, data from {done.data})",
        err=json_file is not None,
    )


def _tells(row: Mapping[str, object]) -> bool:
    """Figures that are undefined before and again tell nothing."""
    return row["before"] is not None or row["again"] is not None


@contextmanager
def _package(project: "Project", run: str) -> Iterator[Path]:
    from medfake.experiments.reproduce import package_of_run
    from medfake.registry.model_registry import ModelRegistry
    from medfake.tracking.store import Store

    if Path(run).is_dir():
        yield Path(run)
    elif _RUN_ID.fullmatch(run):
        with package_of_run(Store(project.tracking), run) as package:
            yield package
    else:
        opened = ModelRegistry(project.tracking)
        yield opened.package(opened.find(run))
