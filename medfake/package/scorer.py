"""Scoring through ONNX Runtime: no TensorFlow, the same graph everywhere."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.errors import ManifestError, MedfakeError

SMALLEST_EDGE = 96  # px
BATCH = 4  # slices; bounds memory, and larger batches are no faster on CPU
INPUT = "hu"
CLASSES_OUTPUT = "p_classes"

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
    """

    p_tampered: Floats
    site_y: Floats | None = None
    site_x: Floats | None = None
    site_p: Floats | None = None
    p_classes: Floats | None = None


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
    except _onnxruntime_errors() as error:
        raise ManifestError(
            "not an ONNX graph that can be loaded", where=path, received=type(error).__name__, remedy="dvc repro"
        ) from None


class Scorer:
    """A detector's ONNX graph, loaded."""

    def __init__(self, path: Path, threads: int = 0) -> None:
        """Load a graph.

        Args:
            path: detector.onnx.
            threads: For one operator; 0 lets ONNX Runtime take all cores.

        Raises:
            ManifestError: The file is missing or no ONNX graph of ours.
        """
        self._session = open_session(path, threads)
        self._outputs = [output.name for output in self._session.get_outputs()]
        inputs = [entry.name for entry in self._session.get_inputs()]
        if inputs != [INPUT] or "p_tampered" not in self._outputs:
            raise ManifestError(
                "not a medfake detector: expected input 'hu' and output 'p_tampered'", where=path,
                received=f"{inputs} -> {self._outputs}",
            )  # fmt: skip

    def score(self, slices: NDArray[np.int16]) -> Scores:
        """Score slices in small batches.

        Args:
            slices: (slices, rows, cols) int16 Hounsfield units.

        Raises:
            MedfakeError: Another shape or dtype.
        """
        if slices.ndim != 3 or slices.dtype != np.int16:
            raise MedfakeError(
                "expected slices as (slices, rows, cols) int16 Hounsfield units",
                received=f"{slices.shape} {slices.dtype}",
            )
        if min(slices.shape[1:]) < SMALLEST_EDGE:  # pools larger than the image would end the process
            raise MedfakeError(f"slices must have at least {SMALLEST_EDGE} rows and columns", received=slices.shape[1:])
        parts = [self._run(slices[at : at + BATCH]) for at in range(0, len(slices), BATCH)]
        named = dict.fromkeys(self._outputs, np.empty(0, np.float32))
        if parts:
            named = {
                name: np.concatenate(part).astype(np.float32)
                for name, part in zip(self._outputs, zip(*parts, strict=True), strict=True)
            }
        shaped = {name: one if name == CLASSES_OUTPUT else one.reshape(-1) for name, one in named.items()}
        known = {field.name for field in fields(Scores)}
        return Scores(**{name: values for name, values in shaped.items() if name in known})

    def _run(self, batch: NDArray[np.int16]) -> list[NDArray[np.float32]]:
        try:
            outputs: list[NDArray[np.float32]] = self._session.run(None, {INPUT: batch})
        except _onnxruntime_errors() as error:
            raise MedfakeError(
                "the detector cannot take slices of this size",
                received=batch.shape[1:],
                remedy=f"({type(error).__name__})",
            ) from None
        return outputs


def _onnxruntime_errors() -> tuple[type[Exception], ...]:
    """What ONNX Runtime raises; its classes share no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    kinds = [kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    return (RuntimeError, ValueError, *kinds)
