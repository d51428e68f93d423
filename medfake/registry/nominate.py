"""The best detector of a study becomes challenger; the validation split decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medfake.config import TrackingParams
from medfake.errors import RegistryError
from medfake.package.card import ONNX_FILE, Card, read_card
from medfake.registry.registration import MODEL_NAME, package_sha256, register
from medfake.registry.versions import CHALLENGER, list_versions, package_of
from medfake.tracking.runs import connect
from medfake.tracking.store_errors import translated


@dataclass(frozen=True)
class Nomination:
    """Who became challenger and why.

    Attributes:
        table: Validation figure of every candidate, best first.
    """

    version: int
    detector: str
    dataset: str
    seed: int
    metric: str
    value: float
    table: tuple[tuple[str, float | None], ...]


def nominate(packages: Sequence[Path], metric: str, tracking: TrackingParams) -> Nomination | None:
    """Register the best package and make it challenger.

    Ties go to the smaller graph, then to the name. The same package is not registered twice. Only detectors of whole
    slices stand: others need a view that scanning does not make.

    Args:
        packages: Model packages of the study.
        metric: A validation figure; the test split chooses nothing.
        tracking: Where.

    Returns:
        None when no detector of the study judges whole slices.

    Raises:
        RegistryError: No package has the figure.
    """
    read = {package: read_card(package) for package in packages}
    cards = {package: card for package, card in read.items() if card.view == "whole"}
    if read and not cards:
        return None
    ranked = sorted(cards, key=lambda package: _rank(package, cards[package], metric))
    table = tuple((_name(cards[package]), cards[package].metrics["val"].get(metric)) for package in ranked)
    best = cards[ranked[0]] if ranked else None
    value = best.metrics["val"].get(metric) if best else None
    if best is None or value is None:
        raise RegistryError(
            "no detector has the figure that nominates", where="nominate.metric in params.yaml", received=metric,
            remedy="dvc repro train, or choose another figure",
        )  # fmt: skip
    digest = package_sha256(ranked[0])
    number = _known(digest, metric, tracking) or register(ranked[0], metric, tracking)
    client = connect(tracking)
    with translated(tracking.uri):
        client.set_registered_model_alias(MODEL_NAME, CHALLENGER, str(number))
    return Nomination(number, best.detector, best.dataset, best.seed, metric, value, table)


def _known(digest: str, metric: str, tracking: TrackingParams) -> int | None:
    """The newest version of the very same package, measured by the same figure, whose files are still there."""
    for version in list_versions(tracking):
        if (version.package_sha256, version.metric) == (digest, metric):
            try:
                package_of(tracking, version)
            except RegistryError:
                continue
            return version.number
    return None


def _rank(package: Path, card: Card, metric: str) -> tuple[float, int, str]:
    value = card.metrics["val"].get(metric)
    return (-value if value is not None else 1.0, (package / ONNX_FILE).stat().st_size, _name(card))


def _name(card: Card) -> str:
    return f"{card.detector} on {card.dataset}, seed {card.seed}"
