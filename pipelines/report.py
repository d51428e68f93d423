"""Stage `report`: write all that was found onto one page."""

import click

from medfake.cli.command_line import run
from medfake.project import Project


@click.command(help=__doc__)
def main() -> None:
    """Write reports/report.html."""
    from medfake.cli.places import from_here
    from medfake.reports.compare import compare_study
    from medfake.reports.entry import read_entries
    from medfake.reports.report import About, write_report
    from medfake.reports.sections.registry import ReportInput, written_sections
    from medfake.tracking.comparison_link import comparison_link
    from medfake.tracking.revisions import git_revision
    from medfake.tracking.store import Store
    from mlflow_server.server import page_address

    project = Project.find()
    params = project.params
    entries, absent = read_entries(project.packages())
    comparison = compare_study(entries, params, absent)
    given = ReportInput(comparison=comparison, params=params, reports=project.reports)
    path = project.reports / "report.html"
    beside = comparison_link(Store(params.tracking), params.study)
    about = About(
        study=params.study,
        git_revision=git_revision(project.root),
        link=page_address(project.tracking, beside.path) if beside else "",
    )
    write_report(path, comparison, written_sections(given), about)
    click.echo(f"next: xdg-open {from_here(path)}")


if __name__ == "__main__":
    run(main)
