"""Stage `compare`: put all trainings side by side, with intervals and the papers' figures."""

import click

from medfake.command_line import run
from medfake.folders import PROBES, REPORTS
from pipelines.study import packages, read_study


@click.command(help=__doc__)
def main() -> None:
    """Compare the trainings of the study."""
    from rich.console import Console

    from medfake.detectors.card import PREDICTIONS_FILE, read_card
    from medfake.evaluation.bootstrap import Bootstrap
    from medfake.evaluation.compare import compare
    from medfake.evaluation.entry import Entry
    from medfake.evaluation.plots import all_roc_points
    from medfake.evaluation.predictions import read_predictions
    from medfake.evaluation.probes.registry import read_probes
    from medfake.evaluation.report import write_report
    from medfake.files import write_atomic, write_json
    from medfake.registry.tracking import git_revision

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
    panels = [read_probes(PROBES / f"{name}.json").as_panel() for name in params.train.datasets]
    write_report(
        REPORTS / "comparison.html", comparison, study=params.study, git_revision=git_revision(), panels=panels
    )
    comparison.render(Console())


if __name__ == "__main__":
    run(main)
