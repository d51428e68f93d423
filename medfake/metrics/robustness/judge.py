"""A stored package on single slices: score and strongest place of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medfake.errors import ScanError
from medfake.metrics.scans import Floats
from medfake.package.aggregation import AggregationGraph
from medfake.package.scan_scorer import ScanScorer, open_package
from medfake.package.scorer import RUN
from medfake.robustness.registry import Slice


@dataclass(frozen=True)
class Verdicts:
    """What a package says of n slices, each by itself.

    Attributes:
        p: (n,) P(tampered); NaN where it gives no number.
        places: (n, 2) row and column of the strongest place, px; NaN where it names none.
    """

    p: Floats
    places: Floats


class SliceJudge:
    """A package, opened.

    Attributes:
        scorer: Its graphs and its card.
    """

    def __init__(self, package: Path) -> None:
        """Open a package.

        Raises:
            ManifestError: It is not whole, or none of ours.
        """
        self.scorer: ScanScorer = open_package(package)

    def judge(self, slices: Sequence[Slice], spacing_mm: Sequence[tuple[float, float]]) -> Verdicts:
        """Score slices as scans of one slice, so that scores are of the kind that thresholds were chosen for.

        What looks along z has nothing to look at then, perturbed or not: its figures are of slices alone, no scans.

        Args:
            slices: (rows, cols) int16 HU each, of any size that detectors take.
            spacing_mm: Between rows and between columns of each.
        """
        if isinstance(self.scorer.aggregate, AggregationGraph):
            said = [self._as_scan(hu, mm) for hu, mm in zip(slices, spacing_mm, strict=True)]
            return Verdicts(np.array([p for p, _ in said]), np.array([place for _, place in said]).reshape(-1, 2))
        scored = list(self.scorer.scorer.score_each(_runs(slices)))
        p = np.concatenate([one.p_tampered for one in scored]).astype(np.float64)
        nowhere = np.full(len(p), np.nan)
        y, x = (
            nowhere if scored[0].site_y is None else np.concatenate([getattr(one, name) for one in scored])
            for name in ("site_y", "site_x")
        )
        return Verdicts(np.where(np.isfinite(p), p, np.nan), np.stack([y, x], axis=1).astype(np.float64))

    def _as_scan(self, hu: Slice, spacing_mm: tuple[float, float]) -> tuple[float, tuple[float, float]]:
        nothing = float("nan")
        try:
            said = self.scorer.score_scan([(hu[None], np.zeros(1))], spacing_mm)
        except ScanError:  # it gives no number for this slice, which is counted
            return nothing, (nothing, nothing)
        return float(said.slice_p[0]), (said.sites[0].y, said.sites[0].x) if said.sites else (nothing, nothing)


def _runs(slices: Sequence[Slice]) -> Iterator[Slice]:
    """As the graph takes them: a few of one size at a time."""
    run: list[Slice] = []
    for hu in slices:
        if run and (len(run) == RUN or run[0].shape != hu.shape):
            yield np.stack(run)
            run = []
        run.append(hu)
    yield np.stack(run)
