"""A package at work on a scan: slices go in a few at a time, one answer on the whole scan comes out."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medfake.copies.patches import Patches, describe
from medfake.errors import ManifestError, ScanError
from medfake.package.aggregation import AggregationGraph, places_are_finite
from medfake.package.card import AGGREGATION_FILE, ONNX_FILE, Card, read_card, require_graph
from medfake.package.in_order import in_order
from medfake.package.scan_scores import Aggregate, ScanScores, ScoredScan
from medfake.package.scorer import Scorer, Scores, join
from medfake.package.strongest_run import strongest_run
from medfake.regions import LUNGS, Region, region_of

Slices = NDArray[np.int16]
Chunk = tuple[Slices, NDArray[np.float64]]
"""(n, rows, cols) int16, Hounsfield units or those of the modality, and their (n,) positions along the normal, mm."""


@dataclass(frozen=True)
class ScanScorer:
    """A package, loaded.

    Attributes:
        scorer: What judges slices.
        aggregate: What judges the scan: the package's own graph, or the strongest run of slices where it has none.
        finds_copies: Whether tissue that stands twice in a scan counts, too.
    """

    card: Card
    scorer: Scorer
    aggregate: Aggregate
    finds_copies: bool = False

    def score_scan(self, chunks: Iterable[Chunk], spacing_mm: tuple[float, float]) -> ScanScores:
        """Score a scan.

        Memory holds a few slices at a time; of the others only what the detector says of them is kept.

        Args:
            chunks: Of the scan's slices, ascending along the normal, all of one size; taken only as far as there is
                work, on the calling thread.
            spacing_mm: Between rows, between columns.

        Raises:
            ScanError: There is no slice, or the detector gives no number for any.
            MedfakeError: Slices are too small, or of another shape or dtype.
        """
        region = region_of(self.card.modality)
        copies = self.finds_copies and region.finds_copies
        return self.aggregate(scored_scan(self.scorer, chunks, spacing_mm, copies=copies, region=region))


def scored_scan(
    scorer: Scorer,
    chunks: Iterable[Chunk],
    spacing_mm: tuple[float, float],
    *,
    copies: bool,
    region: Region = LUNGS,
) -> ScoredScan:
    """What a detector says of the slices of a scan, before they become one answer.

    Args:
        scorer: What judges slices.
        chunks: As of `ScanScorer.score_scan`, whose errors these are.
        spacing_mm: Between rows, between columns.
        copies: Whether patches are kept to find copies with.
        region: Of which a slice must show some to speak for the scan.
    """
    square_mm = math.sqrt(math.prod(spacing_mm))

    def judge(one: Chunk) -> tuple[Scores, list[bool], list[Patches], NDArray[np.float64]]:
        slices, z_mm = one
        patches = [describe(hu, square_mm) for hu in slices] if copies else []
        return scorer.score_run(slices), [region.in_view(hu, square_mm) for hu in slices], patches, z_mm

    parts = list(in_order(judge, _one_by_one(chunks), scorer.threads))
    if not parts:
        raise ScanError("a scan without slices has no score", remedy="check that the folder holds scans")
    scores = join([part for part, _, _, _ in parts])
    usable = np.isfinite(scores.p_tampered) & places_are_finite(scores)
    if not usable.any():
        raise ScanError("the detector gives no number for any slice of this scan")
    return ScoredScan(
        scores=scores,
        z_mm=np.concatenate([z_mm for _, _, _, z_mm in parts]).astype(np.float64),
        usable=usable,
        shows_lung=np.concatenate([lung for _, lung, _, _ in parts]).astype(bool),
        spacing_mm=spacing_mm,
        patches=tuple(one for _, _, patches, _ in parts for one in patches),
    )


def open_graphs(folder: Path, threads: int = 0) -> tuple[Scorer, AggregationGraph | None]:
    """Load the graphs of a package; the second is None where scans are scored by their slices.

    Args:
        folder: With detector.onnx and, where the detector has one, aggregation.onnx.
        threads: That work at a time; 0 takes all cores that this process may use.

    Raises:
        ManifestError: The package is not whole, or none of ours.
    """
    scorer = Scorer(require_graph(folder), threads)
    if not (folder / AGGREGATION_FILE).is_file():
        return scorer, None
    if not scorer.gives_places:
        raise ManifestError(
            f"the {AGGREGATION_FILE} of this package needs places, and its {ONNX_FILE} gives none", where=folder,
            received=", ".join(scorer.outputs), remedy="train the detector anew: dvc repro",
        )  # fmt: skip
    return scorer, AggregationGraph(folder / AGGREGATION_FILE, threads)


def open_package(folder: Path, threads: int = 0) -> ScanScorer:
    """Load a package to score scans with, without TensorFlow.

    Args:
        folder: With detector.onnx, card.json and, where the detector has one, aggregation.onnx.
        threads: As of `open_graphs`.

    Raises:
        ManifestError: The package is not whole, or none of ours.
    """
    card, (scorer, aggregation) = read_card(folder), open_graphs(folder, threads)
    return ScanScorer(card, scorer, aggregation or strongest_run, finds_copies=aggregation is not None)


def _one_by_one(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """A run of the graph for each slice: what it computes then stays in the cache of its core.

    At 512 x 512 runs of two take 1.3 times as long with the built-in detector, 1.05 times with ResidualCNN.
    """
    for slices, z_mm in chunks:
        for at in range(len(slices)):
            yield slices[at : at + 1], np.asarray(z_mm)[at : at + 1]
