"""Which detector to scan with: the champion, a version, or a package on disk."""

from dataclasses import dataclass
from pathlib import Path

from medfake.errors import ManifestError, ScanError
from medfake.package.card import ONNX_FILE, Card
from medfake.package.scan_scorer import ScanScorer, open_package
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.versions import MODEL_NAME, Alias


@dataclass(frozen=True)
class Model:
    """A detector ready to score.

    Attributes:
        name: How it was asked for, e.g. "medfake-detector version 3 (champion)".
    """

    name: str
    scorer: ScanScorer

    @property
    def card(self) -> Card:
        """Of the detector."""
        return self.scorer.card


def open_model(wanted: str | None, registry: ModelRegistry | None) -> Model:
    """Open a detector without TensorFlow.

    Args:
        wanted: None for the champion, a version number, an alias, "models:/medfake-detector/3", or a package folder or
            its detector.onnx.
        registry: Where versions are; None when a package on disk is wanted.

    Raises:
        NoChampionError: Nothing was promoted yet.
        RegistryError: There is no such version.
        ManifestError: The package is not whole.
        ScanError: The detector does not judge whole slices.
    """
    if wanted and Path(wanted).exists():
        if Path(wanted).is_file() and Path(wanted).name != ONNX_FILE:
            raise ManifestError(
                f"a detector on disk is a package folder or its {ONNX_FILE}", where=wanted,
                remedy="give a folder below models/",
            )  # fmt: skip
        folder = Path(wanted).parent if Path(wanted).is_file() else Path(wanted)
        return _open(folder, f"package {folder.name}")
    if registry is None:
        raise ScanError("there is no such package", where=wanted, remedy="give a folder below models/")
    label = (wanted or Alias.CHAMPION).removeprefix(f"models:/{MODEL_NAME}/").removeprefix(f"models:/{MODEL_NAME}@")
    version = registry.find(label)
    aliases = f" ({', '.join(version.aliases)})" if version.aliases else ""
    return _open(registry.package(version), f"{MODEL_NAME} version {version.number}{aliases}")


def _open(folder: Path, name: str) -> Model:
    if not (folder / ONNX_FILE).is_file():
        raise ManifestError("no detector.onnx in this package", where=folder, remedy="give a folder below models/")
    scorer = open_package(folder)
    if scorer.card.view != "whole":
        raise ScanError(
            "this detector judges parts of slices, and a scan has whole ones", where=name,
            received=f"view {scorer.card.view}",
            remedy="scan with a detector of a data set whose view is whole",
        )  # fmt: skip
    return Model(name, scorer)
