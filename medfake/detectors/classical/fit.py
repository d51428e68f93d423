"""Classical models on pixels: fitted with scikit-learn, stored as one ONNX graph that takes int16 slices."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from medfake.datasets.dataset import Dataset
from medfake.detectors.classical.options import PixelOptions
from medfake.detectors.context import TrainingContext
from medfake.detectors.registry import DetectorSpec
from medfake.errors import TrainingError
from medfake.package.card import ONNX_FILE, Agreement
from medfake.package.export import require_agreement
from medfake.package.scorer import CLASSES_OUTPUT
from medfake.progress import track
from medfake.training.trained import Trained
from medfake.vocabulary import CLASSES, Split

_OPSET = 17
_ML_OPSET = 1
_IR_VERSION = 8
_CHECKED_SLICES = 16
_UNIT_HU = np.float32(1000)
Pixels = NDArray[np.float32]
Folds = list[tuple[NDArray[np.intp], NDArray[np.intp]]]

ClassicalContext = TrainingContext[DetectorSpec, PixelOptions]


def train_classical(context: ClassicalContext) -> Trained:
    """Fit a classical model on the train split, its options found by a grid search over folds of patients.

    There is one epoch, with val_loss, and cv_accuracy after a search; the val split is only measured.

    Raises:
        TrainingError: Slices differ in size, so that no model on raw pixels can take them; or there are too few
            patients for the folds.
    """
    from sklearn.metrics import log_loss

    spec, options, dataset, seed = context.spec, context.options, context.dataset, context.seed
    train, val = dataset.split(Split.TRAIN), dataset.split(Split.VAL)
    size = _size(dataset, spec.name)
    pixels, labels = _pixels(dataset.slices(train), options.pool), _labels(train, dataset)
    metrics: dict[str, float] = {}
    chosen, folds = options, None
    if options.grid:
        folds = _folds(train, labels, options.folds, seed)
        chosen, metrics["cv_accuracy"] = _search(spec, options, pixels, labels, folds, seed)
    model = spec.build(chosen, seed)
    if not hasattr(model, "predict_proba"):
        model = _calibrated(model, folds or _folds(train, labels, options.folds, seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SVMs that stop early say so for every fold
        model.fit(pixels, labels)
    val_slices = dataset.slices(val)
    probabilities = model.predict_proba(_pixels(val_slices, options.pool))
    classes = list(range(probabilities.shape[1]))
    context.on_epoch(1, metrics | {"val_loss": float(log_loss(_labels(val, dataset), probabilities, labels=classes))})
    checked = val_slices[:_CHECKED_SLICES]
    expected = probabilities[: len(checked), 1:].sum(axis=1)
    return Trained(
        save=lambda folder: _export(model, options.pool, size, len(classes), folder, checked, expected),
        parameters=None,
        chosen={name: getattr(chosen, name) for name in options.grid},
    )


def _size(dataset: Dataset, detector: str) -> tuple[int, int]:
    sizes = {(int(r), int(c)) for r, c in zip(dataset.manifest.rows, dataset.manifest.cols, strict=True)}
    if len(sizes) != 1:
        raise TrainingError(
            f"{detector} works on raw pixels and needs slices of one size", where=dataset.name, received=sorted(sizes),
            remedy="leave it out of train.detectors for this data set",
        )  # fmt: skip
    return sizes.pop()


def _labels(rows: pd.DataFrame, dataset: Dataset) -> NDArray[np.int_]:
    """0 and 1, or the place in `CLASSES` where the data set has three."""
    if dataset.facts.get("classes", 2) == 2:
        return rows.label.to_numpy(int)
    return rows.manipulation.map(CLASSES.index).to_numpy(int)


def _folds(train: pd.DataFrame, labels: NDArray[np.int_], count: int, seed: int) -> Folds:
    """Rows to learn from and rows to look at, by fold; a patient is in one fold alone, and every fold has all classes.

    Patients of one class only are the rule (reals and fakes of two sources), so fewer of them than folds cannot do.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    try:
        folds = list(splitter.split(train, labels, train.patient_id))
    except ValueError:
        folds = []
    if not folds or any(set(labels[at]) != set(labels) for fold in folds for at in fold):
        raise TrainingError(
            f"the train split cannot be cut into {count} folds that keep patients apart and hold all classes",
            received=f"{train.patient_id.nunique()} patients",
            remedy="lower the detector's folds, or give the data set more patients",
        )
    return folds


def _search(
    spec: DetectorSpec, options: PixelOptions, pixels: Pixels, labels: NDArray[np.int_], folds: Folds, seed: int
) -> tuple[PixelOptions, float]:
    """The candidate with the highest mean accuracy over the folds, the first of equals, and that accuracy."""
    from sklearn.model_selection import cross_val_score

    candidates = options.candidates()
    means = []
    for candidate in track(candidates, f"grid search of {spec.name}", len(candidates)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SVMs that stop early say so for every fold
            scores = cross_val_score(spec.build(candidate, seed), pixels, labels, cv=folds, scoring="accuracy")
        means.append(float(scores.mean()))
    best = int(np.argmax(means))
    return candidates[best], means[best]


def _calibrated(model: Any, folds: Folds) -> Any:
    """A model without probabilities and Platt's sigmoid on what it says of held-out folds."""
    from sklearn.calibration import CalibratedClassifierCV

    return CalibratedClassifierCV(model, method="sigmoid", ensemble=False, cv=folds)


def _pixels(slices: NDArray[np.int16], pool: int) -> Pixels:
    """(slices, pixels) float32 in 1000 HU, averaged over squares of `pool` px; a rest at the border is left out."""
    count, rows, cols = slices.shape
    cut = slices[:, : rows // pool * pool, : cols // pool * pool].astype(np.float32)
    squares = cut.reshape(count, rows // pool, pool, cols // pool, pool)
    pooled: NDArray[np.float32] = squares.mean(axis=(2, 4), dtype=np.float32).reshape(count, -1)
    return pooled / _UNIT_HU


def _export(
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


def _front(pool: int, size: tuple[int, int]) -> Any:
    """`hu` (slices, rows, cols) int16 -> `flat` (slices, pixels) float32."""
    from onnx import TensorProto, helper, numpy_helper

    axis = numpy_helper.from_array(np.array([1], np.int64), "channel_axis")
    unit = numpy_helper.from_array(np.array(_UNIT_HU), "unit")
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
