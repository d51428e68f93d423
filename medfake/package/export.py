"""Trained models as ONNX, compared with their origin before they count."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.errors import ExportMismatchError
from medfake.native_output import silence_native_output
from medfake.package.card import KERAS_FILE, LARGEST_DIFFERENCE, ONNX_FILE, Agreement
from medfake.package.large_weights import fill, is_large
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
    said = [model(one[None], training=False)["p_tampered"] for one in slices]
    expected = np.concatenate([np.asarray(one).reshape(-1) for one in said])
    model.save(folder / KERAS_FILE)
    if frozen is None:
        _write_built(model, folder / ONNX_FILE)
    else:
        _join(*frozen, folder / ONNX_FILE)
    return require_agreement(folder, slices, expected)


def _join(extractor: Path, top: Any, path: Path) -> None:
    import onnx

    write_onnx(top, path, np.zeros((1, *top.input_shape[1:]), np.float32))
    first = onnx.compose.add_prefix(onnx.load(extractor), "extractor/", rename_inputs=False)
    second = onnx.compose.add_prefix(onnx.load(path), "head/", rename_outputs=False)
    second.ir_version = first.ir_version
    joint = [(first.graph.output[0].name, second.graph.input[0].name)]
    onnx.save(onnx.compose.merge_models(first, second, joint), path)


def write_onnx(model: Any, path: Path, example: NDArray[Any] | list[NDArray[Any]]) -> None:
    """Write a Keras model as an ONNX graph; nothing is compared.

    Args:
        model: Of one input or several.
        path: File to write.
        example: An input, or one of each, which builds what is not built yet.
    """
    model(example, training=False)
    _write_built(model, path)


def _write_built(model: Any, path: Path) -> None:
    _fix_normalisation(model)
    with warnings.catch_warnings(), silence_native_output(), _convertible():
        warnings.simplefilter("ignore")  # tf2onnx warns about NumPy aliases
        logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
        _convert(model, path)


def _convert(model: Any, path: Path) -> None:
    """What Keras' own export does, which traces a TensorFlow model three times for what only a SavedModel needs."""
    import keras

    if keras.backend.backend() != "tensorflow":
        model.export(path, format="onnx", verbose=False)
        return
    import onnx
    import tensorflow as tf
    import tf2onnx

    large = [one for one in model.variables if is_large(one)]
    names = [f"weight_{number}" for number in range(len(large))]
    given = [tf.TensorSpec(one.shape, one.dtype, name=one.name) for one in model.inputs]
    weights = [tf.TensorSpec(one.shape, one.dtype, name=name) for name, one in zip(names, large, strict=True)]

    def graph(*arguments: Any) -> Any:
        inputs, values = arguments[: len(given)], arguments[len(given) :]
        with keras.StatelessScope(state_mapping=list(zip(large, values, strict=True))):
            return model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)

    converted, _ = tf2onnx.convert.from_function(tf.function(graph), [*given, *weights])
    fill(converted, {name: np.asarray(one) for name, one in zip(names, large, strict=True)})
    onnx.save(converted, path)


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
