"""Stage `compare`: put all trainings side by side, with intervals and the papers' figures."""

import click

from medfake.cli.command_line import run
from medfake.project import Project


@click.command(help=__doc__)
def main() -> None:
    """Compare the trainings of the study; one that has no package is said to be missing and stops no other."""
    from rich.console import Console

    from medfake.files import write_atomic, write_json
    from medfake.reports.compare import compare_study
    from medfake.reports.entry import read_entries
    from medfake.reports.markdown import to_markdown
    from medfake.reports.metrics_files import to_json
    from medfake.reports.notes import absent_text
    from medfake.reports.roc_points import all_roc_points
    from medfake.reports.terminal import render

    project = Project.find()
    params = project.params
    entries, absent = read_entries(project.packages())
    if absent:
        click.echo(absent_text(absent), err=True)
    comparison = compare_study(entries, params, absent)
    texts = {
        "comparison.md": to_markdown(comparison),
        "comparison.json": to_json(comparison),
    }
    for name, text in texts.items():
        with write_atomic(project.reports / name) as file:
            file.write(text)
    write_json(project.reports / "roc.json", all_roc_points(comparison))
    render(comparison, Console())


if __name__ == "__main__":
    run(main)
