"""ONNX graphs written operator by operator, for arithmetic that no network is needed for."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medfake.package.scorer import INPUT

OPSET: Final = 17
ML_OPSET: Final = 1
IR_VERSION: Final = 8


class Nodes:
    """Nodes and constants of a graph while it is written; calling it adds one.

    Example:
        >>> nodes = Nodes()
        >>> doubled = nodes("Mul", "hu_float", 2.0)
        >>> nodes.made[0].op_type
        'Mul'
    """

    def __init__(self) -> None:
        self.made: list[Any] = []
        self.constants: list[Any] = []

    def __call__(self, operator: str, *inputs: "str | float | NDArray[Any]", **attributes: Any) -> str:
        """Add a node of one output.

        Args:
            operator: Of ONNX.
            inputs: Names of values, or numbers and arrays, which become constants; plain numbers are float32.
            attributes: Of the operator.

        Returns:
            Name of its output.
        """
        return self.several(operator, 1, *inputs, **attributes)[0]

    def several(
        self, operator: str, outputs: int, *inputs: "str | float | NDArray[Any]", **attributes: Any
    ) -> list[str]:
        """Add a node of several outputs, whose names are returned."""
        from onnx import helper

        names = [f"{operator}_{len(self.made)}_{number}" for number in range(outputs)]
        given = [one if isinstance(one, str) else self._constant(one) for one in inputs]
        self.made.append(helper.make_node(operator, given, names, **attributes))
        return names

    def named(self, name: str, value: str) -> str:
        """Give a value the name of an output."""
        from onnx import helper

        self.made.append(helper.make_node("Identity", [value], [name]))
        return name

    def _constant(self, value: "float | NDArray[Any]") -> str:
        from onnx import numpy_helper

        array = value if isinstance(value, np.ndarray) else np.array(value, np.float32)
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name


def whole(*numbers: int) -> NDArray[np.int64]:
    """Axes, shapes and counts as ONNX takes them."""
    return np.array(numbers, np.int64)


def opsets() -> list[Any]:
    """Versions of the operators, those of classical models included: graphs of the same ones can be joined."""
    from onnx import helper

    return [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]


def as_model(
    name: str, nodes: Nodes, outputs: Mapping[str, int], size: tuple[int | str, int | str] = ("rows", "cols")
) -> Any:
    """Close a graph that takes `hu`, (slices, rows, cols) int16.

    Args:
        name: Of the graph.
        nodes: All of it.
        outputs: Names of float32 values whose first axis are slices, and how many axes each has.
        size: Rows and columns that it takes; any, left out.

    Returns:
        onnx.ModelProto, checked.
    """
    from onnx import TensorProto, checker, helper

    value = helper.make_tensor_value_info
    given = [value(INPUT, TensorProto.INT16, ["slices", *size])]
    made = [value(out, TensorProto.FLOAT, ["slices", *[None] * (axes - 1)]) for out, axes in outputs.items()]
    graph = helper.make_graph(nodes.made, name, given, made, initializer=nodes.constants)
    model = helper.make_model(graph, opset_imports=opsets(), ir_version=IR_VERSION)
    checker.check_model(model)
    return model
