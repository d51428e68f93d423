"""Classical models on pixels: fitted with scikit-learn, stored as one ONNX graph that takes int16 slices."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.datasets.dataset import Dataset
from medfake.detectors.card import ONNX_FILE, Agreement
from medfake.detectors.options import RandomForestOptions
from medfake.detectors.registry import DetectorSpec
from medfake.errors import TrainingError
from medfake.training.export import require_agreement
from medfake.training.trained import OnEpoch, Trained

_OPSET = 17
_ML_OPSET = 1
_IR_VERSION = 8
_CHECKED_SLICES = 16
_BOUNDS = {"lowest": 0.0, "highest": 1.0}


def train_classical(
    spec: DetectorSpec, options: RandomForestOptions, dataset: Dataset, seed: int, on_epoch: OnEpoch
) -> Trained:
    """Fit a classical model on the train split.

    Raises:
        TrainingError: The slices are not all of one size; a model on raw pixels cannot take them.
    """
    from sklearn.metrics import log_loss

    train, val = dataset.split("train"), dataset.split("val")
    sizes = {(int(r), int(c)) for r, c in zip(dataset.manifest.rows, dataset.manifest.cols, strict=True)}
    if len(sizes) != 1:
        raise TrainingError(
            f"{spec.name} works on raw pixels and needs slices of one size", where=dataset.name, received=sorted(sizes),
            remedy="leave it out of train.detectors for this data set",
        )  # fmt: skip
    model = spec.build(options, seed).fit(_pixels(dataset.slices(train), options.pool), train.label)
    val_slices = dataset.slices(val)
    probabilities = model.predict_proba(_pixels(val_slices, options.pool))
    on_epoch(1, {"val_loss": float(log_loss(val.label, probabilities))})
    checked = val_slices[:_CHECKED_SLICES]
    expected = probabilities[: len(checked), 1]
    size = next(iter(sizes))
    return Trained(save=lambda folder: _export(model, options.pool, size, folder, checked, expected), parameters=None)


def _pixels(slices: NDArray[np.int16], pool: int) -> NDArray[np.float32]:
    """(slices, pixels) float32 HU, averaged over squares of `pool` px; a remainder at the border is left out."""
    count, rows, cols = slices.shape
    cut = slices[:, : rows // pool * pool, : cols // pool * pool].astype(np.float32)
    squares = cut.reshape(count, rows // pool, pool, cols // pool, pool)
    pooled: NDArray[np.float32] = squares.mean(axis=(2, 4), dtype=np.float32).reshape(count, -1)
    return pooled


def _export(
    model: Any,
    pool: int,
    size: tuple[int, int],
    folder: Path,
    slices: NDArray[np.int16],
    expected: NDArray[np.float64],
) -> Agreement:
    """Compose pooling and forest into one graph: `hu` -> `p_tampered`."""
    import onnx
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    width = (size[0] // pool) * (size[1] // pool)
    forest = to_onnx(
        model,
        initial_types=[("pixels", FloatTensorType([None, width]))],
        options={id(model): {"zipmap": False}},
        target_opset={"": _OPSET, "ai.onnx.ml": _ML_OPSET},
    )
    forest = onnx.compose.add_prefix(forest, "forest_")
    forest.ir_version = _IR_VERSION
    del forest.opset_import[:]  # the converter names a domain twice, which cannot be merged
    forest.opset_import.extend(_opsets())
    probabilities = next(out.name for out in forest.graph.output if "prob" in out.name)
    joined = onnx.compose.merge_models(_front(pool, size), forest, io_map=[("flat", "forest_pixels")])
    index = onnx.numpy_helper.from_array(np.array([1], np.int64), "tampered_column")
    joined.graph.initializer.append(index)
    joined.graph.node.append(onnx.helper.make_node("Gather", [probabilities, "tampered_column"], ["column"], axis=1))
    flat = onnx.numpy_helper.from_array(np.array([-1], np.int64), "flat_shape")
    joined.graph.initializer.append(flat)
    joined.graph.node.append(onnx.helper.make_node("Reshape", ["column", "flat_shape"], ["votes"]))
    bounds = [onnx.numpy_helper.from_array(np.array(value, np.float32), name) for name, value in _BOUNDS.items()]
    joined.graph.initializer.extend(bounds)  # a float32 sum over trees may end at 1.0000001
    joined.graph.node.append(onnx.helper.make_node("Clip", ["votes", *_BOUNDS], ["p_tampered"]))
    del joined.graph.output[:]
    joined.graph.output.append(onnx.helper.make_tensor_value_info("p_tampered", onnx.TensorProto.FLOAT, ["slices"]))
    onnx.checker.check_model(joined)
    onnx.save(joined, folder / ONNX_FILE)
    return require_agreement(folder, slices, expected)


def _front(pool: int, size: tuple[int, int]) -> Any:
    """`hu` (slices, rows, cols) int16 -> `flat` (slices, pixels) float32."""
    from onnx import TensorProto, helper, numpy_helper

    axis = numpy_helper.from_array(np.array([1], np.int64), "channel_axis")
    nodes = [
        helper.make_node("Cast", ["hu"], ["hu_float"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["hu_float", "channel_axis"], ["image"]),
        helper.make_node("AveragePool", ["image"], ["pooled"], kernel_shape=[pool, pool], strides=[pool, pool]),
        helper.make_node("Flatten", ["pooled"], ["flat"], axis=1),
    ]
    hu = helper.make_tensor_value_info("hu", TensorProto.INT16, ["slices", *size])
    flat = helper.make_tensor_value_info("flat", TensorProto.FLOAT, ["slices", None])
    graph = helper.make_graph(nodes, "front", [hu], [flat], initializer=[axis])
    return helper.make_model(graph, opset_imports=_opsets(), ir_version=_IR_VERSION)


def _opsets() -> list[Any]:
    from onnx import helper

    return [helper.make_opsetid("", _OPSET), helper.make_opsetid("ai.onnx.ml", _ML_OPSET)]
