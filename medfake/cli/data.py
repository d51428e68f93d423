"""`medfake data`: look at scans and their labels before anything is derived from them."""

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from medfake.cli.json_option import json_option, write_listing
from medfake.cli.places import at_root

if TYPE_CHECKING:
    from medfake.datasets.survey import Survey
    from medfake.dicom.header_cache import HeaderCache

TEMPLATE = """scan,type,slice,x,y,manipulation
hospital-a/scan-001,FM,57,212,301,CT-GAN
hospital-a/scan-002,FB,101,330,244,in-painting
hospital-a/scan-003,TM,88,190,275,
hospital-a/scan-004,TB,0,0,0,
"""
_COLUMNS = (
    ("scan", "folder of the scan, relative to this file"),
    ("type", "FM injected, FB removed (both tampered); TM a real nodule, TB nothing (both real)"),
    ("slice", "0-based, after sorting along the body from feet to head; unreadable slices count, copies of one do not"),
    ("x, y", "column and row of the place, px; 0 for TB"),
    ("manipulation", "may be left out: name of what made a tampered place; figures then have a row for each name"),
    ("sop_uid", "may be left out: SOP Instance UID of the slice, which then counts and not its number"),
)
_EXAMPLES = 5


@click.group()
def data() -> None:
    """Look at scans and their labels."""


@data.command()
@click.option("--out", type=click.Path(path_type=Path), help="Write it here instead of printing it.")
def template(out: Path | None) -> None:
    """Write an example label file for one's own scans."""
    if out is None:
        click.echo(TEMPLATE, nl=False)
    else:
        from medfake.outputs import is_standard_output, open_output, text_format

        with open_output(out, text_format("an unchanged example of labels", TEMPLATE, "--out", ".csv")) as file:
            file.write(TEMPLATE)
        click.echo(f"written: {out}", err=is_standard_output(out))
    for column, meaning in _COLUMNS:
        click.echo(f"  {column:12} {meaning}", err=True)
    click.echo(
        "A scan without rows is real.\nnext: save it as labels.csv beside the scans, then medfake data inspect FOLDER",
        err=True,
    )


@data.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--kind", help="ct_gan, lidc or folder; recognised by looking when left out.")
@json_option()
@click.option("--strict", is_flag=True, help="End with an error when there are faults.")
@click.option("--jobs", type=click.IntRange(min=1), default=os.cpu_count() or 1, help="Processes that read headers.")
def inspect(path: Path, kind: str | None, json_file: Path | None, strict: bool, jobs: int) -> None:
    """Say what is in PATH, without decoding a pixel."""
    from medfake.datasets.source_faults import summary
    from medfake.datasets.sources.registry import SOURCES
    from medfake.datasets.survey import Survey, survey
    from medfake.errors import SourceError
    from medfake.outputs import check_output, json_format

    if kind is not None and kind not in SOURCES:
        raise SourceError("no source is of this kind", received=kind, remedy=f"choose among {', '.join(SOURCES)}")
    output = json_format("a survey of scans", Survey.__annotations__)
    if json_file:
        check_output(json_file, output)
    found = survey(path, kind, jobs, _header_cache())
    if write_listing(json_file, output, found.as_json()):
        _print(found, path)
    if strict and found.problems:
        raise SourceError(
            f"{len(found.problems)} faults",
            where=path,
            received=summary(found.problems),
            remedy="mend them, or leave --strict out",
        )


def _header_cache() -> "HeaderCache | None":
    """Headers read before: the project's, or the user's outside of one; none where no file can be kept."""
    from medfake.dicom.header_cache import CACHE_FILE, HeaderCache
    from medfake.private_folders import user_cache
    from medfake.project import Project

    project = Project.around()
    folder = project.private if project and project.private.is_dir() else user_cache()
    try:
        return None if folder is None else HeaderCache(folder / CACHE_FILE)
    except OSError as error:
        logging.getLogger(__name__).warning("headers are read anew: no cache at %s (%s)", folder, error.strerror)
        return None


def _print(found: "Survey", path: Path) -> None:
    from medfake.vocabulary import Modality

    rows: list[tuple[str, dict[str, int]]] = [
        ("modalities", found.modalities),
        ("manipulations", found.manipulations),
        ("labelled places", found.sites),
        ("makers", found.makers),
        ("kernels", found.kernels),
        ("thickness, mm", found.thickness_mm),
        ("spacing, mm", found.spacing_mm),
        ("size", found.sizes),
        ("transfer syntax", found.transfer_syntaxes),
        ("skipped files", found.skipped),
    ]
    click.echo(f"{found.path}: {found.kind}, {found.scans} scans of {found.patients} patients, {found.slices} slices")
    for name, counts in rows:
        if counts:
            listed = [f"{number} x {word}" for word, number in list(counts.items())[:_EXAMPLES]]
            more = f", and {len(counts) - _EXAMPLES} more" if len(counts) > _EXAMPLES else ""
            click.echo(f"  {name:16} {', '.join(listed)}{more}")
    for note in found.notes:
        click.echo(f"  note             {note}")
    for problem in found.problems[:_EXAMPLES]:
        click.echo(f"  fault            {problem}")
    if len(found.problems) > _EXAMPLES:
        click.echo(f"  ... and {len(found.problems) - _EXAMPLES} faults more: --json lists them")
    named, command = _in_params(path)
    other = [word for word in found.modalities if word != Modality.CT]
    beside = f" with modality: {' or '.join(found.modalities)}" if other else ""
    entry = f"{{kind: {found.kind}, path: {named}}}{beside}"
    click.echo(f"next: name it under `datasets` in params.yaml as {entry}, then {command}")


def _in_params(path: Path) -> tuple[str, str]:
    """A source as params.yaml has to name it, where relative paths count from the root, and the command to go on."""
    from medfake.files import path_text
    from medfake.project import Project

    project = Project.around()
    if project is None:
        return path_text(path), "dvc repro"
    if project.root != Path.cwd() and not path.is_absolute():
        absolute = Path(os.path.normpath(path.absolute()))
        path = absolute.relative_to(project.root) if absolute.is_relative_to(project.root) else absolute
    return path_text(path), at_root("dvc repro", project)
