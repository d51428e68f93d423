"""A built data set, opened for reading."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.datasets.manifest import FACTS_FILE, MANIFEST_FILE, SITES_FILE, read_manifest
from medfake.errors import ManifestError
from medfake.files import in_a_word, sha256_file
from medfake.remedies import Stage, rerun
from medfake.vocabulary import Evidence, Modality

SOURCES_APART = (
    "No source has slices of both classes: tampered and real slices differ in scanner and export as well, so that "
    "figures of slices and scans also measure the source. What is left with the site blanked is not the manipulation."
)
STORED_SPLIT = "stored_split"  # column of a manifest whose splits are those of a fold


@dataclass(frozen=True)
class Dataset:
    """Manifest, sites and shards of one data set.

    Attributes:
        digest: SHA-256 of manifest.parquet; names the data set.
        evidence: What figures on it are worth.
        protocol: How its splits were made.
        facts: All that dataset.json says.
    """

    folder: Path
    name: str
    manifest: pd.DataFrame
    sites: pd.DataFrame
    digest: str
    evidence: Evidence
    protocol: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def view(self) -> str:
        """What part of the slices is stored: "whole", "localized" or "delocalized"."""
        return str(self.facts.get("view", {}).get("name", "whole"))

    @property
    def modality(self) -> Modality:
        """What made its images, and so the units of its pixels."""
        return Modality(self.facts.get("modality", Modality.CT))

    @property
    def body_parts(self) -> tuple[str, ...]:
        """What headers say that its scans show, sorted; empty where none says it."""
        return tuple(self.facts.get("body_parts", ()))

    @classmethod
    def open(cls, folder: Path) -> "Dataset":
        """Open what `build_dataset` wrote.

        Raises:
            ManifestError: A part is missing or cannot be read.
        """
        manifest = read_manifest(folder)
        facts = _part(folder / FACTS_FILE, lambda path: json.loads(path.read_text(encoding="utf-8")))
        sites = _part(folder / SITES_FILE, pd.read_parquet)
        digest = sha256_file(folder / MANIFEST_FILE)
        if (
            not isinstance(facts, dict)
            or facts.get("sha256") != digest
            or not {"name", "evidence", "protocol"} <= facts.keys()
            or facts["evidence"] not in list(Evidence)
        ):
            raise ManifestError(
                f"{MANIFEST_FILE} is not the one that {FACTS_FILE} describes", where=folder, received=digest,
                remedy=rerun(Stage.SLICES, folder.name),
            )  # fmt: skip
        return cls(
            folder, facts["name"], manifest, sites, digest, Evidence(facts["evidence"]), facts["protocol"], facts
        )

    def counts(self) -> dict[str, int]:
        """Slices of each split, copies included."""
        return {str(split): int(rows) for split, rows in self.manifest.split.value_counts().sort_index().items()}

    @property
    def sources_apart(self) -> bool:
        """Whether no source has slices of both classes: then whatever tells the sources apart tells the classes."""
        tampered = self.manifest.label == 1
        return set(self.manifest.source[tampered]).isdisjoint(self.manifest.source[~tampered])

    @property
    def parts(self) -> list[str]:
        """Which splits of the stored data set are here, whatever a fold makes of their slices; sorted."""
        stored = self.manifest.get(STORED_SPLIT, self.manifest.split)
        return sorted(map(str, stored.unique()))

    def split(self, name: str) -> pd.DataFrame:
        """Rows of one split: train, val or test."""
        return self.manifest[self.manifest.split == name]

    def slices(self, rows: pd.DataFrame) -> NDArray[np.int16]:
        """Read slices.

        Args:
            rows: Of the manifest; all of one image size, at least one.

        Returns:
            (len(rows), rows, cols) int16, Hounsfield units or those of the modality, in the order of `rows`.

        Raises:
            ManifestError: A shard is missing.
        """
        return np.stack(self.mapped(rows))

    def mapped(self, rows: pd.DataFrame) -> list[NDArray[np.int16]]:
        """Slices of any size, (rows, cols) int16 Hounsfield units each, read only where they are looked at."""
        return [_map(self.folder / name, self.digest)[row] for name, row in zip(rows.shard, rows.row, strict=True)]

    def batches(self, rows: pd.DataFrame, size: int) -> Iterator[NDArray[np.int16]]:
        """Slices in the order of `rows`, in batches of one image size, at most `size` slices each."""
        batch: list[NDArray[np.int16]] = []
        for at in range(0, len(rows), size):
            for pixels in self.mapped(rows.iloc[at : at + size]):
                if batch and (len(batch) == size or batch[0].shape != pixels.shape):
                    yield np.stack(batch)
                    batch = []
                batch.append(pixels)
        if batch:
            yield np.stack(batch)


@lru_cache(maxsize=64)
def _map(path: Path, digest: str) -> NDArray[np.int16]:  # noqa: ARG001  # the digest keeps a rebuilt set from getting the old maps
    try:
        mapped: NDArray[np.int16] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ManifestError(
            "a shard is missing or damaged",
            where=path,
            received=in_a_word(error),
            remedy=rerun(Stage.SLICES, path.parent.name),
        ) from None
    return mapped


def _part(path: Path, read: Callable[[Path], Any]) -> Any:
    try:
        return read(path)
    except (OSError, ValueError) as error:
        raise ManifestError(
            "the data set is not whole", where=path, received=in_a_word(error),
            remedy=rerun(Stage.SLICES, path.parent.name),
        ) from None  # fmt: skip
