"""From places to a scan through a graph of the package's own: smoothing, shrinkage and calibration are inside it.

Beside the texture that the graph judges, copies within the scan count.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.copies.search import find_copies
from medfake.errors import ManifestError, ScanError
from medfake.package.copied import with_copies
from medfake.package.scan_scores import MOST_SITES, SAME_SITE_MM, ScanScores, ScoredScan, Site
from medfake.package.scorer import Floats, Scores, onnxruntime_errors, open_session

PLACE_STEP_PX: Final = 8
"""Place (i, j) of a slice is centred on row 8 i, column 8 j."""
_INPUTS: Final = ("place_logit", "place_counts", "z_mm")
_OUTPUTS: Final = ("place_p", "slice_p", "scan_p")


class AggregationGraph:
    """A package's aggregation.onnx, loaded."""

    def __init__(self, path: Path, threads: int = 0) -> None:
        """Load a graph.

        Args:
            path: aggregation.onnx.
            threads: Of one run; 0 takes all cores.

        Raises:
            ManifestError: No ONNX graph, or another than the contract says.
        """
        self._session = open_session(path, threads)
        inputs = [entry.name for entry in self._session.get_inputs()]
        outputs = [entry.name for entry in self._session.get_outputs()]
        if set(inputs) != set(_INPUTS) or not set(_OUTPUTS) <= set(outputs):
            raise ManifestError(
                f"not an aggregation: expected {', '.join(_INPUTS)} -> {', '.join(_OUTPUTS)}", where=path,
                received=f"{', '.join(inputs)} -> {', '.join(outputs)}",
            )  # fmt: skip

    def __call__(self, scan: ScoredScan) -> ScanScores:
        """Aggregate the maps of a scan's slices; those of slices that do not count are left out.

        Tissue that stands twice counts wherever patches of the slices are given.

        Raises:
            ManifestError: The detector beside this graph gives no maps.
            ScanError: The graph does not take the maps, or its result is no number.
        """
        logit, counts = _maps(scan)
        place_p, slice_p, scan_p = self._run(logit, counts, scan.z_mm.astype(np.float32))
        if place_p.shape != logit.shape or slice_p.shape != (len(logit),) or scan_p.size != 1:
            raise ScanError(
                "the aggregation gives maps of another shape than it takes", received=f"{place_p.shape} {slice_p.shape}"
            )
        if not (np.isfinite(place_p).all() and np.isfinite(slice_p).all() and np.isfinite(scan_p).all()):
            raise ScanError("the detector gives no number for this scan")
        place_p = np.where(counts > 0, place_p, np.float32(0))  # whatever a graph says of places that do not count
        by_texture = ScanScores(
            p_tampered=float(scan_p.reshape(())),
            slice_p=np.where(scan.usable, slice_p, np.nan).astype(np.float64),
            shows_lung=scan.shows_lung,
            sites=_sites(place_p, scan.z_mm, scan.spacing_mm),
            place_p=place_p,
            place_step_px=PLACE_STEP_PX,
        )
        return with_copies(by_texture, scan, find_copies(scan.patches, scan.z_mm, scan.spacing_mm))

    def _run(self, logit: Floats, counts: Floats, z_mm: Floats) -> list[Floats]:
        try:
            given = dict(zip(_INPUTS, (logit, counts, z_mm), strict=True))
            outputs: list[Floats] = self._session.run(list(_OUTPUTS), given)
        except onnxruntime_errors() as error:
            raise ScanError(
                "the aggregation cannot take this scan", received=f"{logit.shape} ({type(error).__name__})"
            ) from None
        return outputs


def places_are_finite(scores: Scores) -> NDArray[np.bool_]:
    """(n,) bool; whether all places of a slice that count have a number. True where there are no maps."""
    if scores.place_logit is None or scores.place_counts is None:
        return np.ones(len(scores.p_tampered), bool)
    fine = np.isfinite(scores.place_counts) & (np.isfinite(scores.place_logit) | (scores.place_counts == 0))
    finite: NDArray[np.bool_] = fine.all(axis=(1, 2))
    return finite


def _maps(scan: ScoredScan) -> tuple[Floats, Floats]:
    """Logits and what counts, both 0 where nothing counts."""
    logit, counts = scan.scores.place_logit, scan.scores.place_counts
    if logit is None or counts is None:
        raise ManifestError("an aggregation needs a detector with the outputs place_logit and place_counts")
    counting = (counts > 0) & scan.counted[:, None, None]
    return np.where(counting, logit, np.float32(0)), counting.astype(np.float32)


def _sites(place_p: Floats, z_mm: NDArray[np.float64], spacing_mm: tuple[float, float]) -> tuple[Site, ...]:
    """Strongest places, each with a ball of 16 mm around it left out before the next is looked for."""
    left = place_p.copy()
    rows_mm = np.arange(left.shape[1]) * PLACE_STEP_PX * spacing_mm[0]
    cols_mm = np.arange(left.shape[2]) * PLACE_STEP_PX * spacing_mm[1]
    sites: list[Site] = []
    while len(sites) < MOST_SITES and left.size:
        index, row, col = (int(place) for place in np.unravel_index(np.argmax(left), left.shape))
        if left[index, row, col] <= 0:
            break
        p, z = float(left[index, row, col]), float(z_mm[index])
        sites.append(Site(index, z, float(row * PLACE_STEP_PX), float(col * PLACE_STEP_PX), p))
        near = np.flatnonzero(np.abs(z_mm - z) < SAME_SITE_MM)
        plane = (rows_mm[:, None] - rows_mm[row]) ** 2 + (cols_mm - cols_mm[col]) ** 2
        ball = plane + ((z_mm[near] - z) ** 2)[:, None, None] < SAME_SITE_MM**2
        left[near] = np.where(ball, 0, left[near])
    return tuple(sites)
