"""Classical models as one ONNX graph that takes int16 slices."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medfake.detectors.classical.front import FLAT
from medfake.package.card import ONNX_FILE, Agreement
from medfake.package.export import require_agreement
from medfake.package.onnx_nodes import IR_VERSION, ML_OPSET, OPSET, opsets
from medfake.package.scorer import CLASSES_OUTPUT

SITE_OUTPUTS: Final = ("site_y", "site_x")


def export_classical(
    model: Any,
    front: Any,
    classes: int,
    folder: Path,
    slices: NDArray[np.int16],
    expected: NDArray[np.float64],
) -> Agreement:
    """Compose front and model into one graph: `hu` -> `p_tampered`, and `p_classes` where there are three.

    Args:
        model: Fitted.
        front: onnx.ModelProto, `hu` -> `flat`; where it has site_y and site_x, the graph has them and site_p, too.
        classes: Two or three.
        folder: Of the package.
        slices: Real ones on which both forms must agree.
        expected: (slices,) what the model said of them.

    Raises:
        ExportMismatchError: They differ by more than 1e-4.
    """
    import onnx
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    for one in getattr(model, "calibrated_classifiers_", ()):
        one.estimator = _convertible(one.estimator)
    graph = to_onnx(
        model,
        initial_types=[("pixels", FloatTensorType([None, int(model.n_features_in_)]))],
        options={id(model): {"zipmap": False}},
        target_opset={"": OPSET, "ai.onnx.ml": ML_OPSET},
    )
    graph = onnx.compose.add_prefix(graph, "model_")
    graph.ir_version = IR_VERSION
    del graph.opset_import[:]  # the converter names a domain twice, which cannot be merged
    graph.opset_import.extend(opsets())
    probabilities = next(out.name for out in graph.graph.output if "prob" in out.name)
    joined = onnx.compose.merge_models(front, graph, io_map=[(FLAT, "model_pixels")])
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
    if SITE_OUTPUTS[0] in [out.name for out in front.graph.output]:
        joined.graph.node.append(make("Identity", ["p_tampered"], ["site_p"]))
        sites = (*SITE_OUTPUTS, "site_p")
        joined.graph.output.extend(value(name, onnx.TensorProto.FLOAT, ["slices"]) for name in sites)
    onnx.checker.check_model(joined)
    onnx.save(joined, folder / ONNX_FILE)
    return require_agreement(folder, slices, expected)


def _convertible(model: Any) -> Any:
    from medfake.detectors.classical.estimators import PlaneSVC, as_linear_svc

    return as_linear_svc(model) if isinstance(model, PlaneSVC) else model
