"""`medfake explain`: pictures of what a detector looks at; the work lives in medfake.serving.explain."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from medfake.cli.json_option import json_option

if TYPE_CHECKING:
    from medfake.serving.pictures import SliceExplained


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", help="As of medfake scan; left out, the champion or else the built-in detector.")
@click.option(
    "--method", help="own-map, grad-cam (a network, with TensorFlow) or occlusion; left out, what fits the detector."
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("explanations"), show_default=True, help="Folder for PNGs."
)
@click.option("--slices", type=click.IntRange(min=1), default=3, show_default=True, help="Strongest ones of each scan.")
@json_option(any_name=True)
@click.option("--jobs", type=click.IntRange(min=1), default=os.cpu_count() or 1, help="Processes that read headers.")
def explain(
    paths: tuple[Path, ...], model: str | None, method: str | None, out: Path, slices: int, json_file: Path | None,
    jobs: int,
) -> None:  # fmt: skip
    """Draw what a detector looks at in the strongest slices of every scan below PATHS."""
    from medfake.cli.tables import print_table
    from medfake.errors import ScanError
    from medfake.files import path_text
    from medfake.outputs import check_output, is_standard_output, write_json_output
    from medfake.serving.explain import JSON_OUTPUT, explain_paths
    from medfake.serving.model import open_here
    from medfake.serving.report import reasons

    if json_file:
        check_output(json_file, JSON_OUTPUT)
    report = explain_paths(list(paths), open_here(model), out, method=method, slices=slices, jobs=jobs)
    taken = json_file is not None and is_standard_output(json_file)
    if json_file:
        write_json_output(json_file, JSON_OUTPUT, report.as_json())
    if not report.slices:
        raise ScanError(
            "nothing to explain", where=", ".join(map(path_text, paths)),
            received=f"{len(report.skipped)} files without a score: {reasons(report.skipped)}",
            remedy="medfake scan PATH tells why of every file",
        )  # fmt: skip
    if not taken:
        print_table([_row(one) for one in report.slices], ("picture", "P(tampered)", "peak"))
    if report.skipped:
        click.echo(f"skipped {len(report.skipped)} files: {reasons(report.skipped)}", err=True)
    click.echo(
        f"{report.model['name']}, {report.method}: {report.says}. The brightest colour is each picture's own highest "
        "value, and the cross its peak; neither is proof.",
        err=taken,
    )
    click.echo(f"next: xdg-open {path_text(out)}", err=taken)


def _row(one: "SliceExplained") -> dict[str, object]:
    peak = None if one.peak_y is None else f"row {one.peak_y:.0f}, column {one.peak_x:.0f}"
    return {"picture": Path(one.picture).name, "P(tampered)": one.p_tampered, "peak": peak}
