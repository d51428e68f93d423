"""Classical models as one ONNX graph that takes int16 slices."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.detectors.classical.pixels import UNIT_HU
from medfake.package.card import ONNX_FILE, Agreement
from medfake.package.export import require_agreement
from medfake.package.scorer import CLASSES_OUTPUT

_OPSET = 17
_ML_OPSET = 1
_IR_VERSION = 8


def export_classical(
    model: Any,
    pool: int,
    size: tuple[int, int],
    classes: int,
    folder: Path,
    slices: NDArray[np.int16],
    expected: NDArray[np.float64],
) -> Agreement:
    """Compose pooling and model into one graph: `hu` -> `p_tampered`, and `p_classes` where there are three."""
    import onnx
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    for one in getattr(model, "calibrated_classifiers_", ()):
        one.estimator = _convertible(one.estimator)
    width = (size[0] // pool) * (size[1] // pool)
    graph = to_onnx(
        model,
        initial_types=[("pixels", FloatTensorType([None, width]))],
        options={id(model): {"zipmap": False}},
        target_opset={"": _OPSET, "ai.onnx.ml": _ML_OPSET},
    )
    graph = onnx.compose.add_prefix(graph, "model_")
    graph.ir_version = _IR_VERSION
    del graph.opset_import[:]  # the converter names a domain twice, which cannot be merged
    graph.opset_import.extend(_opsets())
    probabilities = next(out.name for out in graph.graph.output if "prob" in out.name)
    joined = onnx.compose.merge_models(_front(pool, size), graph, io_map=[("flat", "model_pixels")])
    constants = {
        "starts": np.array([1], np.int64),
        "ends": np.array([classes], np.int64),
        "axes": np.array([1], np.int64),
        "lowest": np.array(0.0, np.float32),
        "highest": np.array(1.0, np.float32),
    }
    joined.graph.initializer.extend(onnx.numpy_helper.from_array(value, name) for name, value in constants.items())
    make = onnx.helper.make_node
    joined.graph.node.extend(
        [
            make("Slice", [probabilities, "starts", "ends", "axes"], ["tampered"]),
            make("ReduceSum", ["tampered", "axes"], ["votes"], keepdims=0),
            make("Clip", ["votes", "lowest", "highest"], ["p_tampered"]),  # a float32 sum may end at 1.0000001
        ]
    )
    del joined.graph.output[:]
    value = onnx.helper.make_tensor_value_info
    joined.graph.output.append(value("p_tampered", onnx.TensorProto.FLOAT, ["slices"]))
    if classes > 2:
        joined.graph.node.append(make("Clip", [probabilities, "lowest", "highest"], [CLASSES_OUTPUT]))
        joined.graph.output.append(value(CLASSES_OUTPUT, onnx.TensorProto.FLOAT, ["slices", classes]))
    onnx.checker.check_model(joined)
    onnx.save(joined, folder / ONNX_FILE)
    return require_agreement(folder, slices, expected)


def _convertible(model: Any) -> Any:
    from medfake.detectors.classical.estimators import PlaneSVC, as_linear_svc

    return as_linear_svc(model) if isinstance(model, PlaneSVC) else model


def _front(pool: int, size: tuple[int, int]) -> Any:
    """`hu` (slices, rows, cols) int16 -> `flat` (slices, pixels) float32."""
    from onnx import TensorProto, helper, numpy_helper

    axis = numpy_helper.from_array(np.array([1], np.int64), "channel_axis")
    unit = numpy_helper.from_array(np.array(UNIT_HU), "unit")
    nodes = [
        helper.make_node("Cast", ["hu"], ["hu_float"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["hu_float", "channel_axis"], ["image"]),
        helper.make_node("AveragePool", ["image"], ["pooled"], kernel_shape=[pool, pool], strides=[pool, pool]),
        helper.make_node("Div", ["pooled", "unit"], ["scaled"]),
        helper.make_node("Flatten", ["scaled"], ["flat"], axis=1),
    ]
    hu = helper.make_tensor_value_info("hu", TensorProto.INT16, ["slices", *size])
    flat = helper.make_tensor_value_info("flat", TensorProto.FLOAT, ["slices", None])
    graph = helper.make_graph(nodes, "front", [hu], [flat], initializer=[axis, unit])
    return helper.make_model(graph, opset_imports=_opsets(), ir_version=_IR_VERSION)


def _opsets() -> list[Any]:
    from onnx import helper

    return [helper.make_opsetid("", _OPSET), helper.make_opsetid("ai.onnx.ml", _ML_OPSET)]
