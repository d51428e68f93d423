"""Stage `timings`: measure how long a step of each stored package takes on this machine, and how large it is."""

import click

from medfake.cli.command_line import run
from medfake.project import Project


@click.command(help=__doc__)
def main() -> None:
    """Measure packages; one whose graphs did not change keeps what was measured on this machine."""
    from medfake.datasets.dataset import Dataset
    from medfake.metrics.timings import BATCHES, SINGLE, Timings, read_timings, still_true, this_machine, time_package
    from medfake.package.card import CARD_FILE
    from medfake.progress import track
    from medfake.vocabulary import Split

    project = Project.find()
    there = [path for path in project.packages() if (path / CARD_FILE).is_file()]
    packages = {"/".join(path.parts[-3:]): path for path in there}
    path = project.timings
    measured = still_true(read_timings(path) if path.is_file() else None, packages.items())
    left = [name for name in packages if name not in measured]
    for name in track(left, "timing packages", len(left)):
        dataset = Dataset.open(project.slices / packages[name].parts[-3])
        slices = next(dataset.batches(dataset.split(Split.VAL), max(BATCHES)))
        measured[name] = time_package(packages[name], slices)
    timings = Timings(this_machine(), measured)
    timings.write(path)
    click.echo(f"steps on {timings.machine.sentence}: {len(left)} measured, {len(measured) - len(left)} unchanged")
    for name, one in sorted(measured.items()):
        step = one.steps[SINGLE]
        click.echo(f"{name}: {step.mean_ms:.1f} ± {step.deviation_ms:.1f} ms a slice, {one.graph_bytes / 1e6:.1f} MB")


if __name__ == "__main__":
    run(main)
