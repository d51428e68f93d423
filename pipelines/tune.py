"""Search a detector's options with Optuna, by the space in params.yaml; optional, and no stage of `dvc repro`."""

import difflib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from medfake.cli.command_line import run
from medfake.project import Project, block

_MARK = "\ufeff"  # byte order mark


@click.command(help=__doc__)
@click.option("--dataset", required=True, help="A key under `datasets` in params.yaml.")
@click.option("--detector", required=True, help="A key under `detectors` in params.yaml.")
@click.option("--trials", type=click.IntRange(min=1), help="Finished trials; as params.yaml says when left out.")
def main(dataset: str, detector: str, trials: int | None) -> None:
    """Work on a search; several workers may run this at a time."""
    from medfake.experiments.tune import tune
    from medfake.files import write_atomic

    project = Project.find()
    project.dataset(dataset)
    block(project.params.detectors, detector, "detectors")
    found = tune(project, dataset, detector, trials)
    reached = "lowest validation loss" if found.objective == "val_loss" else f"highest {found.objective} on validation"
    click.echo(f"{found.finished} trials, {found.pruned} of them pruned; {reached} {found.value:.4f}")
    for name, value in found.best.items():
        click.echo(f"  {name}: {value}")
    difference = patch(project.params_file, detector, found.best)
    path = project.reports / "tune" / f"{dataset}-{detector}.patch"
    with write_atomic(path) as file:
        file.write(difference)
    click.echo(f"next: git apply {path}, then dvc repro" if difference else "params.yaml has these values already")


def patch(params: Path, detector: str, best: Mapping[str, Any]) -> str:
    """What has to change in params.yaml, as a patch; comments, line ends and a byte order mark stay."""
    from ruamel.yaml import YAML

    from medfake.config.yaml_file import read_text

    before = read_text(params)
    yaml = YAML()
    yaml.width, yaml.preserve_quotes = 4096, True
    plain, text = io.StringIO(), before.removeprefix(_MARK).replace("\r\n", "\n")
    yaml.dump(yaml.load(text), plain)
    values = yaml.load(text)
    for name, value in best.items():
        inner = values["detectors"][detector]
        *outer, last = name.split(".")
        for part in outer:
            inner = inner.setdefault(part, {})
        inner[last] = value
    after = io.StringIO()
    yaml.dump(values, after)
    return _only_what_changed(before, plain.getvalue(), after.getvalue(), params.name)


def _only_what_changed(before: str, plain: str, after: str, name: str) -> str:
    """The patch of the file as it stands: lines that only the writer of YAML formats otherwise are left alone."""
    end = "\r\n" if "\r\n" in before else "\n"
    lines = before.splitlines(keepends=True)
    plain_lines, after_lines = (text.replace("\n", end).splitlines(keepends=True) for text in (plain, after))
    if len(lines) != len(plain_lines):  # it folds something: then the whole file is rewritten
        kept = after_lines
    else:
        kept = []
        for tag, first, last, other_first, other_last in difflib.SequenceMatcher(
            None, plain_lines, after_lines, autojunk=False
        ).get_opcodes():
            kept += lines[first:last] if tag == "equal" else after_lines[other_first:other_last]
    if before.startswith(_MARK) and not kept[0].startswith(_MARK):
        kept[0] = _MARK + kept[0]
    return "".join(difflib.unified_diff(lines, kept, f"a/{name}", f"b/{name}"))


if __name__ == "__main__":
    run(main)
