"""What sees single slices: a package of maps that is named, or a ResidualCNN that is trained first."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from medfake.detectors.context import TrainingContext
from medfake.detectors.forensic.fit import train_forensic
from medfake.detectors.registry import DetectorSpec, detector_spec
from medfake.detectors.sequence.options import SliceWindowOptions
from medfake.errors import TrainingError
from medfake.files import sha256_file
from medfake.package.card import KERAS_FILE, ONNX_FILE, Agreement, read_card, require_graph
from medfake.package.scorer import Scorer

OWN: Final = "ResidualCNN"

SequenceContext = TrainingContext[DetectorSpec, SliceWindowOptions]


@dataclass(frozen=True)
class Trunk:
    """A detector of slices with maps of places, stored.

    Attributes:
        folder: With its detector.onnx, and detector.keras where it has one.
        agreement: Of the two.
        parameters: Of the network; None where the package does not say.
        weights: kind and sha256 of what the training began with.
    """

    folder: Path
    agreement: Agreement
    parameters: int | None
    weights: dict[str, str | None]

    def open(self) -> Scorer:
        """Its graph.

        Raises:
            TrainingError: It gives no maps of places.
        """
        scorer = Scorer(require_graph(self.folder))
        if not scorer.gives_places:
            raise TrainingError(
                "the package that sequences are to be made of gives no maps of places", where=self.folder.name,
                received=", ".join(scorer.outputs), remedy="name one of a ResidualCNN or of ResidualStatistics",
            )  # fmt: skip
        return scorer

    def copy_to(self, folder: Path) -> Agreement:
        """Put its graphs into another package."""
        for name in (ONNX_FILE, KERAS_FILE):
            if (self.folder / name).is_file():
                shutil.copyfile(self.folder / name, folder / name)
        return self.agreement


def trunk_of(context: SequenceContext, folder: Path) -> Trunk:
    """The package that the options name, or a ResidualCNN, trained on the data set and stored in a folder.

    Raises:
        TrainingError: It cannot be trained.
        ManifestError: The package that is named is not whole.
    """
    options = context.options
    if options.package is not None:
        package = Path(options.package)
        card = read_card(package)
        return Trunk(package, card.agreement, card.parameters, {"kind": "package", "sha256": package_sha256(options)})
    trained = train_forensic(
        TrainingContext(
            spec=detector_spec(OWN), options=options.trunk, dataset=context.dataset, seed=context.seed,
            features=context.features, state=context.state, on_epoch=context.on_epoch,
        )
    )  # fmt: skip
    return Trunk(folder, trained.save(folder), trained.parameters, trained.weights)


def package_sha256(options: SliceWindowOptions) -> str | None:
    """Of the graph that is taken as it is; None where a trunk is trained first.

    Raises:
        ManifestError: It is missing.
    """
    return None if options.package is None else sha256_file(require_graph(Path(options.package)))
