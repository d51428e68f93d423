"""A registered version measured anew, on the data of another one."""

from pathlib import Path

from medfake.datasets.dataset import Dataset
from medfake.datasets.manifest import MANIFEST_FILE
from medfake.files import sha256_file
from medfake.metrics.binary import measure
from medfake.metrics.predict import predict
from medfake.package.card import read_card
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.versions import Version
from medfake.vocabulary import PositiveClass, Split


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


def validation_figure(
    version: Version, dataset: Dataset, metric: str, registry: ModelRegistry, positive: str
) -> float | None:
    """A version's figure on the validation split of a data set, at the version's own stored threshold.

    The version may have been trained on patients of that split, which flatters it.

    Args:
        version: In the registry.
        dataset: Its val split is scored.
        metric: Name of the figure.
        registry: Where the version is.
        positive: Class that the figure is of, where it is of one.

    Raises:
        RegistryError: The version's files are gone.
        ScanError: Its graph does not take these slices.
    """
    package = registry.package(version)
    card = read_card(package)
    predictions = predict(dataset, package, (Split.VAL,), card.detector, card.seed).rows
    figure: float | None = measure(predictions, card.threshold, PositiveClass(positive)).values()[metric]
    return figure
