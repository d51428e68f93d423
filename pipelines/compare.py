"""Stage `compare`: put all trainings side by side, with intervals and the papers' figures."""

import click

from medfake.cli.command_line import run
from medfake.folders import PROBES, REPORTS
from pipelines.study import packages, read_study


@click.command(help=__doc__)
def main() -> None:
    """Compare the trainings of the study."""
    from rich.console import Console

    from medfake.files import write_atomic, write_json
    from medfake.metrics.bootstrap import Bootstrap
    from medfake.metrics.predictions import read_predictions
    from medfake.package.card import PREDICTIONS_FILE, read_card
    from medfake.probes.report import read_probes
    from medfake.reports.compare import compare
    from medfake.reports.entry import Entry
    from medfake.reports.plots import all_roc_points
    from medfake.reports.report import probe_panel, write_report
    from medfake.tracking.revisions import git_revision

    params = read_study()
    entries = [
        Entry.from_card(card, read_predictions(package / PREDICTIONS_FILE))
        for package in packages(params)
        for card in [read_card(package)]
    ]
    comparison = compare(entries, Bootstrap.of(params.evaluation))
    for name, text in (("comparison.md", comparison.to_markdown()), ("comparison.json", comparison.to_json())):
        with write_atomic(REPORTS / name) as file:
            file.write(text)
    write_json(REPORTS / "roc.json", all_roc_points(comparison))
    panels = [probe_panel(read_probes(PROBES / f"{name}.json")) for name in params.train.datasets]
    write_report(
        REPORTS / "comparison.html", comparison, study=params.study, git_revision=git_revision(), panels=panels
    )
    comparison.render(Console())


if __name__ == "__main__":
    run(main)
