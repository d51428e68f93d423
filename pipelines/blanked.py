"""Stage `blanked`: score trainings again with the manipulated place blanked, if `probes.blanked` says so."""

import shutil
from functools import partial

import click

from medfake.cli.command_line import run
from medfake.project import Project


@click.command(help=__doc__)
def main() -> None:
    """Say of every training of the first seed what it reads."""
    from medfake.datasets.dataset import SOURCES_APART, Dataset
    from medfake.experiments.reader_around import reader_for
    from medfake.files import write_json
    from medfake.metrics.bootstrap import Bootstrap
    from medfake.package.card import CARD_FILE
    from medfake.probes.blanked import measure_blanked

    project = Project.find()
    params = project.params
    shutil.rmtree(project.blanked, ignore_errors=True)
    measured = params.train.datasets if params.probes.blanked else []
    for name in measured:
        packages = [project.package_of(name, detector, params.train.seeds[0]) for detector in params.train.detectors]
        there = [one for one in packages if (one / CARD_FILE).is_file()]
        dataset, bootstrap = Dataset.open(project.slices / name), Bootstrap.of(params.evaluation)
        report = measure_blanked(dataset, there, bootstrap, params.probes.seed, partial(reader_for, project, name))
        report.write(project.blanked / f"{name}.json")
        for one in report.trainings:
            figures = f"slice AUC {one.as_is}, with the site blanked {one.site}"
            click.echo(f"{name}, {one.detector}: {figures}. {one.reads.sentence}")
        if report.sources_apart:
            click.echo(f"note: {SOURCES_APART}")
    write_json(project.blanked / "measured.json", measured)  # DVC warns of empty outs
    if not measured:
        click.echo("nothing is scored with the site blanked: probes.blanked in params.yaml is false")


if __name__ == "__main__":
    run(main)
