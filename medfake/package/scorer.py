"""Scoring through ONNX Runtime: no TensorFlow, the same graph everywhere."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.errors import ManifestError, MedfakeError
from medfake.package.cores import usable_cores
from medfake.package.in_order import in_order

SMALLEST_EDGE = 96  # px
BATCH = 4  # slices; bounds memory, and larger batches are no faster on CPU
RUN = 2  # slices of one run of the graph: two runs at a time hold as much as one of a batch
INPUT = "hu"
CLASSES_OUTPUT = "p_classes"
EMBEDDING_OUTPUT = "embedding"
PLACE_OUTPUTS = ("place_logit", "place_counts")
WHOLE_OUTPUTS = (CLASSES_OUTPUT, EMBEDDING_OUTPUT, *PLACE_OUTPUTS)  # of more than a number a slice
_MOST_RUNS = 4  # at a time; with more cores each run has several

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Scores:
    """What a detector says of slices.

    Attributes:
        p_tampered: (slices,) in [0, 1].
        site_y: (slices,) row of the strongest place, px; None, as the next two, when the detector does not localise.
        site_x: (slices,) column, px.
        site_p: (slices,) probability at that place.
        p_classes: (slices, 3) of untampered, removed and injected; None for detectors of two classes.
        place_logit: (slices, gy, gx) log odds at places 8 px apart; None, as the next, for detectors without a map.
        place_counts: (slices, gy, gx) 1 where a place holds enough lung to be judged, else 0.
        embedding: (slices, width) of the layer before the last; None for detectors that have none.
    """

    p_tampered: Floats
    site_y: Floats | None = None
    site_x: Floats | None = None
    site_p: Floats | None = None
    p_classes: Floats | None = None
    place_logit: Floats | None = None
    place_counts: Floats | None = None
    embedding: Floats | None = None


def join(parts: Sequence[Scores]) -> Scores:
    """Scores of several batches, at least one, as those of one."""
    given = {field.name: [getattr(part, field.name) for part in parts] for field in fields(Scores)}
    return Scores(**{name: np.concatenate(values) for name, values in given.items() if values[0] is not None})


def open_session(path: Path, threads: int = 0) -> Any:
    """Load an ONNX graph on the CPU.

    Args:
        path: The file.
        threads: For one operator; 0 lets ONNX Runtime take all cores.

    Returns:
        onnxruntime.InferenceSession.

    Raises:
        ManifestError: The file is missing or no ONNX graph.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            path.read_bytes(), options, providers=["CPUExecutionProvider"]
        )  # read_bytes: a graph may not name files beside it
    except FileNotFoundError:
        raise ManifestError("the detector's ONNX file is missing", where=path, remedy="dvc repro") from None
    except onnxruntime_errors() as error:
        raise ManifestError(
            "not an ONNX graph that can be loaded", where=path, received=type(error).__name__, remedy="dvc repro"
        ) from None


class Scorer:
    """A detector's ONNX graph, loaded.

    Two runs of a graph at a time are faster than one whose operators have two threads each, so cores are first spent on
    runs.

    Attributes:
        threads: Runs at a time.
        outputs: Names, as the graph has them.
    """

    def __init__(self, path: Path, threads: int = 0) -> None:
        """Load a graph.

        Args:
            path: detector.onnx.
            threads: In all; 0 takes all cores that this process may use.

        Raises:
            ManifestError: The file is missing or no ONNX graph of ours.
        """
        cores = threads or usable_cores()
        self.threads = min(cores, _MOST_RUNS)
        self._session = open_session(path, cores // self.threads)
        self.outputs = [output.name for output in self._session.get_outputs()]
        inputs = [entry.name for entry in self._session.get_inputs()]
        if inputs != [INPUT] or "p_tampered" not in self.outputs:
            raise ManifestError(
                "not a medfake detector: expected input 'hu' and output 'p_tampered'", where=path,
                received=f"{inputs} -> {self.outputs}",
            )  # fmt: skip

    @property
    def fixed_size(self) -> tuple[int, int] | None:
        """Rows and columns of the only slices that the graph takes; None where it takes any."""
        rows, cols = self._session.get_inputs()[0].shape[1:]
        return (rows, cols) if isinstance(rows, int) and isinstance(cols, int) else None

    @property
    def gives_places(self) -> bool:
        """Whether the graph gives maps of places."""
        return set(PLACE_OUTPUTS) <= set(self.outputs)

    def score(self, slices: NDArray[np.int16]) -> Scores:
        """Score slices, a few at a time.

        Args:
            slices: (slices, rows, cols) int16 Hounsfield units.

        Raises:
            MedfakeError: Another shape or dtype.
        """
        _require_slices(slices)
        return join(list(self.score_each(_runs(slices))) or [self._nothing()])

    def score_each(self, batches: Iterable[NDArray[np.int16]]) -> Iterator[Scores]:
        """Score batches on several threads at once, in their order; taken as they are needed, on the calling thread."""
        return in_order(self.score_run, batches, self.threads)

    def score_run(self, slices: NDArray[np.int16]) -> Scores:
        """Score at least one slice in one run of the graph, on the calling thread; otherwise as `score`."""
        _require_slices(slices)
        named = dict(zip(self.outputs, self._run(slices), strict=True))
        known = {field.name for field in fields(Scores)}
        return Scores(**{name: _shaped(name, values) for name, values in named.items() if name in known})

    def _nothing(self) -> Scores:
        known = {field.name for field in fields(Scores)} & set(self.outputs)
        maps = dict.fromkeys(PLACE_OUTPUTS, np.empty((0, 0, 0), np.float32))
        maps |= {EMBEDDING_OUTPUT: np.empty((0, 0), np.float32)}
        return Scores(**{name: maps.get(name, np.empty(0, np.float32)) for name in known})

    def _run(self, batch: NDArray[np.int16]) -> list[NDArray[np.float32]]:
        try:
            outputs: list[NDArray[np.float32]] = self._session.run(None, {INPUT: batch})
        except onnxruntime_errors() as error:
            raise MedfakeError(
                "the detector cannot take slices of this size",
                received=batch.shape[1:],
                remedy=f"({type(error).__name__})",
            ) from None
        return outputs


def _require_slices(slices: NDArray[np.int16]) -> None:
    if slices.ndim != 3 or slices.dtype != np.int16:
        raise MedfakeError(
            "expected slices as (slices, rows, cols) int16 Hounsfield units",
            received=f"{slices.shape} {slices.dtype}",
        )
    if min(slices.shape[1:]) < SMALLEST_EDGE:  # pools larger than the image would end the process
        raise MedfakeError(f"slices must have at least {SMALLEST_EDGE} rows and columns", received=slices.shape[1:])


def _runs(slices: NDArray[np.int16]) -> Iterator[NDArray[np.int16]]:
    return (slices[at : at + RUN] for at in range(0, len(slices), RUN))


def _shaped(name: str, values: NDArray[Any]) -> Floats:
    kept = values if name in WHOLE_OUTPUTS else values.reshape(-1)
    return kept.astype(np.float32)


def onnxruntime_errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises; its classes share no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    kinds = [kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    return (RuntimeError, ValueError, *kinds)
