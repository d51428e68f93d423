"""A registered version: what the registry's tags and aliases say of it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from medfake.files import sha256_file
from medfake.package.card import AGGREGATION_FILE, CARD_FILE, ONNX_FILE, Card
from medfake.vocabulary import Modality, PositiveClass, Split

MODEL_NAME = "medfake-detector"
_FILES = "files_sha256"
_FIGURE = "val_"  # tags with the validation figures that promotion may compare


class Alias(StrEnum):
    """Names that move from version to version."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"


@dataclass(frozen=True)
class Version:
    """One registered detector.

    Attributes:
        aliases: "champion", "challenger" or none.
        package_sha256: Of its graphs, which name a package.
        card_sha256: Of its card; "" where none was kept.
        metric: Validation figure by which it was nominated; promotion compares this one.
        value: Of that figure; None where undefined.
        figures: All validation figures that are defined.
        positive: Class that some of them are of.
        modality: What made the images that it judges; CT of versions that are older than others.
        files: SHA-256 of every file that was registered, by its path in the stored model; empty in versions of old.
    """

    number: int
    aliases: tuple[str, ...]
    detector: str
    dataset: str
    dataset_sha256: str
    protocol: str
    evidence: str
    package_sha256: str
    card_sha256: str
    metric: str
    value: float | None
    run_id: str | None
    figures: dict[str, float]
    positive: str = PositiveClass.TAMPERED
    modality: str = Modality.CT
    files: Mapping[str, str] = field(default_factory=dict)


def package_sha256(package: Path) -> str:
    """What names a package: the digest of its graph, or of the digests of both where it has an aggregation, too."""
    graph, aggregation = sha256_file(package / ONNX_FILE), package / AGGREGATION_FILE
    if not aggregation.is_file():
        return graph
    return hashlib.sha256(f"{graph} {sha256_file(aggregation)}".encode()).hexdigest()


def card_sha256(package: Path) -> str:
    """Digest of a package's card."""
    return sha256_file(package / CARD_FILE)


def version_tags(card: Card, package: Path, metric: str, files: Mapping[str, str] | None = None) -> dict[str, str]:
    """What is kept of a package as tags of its version, for lists and comparisons without its files.

    A card without validation figures makes a version without them.

    Args:
        card: Of the package.
        package: Its folder.
        metric: The validation figure that promotion will compare.
        files: SHA-256 of what was stored, by path.
    """
    figures = card.metrics.get(Split.VAL, {})
    return {
        "detector": card.detector,
        "dataset": card.dataset,
        "dataset_sha256": card.dataset_sha256,
        "protocol": card.protocol,
        "evidence": card.evidence,
        "package_sha256": package_sha256(package),
        "card_sha256": card_sha256(package),
        "positive": card.positive,
        "modality": card.modality,
        "metric": metric,
        "value": repr(figures.get(metric)),
        _FILES: json.dumps(dict(files or {}), sort_keys=True),
        **{f"{_FIGURE}{name}": repr(value) for name, value in figures.items() if value is not None},
    }


def read_version(stored: Any, aliases: Iterable[str]) -> Version:
    """A version as MLflow keeps it, in this project's words."""
    tags = dict(stored.tags)
    value = tags.get("value", "None")
    return Version(
        number=int(stored.version),
        aliases=tuple(sorted(aliases)),
        detector=tags.get("detector", "unknown"),
        dataset=tags.get("dataset", "unknown"),
        dataset_sha256=tags.get("dataset_sha256", ""),
        protocol=tags.get("protocol", "unknown"),
        evidence=tags.get("evidence", "unknown"),
        package_sha256=tags.get("package_sha256", ""),
        card_sha256=tags.get("card_sha256", ""),
        metric=tags.get("metric", ""),
        value=None if value == "None" else float(value),
        run_id=stored.run_id,
        figures={key.removeprefix(_FIGURE): float(text) for key, text in tags.items() if key.startswith(_FIGURE)},
        positive=tags.get("positive", PositiveClass.TAMPERED),
        modality=tags.get("modality", Modality.CT),
        files=_files(tags.get(_FILES, "{}")),
    )


def _files(tag: str) -> dict[str, str]:
    try:
        return {str(name): str(digest) for name, digest in json.loads(tag).items()}
    except (ValueError, AttributeError):
        return {_FILES: tag}  # somebody changed it: no file is what it says
