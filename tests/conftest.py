"""Small real things that many tests need: a detector as ONNX, its package, a project folder, a CT series."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import settings
from onnx import TensorProto, helper

from medfake.config import TrackingParams
from medfake.detectors.card import ONNX_FILE, Agreement, Card, write_card
from medfake.dicom.writer import SeriesTemplate, write_series

settings.register_profile("untimed", deadline=None)  # tests assert no times
settings.load_profile("untimed")

MakePackage = Callable[..., Path]


def brightness_detector() -> onnx.ModelProto:
    """A real graph: P(tampered) grows with the mean of a slice; its site is row and column 32."""
    nodes = [
        helper.make_node("Cast", ["hu"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Mul", ["mean", "scale"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["p_tampered"]),
        helper.make_node("Identity", ["p_tampered"], ["site_p"]),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "middle"], ["site_y"]),
        helper.make_node("Add", ["nothing", "middle"], ["site_x"]),
    ]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"])
        for name in ("p_tampered", "site_y", "site_x", "site_p")
    ]
    hu = helper.make_tensor_value_info("hu", TensorProto.INT16, ["n", "rows", "cols"])
    constants = [
        helper.make_tensor(name, TensorProto.FLOAT, [], [value])
        for name, value in (("scale", 0.01), ("zero", 0.0), ("middle", 32.0))
    ]
    graph = helper.make_graph(nodes, "brightness", [hu], outputs, initializer=constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def make_package(tmp_path: Path) -> MakePackage:
    """Write a model package with the figures asked for."""

    def make(name: str = "a", *, val: float | None = 0.8, test: float = 0.8, **facts: object) -> Path:
        folder = tmp_path / "packages" / name
        folder.mkdir(parents=True)
        model = brightness_detector()
        model.doc_string = name  # so that two packages differ
        onnx.save(model, folder / ONNX_FILE)
        figures = {"auc": val, "h": val, "accuracy": val, "f1": val}
        card = {
            "detector": "ResidualCNN",
            "options": {},
            "seed": 1,
            "dataset": "chest",
            "dataset_sha256": "d" * 64,
            "evidence": "phantom",
            "protocol": "grouped",
            "parameters": 3,
            "localises": True,
            "threshold": 0.5,
            "threshold_rule": "by hand, for a test",
            "scan_threshold_low": 0.4,
            "scan_threshold_high": 0.6,
            "calibration": {},
            "weights": {"kind": "none", "sha256": None},
            "metrics": {"val": figures, "test": {"auc": test}},
            "agreement": Agreement(max_abs_difference=0.0, slices=4),
            "git_revision": "unknown",
            "dvc_lock_sha256": None,
            "mlflow_run_id": None,
            **facts,
        }
        write_card(Card.model_validate(card), folder)
        return folder

    return make


@pytest.fixture
def tracking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrackingParams:
    """An MLflow store in a folder of its own, which is also the working folder."""
    monkeypatch.chdir(tmp_path)
    return TrackingParams(
        uri=f"sqlite:///{tmp_path}/mlflow.db", artifacts=str(tmp_path / "artifacts"), experiment="medfake"
    )


@pytest.fixture
def write_scan() -> Callable[..., Path]:
    """Write a small CT series of constant slices."""

    def write(folder: Path, values: list[int], patient: str = "DOE^JANE", step_mm: float = 2.5) -> Path:
        volume = np.repeat(np.array(values, np.int16), 96 * 96).reshape(-1, 96, 96)
        positions = np.array([[0.0, 0.0, step_mm * index] for index in range(len(values))])
        template = SeriesTemplate(
            patient_id=patient, manufacturer="T", model="T", kernel="K", thickness_mm=step_mm, spacing_mm=(0.7, 0.7)
        )
        write_series(folder, volume, positions, template, uid_seed=str(folder), synthetic=None)
        return folder

    return write
