"""Trained models as ONNX, compared with their origin before they count."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.errors import ExportMismatchError
from medfake.package.card import KERAS_FILE, LARGEST_DIFFERENCE, ONNX_FILE, Agreement
from medfake.package.keras_to_onnx import write_built, write_onnx
from medfake.package.scorer import Scorer


def export_keras(
    model: Any, folder: Path, slices: NDArray[np.int16], frozen: tuple[Path, Any] | None = None
) -> Agreement:
    """Write detector.keras and detector.onnx.

    Args:
        model: (slices, rows, cols) int16 HU -> dict with p_tampered.
        folder: Of the package.
        slices: Real slices on which both forms must agree.
        frozen: ONNX graph of the part that was not trained, hu -> features, and the Keras model of what comes after it;
            the two are joined, so that the frozen part is not converted again.

    Raises:
        ExportMismatchError: They differ by more than 1e-4.
    """
    expected = np.concatenate([_said(model, one[None]) for one in slices])
    model.save(folder / KERAS_FILE)
    if frozen is None:
        write_built(model, folder / ONNX_FILE)
    else:
        _join(*frozen, folder / ONNX_FILE)
    return require_agreement(folder, slices, expected)


def _said(model: Any, slices: NDArray[np.int16]) -> NDArray[np.floating[Any]]:
    """P(tampered) of slices; JAX compiles operations one by one where a network is not compiled as a whole."""
    import keras

    on_jax = keras.backend.backend() == "jax"
    said = model.predict_on_batch(slices) if on_jax else model(slices, training=False)
    return np.asarray(said["p_tampered"]).reshape(-1)


def _join(extractor: Path, top: Any, path: Path) -> None:
    import onnx

    write_onnx(top, path, np.zeros((1, *top.input_shape[1:]), np.float32))
    first = onnx.compose.add_prefix(onnx.load(extractor), "extractor/", rename_inputs=False)
    second = onnx.compose.add_prefix(onnx.load(path), "head/", rename_outputs=False)
    second.ir_version = first.ir_version
    joint = [(first.graph.output[0].name, second.graph.input[0].name)]
    onnx.save(onnx.compose.merge_models(first, second, joint), path)


def require_agreement(folder: Path, slices: NDArray[np.int16], expected: NDArray[np.floating[Any]]) -> Agreement:
    """Compare detector.onnx with what the trained model said of the same slices.

    Raises:
        ExportMismatchError: They differ by more than 1e-4.
    """
    scored = Scorer(folder / ONNX_FILE).score(slices).p_tampered
    difference = float(np.abs(scored - expected).max())
    if not difference <= LARGEST_DIFFERENCE:
        raise ExportMismatchError(
            f"the ONNX form differs from the trained model by more than {LARGEST_DIFFERENCE}",
            where=folder.name,
            received=f"{difference:.2e} on {len(slices)} slices",
            remedy="report the detector and its options; nothing was stored",
        )
    return Agreement(max_abs_difference=difference, slices=len(slices))
