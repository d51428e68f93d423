"""Trained models as ONNX, compared with their origin before they count."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.detectors.card import KERAS_FILE, LARGEST_DIFFERENCE, ONNX_FILE, Agreement
from medfake.detectors.scorer import Scorer
from medfake.errors import ExportMismatchError


def export_keras(model: Any, folder: Path, slices: NDArray[np.int16]) -> Agreement:
    """Write detector.keras and detector.onnx.

    Args:
        model: (slices, rows, cols) int16 HU -> dict with p_tampered.
        folder: Of the package.
        slices: Real slices on which both forms must agree.

    Raises:
        ExportMismatchError: They differ by more than 1e-4.
    """
    expected = np.concatenate([_predict(model, slices[index : index + 1]) for index in range(len(slices))])
    model.save(folder / KERAS_FILE)
    _fix_normalisation(model)
    with warnings.catch_warnings(), _convertible():
        warnings.simplefilter("ignore")  # tf2onnx warns about NumPy aliases
        logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
        model.export(folder / ONNX_FILE, format="onnx", verbose=False)
    return require_agreement(folder, slices, expected)


def _fix_normalisation(model: Any) -> None:
    """Make means and variances of Normalization layers constants; as tensors they would become inputs of the graph."""
    import keras

    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Normalization):
            layer.mean, layer.variance = np.asarray(layer.mean), np.asarray(layer.variance)


@contextmanager
def _convertible() -> Iterator[None]:
    """Trace two things of Keras in operations that the ONNX converter knows.

    Keras has XLA compile grouped convolutions (ConvNeXt, RegNet), as TensorFlow cannot run them on a CPU; ONNX Runtime
    can. TensorFlow's GELU is written with 1 - erf as one operation, which ONNX has not.
    """
    import tensorflow as tf

    function, gelu = tf.function, tf.nn.gelu

    def uncompiled(func: Any = None, **options: Any) -> Any:
        return (lambda inner: inner) if options.get("jit_compile") else function(func, **options)

    def with_erf(features: Any, approximate: bool = False, name: str | None = None) -> Any:
        exact = 0.5 * features * (1.0 + tf.math.erf(features / np.sqrt(2.0).astype(np.float32)))
        return gelu(features, approximate=True, name=name) if approximate else exact

    tf.function, tf.nn.gelu = uncompiled, with_erf
    try:
        yield
    finally:
        tf.function, tf.nn.gelu = function, gelu


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


def _predict(model: Any, slices: NDArray[np.int16]) -> NDArray[np.float32]:
    probabilities: NDArray[np.float32] = np.asarray(model(slices, training=False)["p_tampered"]).reshape(-1)
    return probabilities
