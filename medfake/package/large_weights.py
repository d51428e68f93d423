"""Kernels of a network, kept out of its graph while that is converted, and put into the ONNX form afterwards.

TensorFlow and tf2onnx copy every constant of a graph dozens of times: 100 MB of them took 10 GB, and most of the time.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALLEST = 4096  # values; what is smaller costs nothing, and as a constant it can be folded into its neighbours


def is_large(variable: Any) -> bool:
    """Whether a Keras variable is kept out; vectors never are, as normalisation is simplified with their values."""
    return len(variable.shape) > 1 and int(np.prod(variable.shape)) >= SMALLEST


def fill(model: Any, weights: dict[str, NDArray[Any]]) -> None:
    """Turn inputs of an ONNX model into constants, and work out what only depends on them: kernels in another order.

    Args:
        model: ModelProto, changed in place.
        weights: Name of the input -> its value.
    """
    import onnx
    from onnx.numpy_helper import from_array, to_array
    from onnx.reference import ReferenceEvaluator

    graph = model.graph
    known = {one.name: one for one in graph.initializer}
    found, nodes = dict(weights), []
    for node in [*graph.node]:
        needed = _read_by(node)
        if not found.keys() & needed or not (found.keys() | known.keys()) >= needed or _bodies(node):
            nodes.append(node)
            continue
        alone = onnx.helper.make_model(
            onnx.helper.make_graph([node], node.name, [], [onnx.ValueInfoProto(name=name) for name in node.output]),
            opset_imports=model.opset_import,
        )
        given = {name: found[name] if name in found else to_array(known[name]) for name in needed}
        found |= dict(zip(node.output, ReferenceEvaluator(alone).run(None, given), strict=True))
    used = {one.name for one in graph.output}.union(*map(_read_by, nodes))
    constants = [one for one in graph.initializer if one.name in used]
    constants += [from_array(np.ascontiguousarray(value), name) for name, value in found.items() if name in used]
    inputs = [one for one in graph.input if one.name not in weights]
    del graph.node[:], graph.input[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.input.extend(inputs)
    graph.initializer.extend(constants)


def _bodies(node: Any) -> list[Any]:
    """Graphs inside a node, such as a loop's."""
    return [attribute.g for attribute in node.attribute if attribute.HasField("g")]


def _read_by(node: Any) -> set[str]:
    """Names that a node and the graphs inside it read."""
    return {name for name in node.input if name}.union(*(_read_by(one) for body in _bodies(node) for one in body.node))
