"""What a registered version says of validation slices: as it was stored with it, or scored anew."""

from pathlib import Path
from typing import TYPE_CHECKING

from medfake.datasets.dataset import Dataset
from medfake.datasets.manifest import MANIFEST_FILE
from medfake.errors import ScanError
from medfake.experiments.reader_around import reader_for
from medfake.files import sha256_file
from medfake.metrics.predict import predict
from medfake.metrics.predictions import read_predictions
from medfake.package.card import PREDICTIONS_FILE, read_card
from medfake.project import Project
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.stored_files import PACKAGE
from medfake.registry.versions import Version
from medfake.vocabulary import Split

if TYPE_CHECKING:
    import pandas as pd


def data_of(version: Version, slices: Path) -> Dataset | None:
    """The data set that a version was measured on, if it lies here unchanged.

    Args:
        version: Names the set and its digest.
        slices: Folder of the data sets.
    """
    folder = slices / version.dataset
    manifest = folder / MANIFEST_FILE
    if not manifest.is_file() or sha256_file(manifest) != version.dataset_sha256:
        return None
    return Dataset.open(folder)


def stored_predictions(version: Version, package: Path) -> "pd.DataFrame | None":
    """What was stored with a version: its predictions of the validation slices that it was measured on.

    They may be out of fold, as those of a stack, whose graph has seen all of these slices: scored anew they would
    flatter it.

    Args:
        version: In the registry.
        package: Folder of its files.

    Returns:
        Columns as of predictions.parquet; None where none were stored, or where they are not those that were.
    """
    path, digest = package / PREDICTIONS_FILE, version.files.get(f"{PACKAGE}/{PREDICTIONS_FILE}")
    if digest is None or not path.is_file() or sha256_file(path) != digest:
        return None
    rows = read_predictions(path)
    return rows[rows["split"] == Split.VAL]


def predictions_on(version: Version, dataset: Dataset, registry: ModelRegistry, project: Project) -> "pd.DataFrame":
    """Score the validation split of a data set with a version's graphs.

    The version may have been trained on patients of that split, which flatters it. What looks along z is given the
    slices around those of the data set, as it was when its stored predictions were made.

    Args:
        version: In the registry.
        dataset: Its val split is scored.
        registry: Where the version is.
        project: Knows where the scans of the data set lie.

    Returns:
        Columns as of predictions.parquet.

    Raises:
        RegistryError: The version's files are gone or altered.
        ScanError: Its graph does not take these slices, or they are of another modality than it has learnt.
        SourceError: It looks along z, and the scans of the data set are not here.
        ConfigError: It looks along z, and params.yaml does not say where they are.
    """
    package = registry.package(version)
    card = read_card(package)
    if card.modality is not dataset.modality:
        raise ScanError(
            f"version {version.number} learnt from {card.modality}, and data set {dataset.name} is of "
            f"{dataset.modality}", where=f"version {version.number}",
            remedy="give each modality a registry of its own: another tracking.uri, or another project",
        )  # fmt: skip
    around = reader_for(project, dataset.name, card.detector)
    return predict(dataset, package, (Split.VAL,), card.detector, card.seed, around).rows
