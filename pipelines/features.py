"""Stage `features`: pooled features of a frozen backbone, once for all seeds; other detectors have none."""

import click

from medfake.cli.command_line import run
from medfake.project import Project, block

NO_FEATURES_FILE = "none.json"  # the matrix of stages has a folder for every detector


@click.command(help=__doc__)
@click.option("--dataset", required=True, help="A key under `datasets` in params.yaml.")
@click.option("--detector", required=True, help="A key under `detectors` in params.yaml.")
def main(dataset: str, detector: str) -> None:
    """Compute the features of one data set and backbone, unless they are there."""
    from medfake.datasets.dataset import Dataset
    from medfake.detectors.families import family_of
    from medfake.detectors.registry import detector_spec, validate_options
    from medfake.files import write_json

    project = Project.find()
    project.dataset(dataset)
    options = validate_options(detector, block(project.params.detectors, detector, "detectors"))
    spec, folder = detector_spec(detector), project.features_of(dataset, detector)
    click.echo(family_of(spec).prepare(spec, options, Dataset.open(project.slices / dataset), folder))
    if not any(folder.iterdir()):
        write_json(folder / NO_FEATURES_FILE, {"detector": detector, "features": 0})  # DVC warns of empty outs


if __name__ == "__main__":
    run(main)
