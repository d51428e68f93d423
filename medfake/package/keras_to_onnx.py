"""Keras models as ONNX graphs.

`tf2onnx.convert.from_function` freezes the weights, which TensorFlow and tf2onnx then copy dozens of times (100 MB of
them took 10 GB), and goes over the graph with twelve passes in Python until none finds anything: most of the time of
deep networks. Here the large weights are inputs while a graph is converted and become constants afterwards, and ONNX
Runtime simplifies it.
"""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.native_output import silence_native_output
from medfake.package.converter import write_elsewhere

LARGEST_HALF = float(np.finfo(np.float16).min), float(np.finfo(np.float16).max)
SMALLEST = 4096  # values; what is smaller costs nothing, and TensorFlow can fold it into its neighbours


def write_onnx(model: Any, path: Path, example: NDArray[Any] | list[NDArray[Any]]) -> None:
    """Write a Keras model as an ONNX graph; nothing is compared.

    Args:
        model: Of one input or several.
        path: File to write.
        example: An input, or one of each, which builds what is not built yet.
    """
    if not model.built:
        model(example, training=False)
    write_built(model, path)


def write_built(model: Any, path: Path) -> None:
    """As `write_onnx`, of a model that was called before; another backend's is converted in a process of its own."""
    import keras

    if keras.backend.backend() != "tensorflow":
        write_elsewhere(model, path)
        return
    _fix_normalisation(model)
    with warnings.catch_warnings(), silence_native_output(), _convertible():
        warnings.simplefilter("ignore")  # tf2onnx warns about NumPy aliases
        logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
        _convert(model, path)


def is_large(variable: Any) -> bool:
    """Whether a Keras variable is kept out of the graph while that is converted; vectors never are."""
    return len(variable.shape) > 1 and int(np.prod(variable.shape)) >= SMALLEST


def _convert(model: Any, path: Path) -> None:
    large = [one for one in model.variables if is_large(one)]
    converted = _traced(model, large).make_model(model.name)
    _turn_into_constants(converted, {_weight_name(number): np.asarray(one) for number, one in enumerate(large)})
    _write_simplified(converted, path)


def _weight_name(number: int) -> str:
    return f"weight_{number}"


def _traced(model: Any, large: Sequence[Any]) -> Any:
    """The model in ONNX' operations, a graph of tf2onnx whose inputs are the model's and the large weights."""
    import keras
    import tensorflow as tf
    from tf2onnx.convert import tensor_names_from_structed
    from tf2onnx.tf_loader import tf_optimize
    from tf2onnx.tfonnx import process_tf_graph

    inputs = [tf.TensorSpec(one.shape, one.dtype, name=one.name) for one in model.inputs]
    weights = [tf.TensorSpec(one.shape, one.dtype, name=_weight_name(number)) for number, one in enumerate(large)]
    small = [(one, np.asarray(one)) for one in model.variables if not is_large(one)]

    def whole(*arguments: Any) -> Any:
        given, values = list(arguments[: len(inputs)]), arguments[len(inputs) :]
        constants = [(one, tf.constant(value)) for one, value in small]
        with keras.StatelessScope(state_mapping=[*zip(large, values, strict=True), *constants]):
            return model(given[0] if len(given) == 1 else given, training=False)

    traced = tf.function(whole, autograph=False).get_concrete_function(*inputs, *weights)
    into, out = ([one.name for one in ends] for ends in (traced.inputs, traced.outputs))
    with traced.graph.as_default():
        definition = tf_optimize(into, out, traced.graph.as_graph_def(add_shapes=True))
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(definition, name="")
        return process_tf_graph(
            graph, input_names=into, output_names=out, tensors_to_rename=tensor_names_from_structed(traced, into, out)
        )


def _turn_into_constants(converted: Any, weights: dict[str, NDArray[Any]]) -> None:
    """Give inputs of an ONNX model, changed in place, their values."""
    from onnx.numpy_helper import from_array

    graph = converted.graph
    inputs = [one for one in graph.input if one.name not in weights]
    del graph.input[:]
    graph.input.extend(inputs)
    graph.initializer.extend(from_array(np.ascontiguousarray(value), name) for name, value in weights.items())


def _write_simplified(converted: Any, path: Path) -> None:
    """Write an ONNX model as ONNX Runtime simplifies it, in standard operations only, which any machine can run."""
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(converted.SerializeToString(), options, providers=["CPUExecutionProvider"])
    simplified = onnx.load(path)
    standard = [one for one in simplified.opset_import if not one.domain]
    del simplified.opset_import[:]  # ONNX Runtime names its own domains, too, though nothing is of them
    simplified.opset_import.extend(standard)
    _store_in_half(simplified.graph)
    onnx.checker.check_model(simplified)
    onnx.save(simplified, path)


def _store_in_half(graph: Any) -> None:
    """Keep large constants that half precision holds exactly in half the space; they are widened when they are used."""
    from onnx import TensorProto, helper
    from onnx.numpy_helper import from_array, to_array

    widened = []
    for constant in graph.initializer:
        if constant.data_type != TensorProto.FLOAT or np.prod(constant.dims) < SMALLEST:
            continue
        value, name = to_array(constant), constant.name
        half = np.clip(value, *LARGEST_HALF).astype(np.float16)
        if (half.astype(np.float32) == value).all():
            constant.CopyFrom(from_array(half, f"{name}/half"))
            widened.append(helper.make_node("Cast", [constant.name], [name], to=TensorProto.FLOAT))
    nodes = [*widened, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


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
