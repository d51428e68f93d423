"""From slices to a scan through a graph of the package's own, which says by its inputs what it wants to know of them.

Smoothing, shrinkage, what is learnt along z and calibration are inside it. Beside what the graph judges, copies within
the scan count.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from medfake.copies.search import find_copies
from medfake.errors import ManifestError, ScanError
from medfake.log_odds import logit
from medfake.package.copied import with_copies
from medfake.package.pieces import pieces_of, reach_of
from medfake.package.scan_scores import MOST_SITES, SAME_SITE_MM, ScanScores, ScoredScan, Site
from medfake.package.scorer import EMBEDDING_OUTPUT, PLACE_OUTPUTS, Floats, Scores, onnxruntime_errors, open_session
from medfake.package.strongest_run import P_MIN, sites_of_slices

PLACE_STEP_PX: Final = 8
"""Place (i, j) of a slice is centred on row 8 i, column 8 j."""
_PLACES: Final = "place_p"
_SCAN: Final = "scan_p"
_OUTPUTS: Final = ("slice_p", _SCAN)


def _slice_logit(scan: ScoredScan) -> Floats:
    return np.where(scan.counted, logit(np.where(scan.usable, scan.scores.p_tampered, 0.5), P_MIN), 0.0).astype(
        np.float32
    )


def _embedding(scan: ScoredScan) -> Floats:
    """Raises ManifestError where the detector gives none."""
    if scan.scores.embedding is None:
        raise ManifestError(f"an aggregation of slices needs a detector with the output {EMBEDDING_OUTPUT}")
    return np.where(scan.counted[:, None], scan.scores.embedding, np.float32(0))


GIVEN: Final[Mapping[str, Callable[[ScoredScan], Floats]]] = {
    "place_logit": lambda scan: counted_maps(scan)[0],
    "place_counts": lambda scan: counted_maps(scan)[1],
    "embedding": _embedding,
    "slice_logit": _slice_logit,
    "slice_counts": lambda scan: scan.counted.astype(np.float32),
    "z_mm": lambda scan: scan.z_mm.astype(np.float32),
}
"""What an aggregation may ask for, (slices, ...) float32 each, 0 of slices that do not count; z ascends."""
FROM_DETECTOR: Final = frozenset({*PLACE_OUTPUTS, EMBEDDING_OUTPUT})
"""Those of them that are outputs of the detector beside it, which not every detector has."""


class AggregationGraph:
    """A package's aggregation.onnx, loaded.

    Attributes:
        inputs: Names of what it asks for, of `GIVEN`.
        reach_mm: How far along z it looks from a slice; None where it may look at the whole scan.
    """

    def __init__(self, path: Path, threads: int = 0) -> None:
        """Load a graph.

        Args:
            path: aggregation.onnx.
            threads: Of one run; 0 takes all cores.

        Raises:
            ManifestError: No ONNX graph, or another than the contract says.
        """
        self._session = open_session(path, threads)
        self.reach_mm = reach_of(self._session)
        self.inputs = tuple(entry.name for entry in self._session.get_inputs())
        outputs = [entry.name for entry in self._session.get_outputs()]
        self._of_places = set(PLACE_OUTPUTS) <= set(self.inputs)
        self._outputs = (*_OUTPUTS, *((_PLACES,) if self._of_places else ()))
        if not self.inputs or not set(self.inputs) <= GIVEN.keys() or not set(self._outputs) <= set(outputs):
            raise ManifestError(
                f"not an aggregation: expected some of {', '.join(GIVEN)} -> {', '.join(_OUTPUTS)}, and {_PLACES} "
                "where it takes places",
                where=path, received=f"{', '.join(self.inputs)} -> {', '.join(outputs)}",
            )  # fmt: skip

    def missing(self, outputs: list[str]) -> set[str]:
        """What it asks for and a detector with these outputs does not give."""
        return (set(self.inputs) & FROM_DETECTOR) - set(outputs)

    def __call__(self, scan: ScoredScan) -> ScanScores:
        """Aggregate what is known of a scan's slices; that of slices that do not count is left out.

        Tissue that stands twice counts wherever patches of the slices are given.

        Raises:
            ManifestError: The detector beside this graph does not give what it asks for.
            ScanError: The graph does not take it, or its result is no number.
        """
        order = np.argsort(scan.z_mm, kind="stable")
        said = self._run_along({name: GIVEN[name](scan)[order] for name in self.inputs}, scan.z_mm[order])
        for name in said.keys() & {"slice_p", _PLACES}:
            said[name] = _put_back(said[name], order)
        slice_p, scan_p = said["slice_p"], said["scan_p"]
        if slice_p.ndim != 1 or scan_p.size != 1:
            raise ScanError("the aggregation gives no number a slice and one of the scan", received=slice_p.shape)
        if not all(np.isfinite(one).all() for one in said.values()):
            raise ScanError("the detector gives no number for this scan")
        plain = ScanScores(
            p_tampered=float(scan_p.reshape(())),
            slice_p=np.where(scan.usable, slice_p, np.nan).astype(np.float64),
            shows_lung=scan.shows_lung,
            sites=(),
        )
        judged = _with_places(plain, scan, said[_PLACES]) if self._of_places else _with_slices(plain, scan)
        return with_copies(judged, scan, find_copies(scan.patches, scan.z_mm, scan.spacing_mm))

    def _run_along(self, given: dict[str, Floats], z_mm: NDArray[np.float64]) -> dict[str, Floats]:
        """Piece by piece where the graph looks no farther than it says, so that long scans take no more memory."""
        pieces = list(pieces_of(z_mm, self.reach_mm))
        if len(pieces) == 1:
            return self._run(given)
        parts = []
        for piece in pieces:
            said = self._run({name: values[piece.read] for name, values in given.items()})
            parts.append({name: values[piece.kept] for name, values in said.items() if name != _SCAN})
        whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return {**whole, _SCAN: whole["slice_p"].max(keepdims=True)}

    def _run(self, given: dict[str, Floats]) -> dict[str, Floats]:
        try:
            return dict(zip(self._outputs, self._session.run(list(self._outputs), given), strict=True))
        except onnxruntime_errors() as error:
            shapes = ", ".join(str(one.shape) for one in given.values())
            raise ScanError(
                "the aggregation cannot take this scan", received=f"{shapes} ({type(error).__name__})"
            ) from None


def _put_back(values: Floats, order: NDArray[np.intp]) -> Floats:
    """Values in order of z, in the order in which the slices were given."""
    if len(values) != len(order):
        raise ScanError("the aggregation gives scores of other slices than it takes", received=values.shape)
    back = np.empty_like(values)
    back[order] = values
    return back


def _with_places(plain: ScanScores, scan: ScoredScan, place_p: Floats) -> ScanScores:
    """A map, and its strongest places."""
    counts = counted_maps(scan)[1]
    if place_p.shape != counts.shape:
        raise ScanError("the aggregation gives maps of another shape than it takes", received=place_p.shape)
    place_p = np.where(counts > 0, place_p, np.float32(0))  # whatever a graph says of places that do not count
    sites = _sites(place_p, scan.z_mm, scan.spacing_mm)
    return replace(plain, sites=sites, place_p=place_p, place_step_px=PLACE_STEP_PX)


def _with_slices(plain: ScanScores, scan: ScoredScan) -> ScanScores:
    """The strongest place of each slice, where the detector names one."""
    return replace(plain, sites=sites_of_slices(scan, plain.slice_p))


def all_finite(scores: Scores) -> NDArray[np.bool_]:
    """(n,) bool; whether all that an aggregation may ask for of a slice are numbers, as far as places count."""
    finite: NDArray[np.bool_] = np.isfinite(scores.p_tampered)
    if scores.embedding is not None:
        finite = finite & np.isfinite(scores.embedding).all(axis=1)
    if scores.place_logit is None or scores.place_counts is None:
        return finite
    fine = np.isfinite(scores.place_counts) & (np.isfinite(scores.place_logit) | (scores.place_counts == 0))
    of_places: NDArray[np.bool_] = fine.all(axis=(1, 2))
    return finite & of_places


def counted_maps(scan: ScoredScan) -> tuple[Floats, Floats]:
    """Logits of places and which count, (slices, down, across), both 0 where nothing counts.

    Raises:
        ManifestError: The detector gives no maps.
    """
    logit_map, counts = scan.scores.place_logit, scan.scores.place_counts
    if logit_map is None or counts is None:
        raise ManifestError("an aggregation of places needs a detector with the outputs place_logit and place_counts")
    counting = (counts > 0) & scan.counted[:, None, None]
    return np.where(counting, logit_map, np.float32(0)), counting.astype(np.float32)


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
