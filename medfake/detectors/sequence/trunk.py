"""What sees single slices: a package that is named, or a ResidualCNN that is trained first."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from medfake.detectors.context import TrainingContext
from medfake.detectors.forensic.fit import train_forensic
from medfake.detectors.forensic.pooled import with_embedding
from medfake.detectors.registry import DetectorSpec, detector_spec
from medfake.detectors.sequence.options import SliceWindowOptions
from medfake.detectors.stored_network import has_network, load_network
from medfake.errors import TrainingError
from medfake.files import sha256_file
from medfake.package.card import KERAS_FILE, ONNX_FILE, Agreement, Card, read_card, require_graph
from medfake.package.export import export_keras
from medfake.package.scorer import EMBEDDING_OUTPUT, Scorer
from medfake.vocabulary import Split

OWN: Final = "ResidualCNN"
_SAMPLE: Final = 4  # validation slices on which Keras and ONNX must agree
_LACKS: Final = (
    ("maps of places", "name one of a ResidualCNN or of ResidualStatistics"),
    ("embedding of slices", "name one of a network on a backbone, or of a ResidualCNN with its detector.keras"),
)

SequenceContext = TrainingContext[DetectorSpec, SliceWindowOptions]


@dataclass(frozen=True)
class Trunk:
    """A detector of slices, stored.

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

    def open(self, looks_at: Sequence[str]) -> Scorer:
        """Its graph.

        Args:
            looks_at: Outputs that sequences are made of.

        Raises:
            TrainingError: It does not give them.
        """
        scorer = Scorer(require_graph(self.folder))
        if not set(looks_at) <= set(scorer.outputs):
            missing, remedy = _LACKS[EMBEDDING_OUTPUT in looks_at]
            raise TrainingError(
                f"the package that sequences are to be made of gives no {missing}", where=self.folder.name,
                received=", ".join(scorer.outputs), remedy=remedy,
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

    A ResidualCNN of which an embedding is wanted is stored anew with one.

    Raises:
        TrainingError: It cannot be trained, or learnt from another modality, or another question.
        ManifestError: The package that is named is not whole.
    """
    options = context.options
    wants_embedding = EMBEDDING_OUTPUT in options.looks_at
    if options.package is not None:
        package = Path(options.package)
        card = read_card(package)
        _require_fit(card, context)
        weights = {"kind": "package", "sha256": package_sha256(options)}
        trunk = Trunk(package, card.agreement, card.parameters, weights)
        pooled = wants_embedding and not _gives_embedding(package) and card.detector == OWN and has_network(package)
        return _with_embedding(trunk, context, folder) if pooled else trunk
    trained = train_forensic(
        TrainingContext(
            spec=detector_spec(OWN), options=options.trunk, dataset=context.dataset, seed=context.seed,
            features=context.features, state=context.state, on_epoch=context.on_epoch,
        )
    )  # fmt: skip
    trunk = Trunk(folder, trained.save(folder), trained.parameters, trained.weights)
    return _with_embedding(trunk, context, folder) if wants_embedding else trunk


def _require_fit(card: Card, context: SequenceContext) -> None:
    dataset = context.dataset
    if (card.modality, card.task) != (dataset.modality, dataset.task):
        raise TrainingError(
            "the package that sequences are to be made of learnt something else than the data set teaches",
            where=f"detectors.{context.spec.name}.package",
            received=f"{card.detector} of {card.modality} and {card.task}, for {dataset.modality} and {dataset.task}",
            remedy="name one of this modality and question, or leave `package` out: a trunk is trained then",
        )  # fmt: skip


def _gives_embedding(package: Path) -> bool:
    return EMBEDDING_OUTPUT in Scorer(require_graph(package)).outputs


def _with_embedding(trunk: Trunk, context: SequenceContext, folder: Path) -> Trunk:
    """A ResidualCNN stored anew, with an embedding of slices in place of its maps."""
    network, pooled = load_network(trunk.folder), folder / "pooled"
    pooled.mkdir()
    dataset = context.dataset
    sample = dataset.slices(dataset.split(Split.VAL).iloc[:_SAMPLE])
    return replace(trunk, folder=pooled, agreement=export_keras(with_embedding(network), pooled, sample))


def package_sha256(options: SliceWindowOptions) -> str | None:
    """Of the graph that is taken as it is; None where a trunk is trained first.

    Raises:
        ManifestError: It is missing.
    """
    return None if options.package is None else sha256_file(require_graph(Path(options.package)))
