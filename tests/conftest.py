"""Small real things that many tests need: a detector as ONNX, its package, a CT series, a data set."""

import hashlib
import json
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import settings
from onnx import TensorProto, helper

from medfake.config import DatasetParams, TrackingParams
from medfake.datasets.manifest import SCHEMA
from medfake.dicom.writer import SeriesTemplate, write_series
from medfake.metrics.predictions import write_predictions
from medfake.package.card import ONNX_FILE, PREDICTIONS_FILE, Agreement, Card, write_card
from medfake.project import Project
from medfake.registry.model_registry import ModelRegistry
from medfake.tracking.store import Store

pytest_plugins = [
    "tests.fixtures.browser",
    "tests.fixtures.predictions",
    "tests.fixtures.chests",
    "tests.fixtures.dask_cluster",
    "tests.fixtures.generated",
    "tests.fixtures.inpainters",
    "tests.fixtures.services",
    "tests.fixtures.folded",
    "tests.fixtures.orthanc",
    "tests.fixtures.postgres",
    "tests.fixtures.team",
    "tests.fixtures.hospital",
]

HERE = Project(Path())  # the working folder, which `no_store` makes one of its own

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a shell; tests interrupt their children
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("untimed", deadline=None)  # tests assert no times
settings.load_profile("untimed")

MakePackage = Callable[..., Path]
SPLITS = ("train", "val", "test")
MakeParams = Callable[..., DatasetParams]
WriteTable = Callable[..., None]
WriteToySet = Callable[..., None]
Z_MM = (0.0, 5.0, 10.0, 60.0)  # of the slices of a tampered scan; its site is at 5 mm, so 60 mm is real


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, so that no worker is left alone with one at the end."""
    minutes: dict[Path, float] = {}
    for item in items:
        for mark in item.iter_markers("slow"):
            minutes[item.path] = max(minutes.get(item.path, 0.0), mark.kwargs.get("minutes", 0.0))
    items.sort(key=lambda item: minutes.get(item.path, 0.0), reverse=True)


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


def predictions_of(auc: float, card: Card) -> pd.DataFrame:
    """Validation slices of 100 patients, a real and a tampered one each, whose AUC is as asked for to two digits.

    Whoever has a higher one finds what those with a lower one find, too, so that a paired test tells them apart.
    """
    numbers, label = np.repeat(np.arange(100), 2), np.tile([0, 1], 100)
    found = numbers < round(100 * auc)
    rows = pd.DataFrame({"slice_id": [f"{n}-{one}" for n, one in zip(numbers, label, strict=True)], "label": label})
    rows["scan_id"], rows["patient_id"] = rows["slice_id"], numbers.astype(str)
    rows["p_tampered"] = np.where(label == 0, 0.02, np.where(found, 0.99, 0.01))
    rows["manipulation"] = np.where(label == 0, "none", "injected")
    rows[["z_mm", "spacing_mm"]] = 0.0, 0.7
    rows[["distance_mm", "site_y", "site_x", "pred_site_y", "pred_site_x"]] = np.nan
    return rows.assign(dataset=card.dataset, detector=card.detector, seed=card.seed, split="val")


@pytest.fixture(autouse=True, scope="session")
def _user_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keys and caches of whoever runs the tests stay as they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("user-data")))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("user-cache")))
        patch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path_factory.mktemp("dvc-site-cache")))
        yield


@pytest.fixture(autouse=True)
def _same_weights() -> None:
    """Keras draws the seeds of layers that have none here, so that networks which a test builds are always the same."""
    random.seed(1)


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have a server of their own; MLflow's writes its address there, too."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(autouse=True, scope="session")
def _no_power_cuts() -> Iterator[None]:
    """Thousands of small files need not reach the disk one by one; processes that tests start and kill do wait."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        yield


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
        made = Card.model_validate(card)
        write_card(made, folder)
        if val is not None:
            write_predictions(folder / PREDICTIONS_FILE, predictions_of(val, made))
        return folder

    return make


@pytest.fixture
def no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrackingParams:
    """Where an MLflow store may be made, in a folder of its own, which is also the working folder."""
    monkeypatch.chdir(tmp_path)
    return TrackingParams(
        uri=f"sqlite:///{tmp_path}/mlflow.db", artifacts=str(tmp_path / "artifacts"), experiment="medfake"
    )


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database that holds nothing yet; its tables take seconds to make, a copy takes none."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    made = Store(TrackingParams(uri=f"sqlite:///{path}", artifacts=str(path.parent / "artifacts"), experiment="none"))
    made.client.search_experiments()
    return path


@pytest.fixture
def tracking(no_store: TrackingParams, empty_database: Path) -> TrackingParams:
    """An MLflow store in a folder of its own, which is also the working folder."""
    shutil.copyfile(empty_database, no_store.uri.removeprefix("sqlite:///"))
    return no_store


@pytest.fixture
def registry(tracking: TrackingParams) -> ModelRegistry:
    """The model registry of that store."""
    return ModelRegistry(tracking)


@pytest.fixture
def write_scan() -> Callable[..., Path]:
    """Write a small CT series: slices of the given mean HU, half of each lung and half what lies around it."""

    def write(
        folder: Path, values: list[int], patient: str = "DOE^JANE", step_mm: float = 2.5, *, lung: bool = True
    ) -> Path:
        volume = np.repeat(np.array(values, np.int16), 96 * 96).reshape(-1, 96, 96)
        if lung:
            volume = 2 * volume + 850
            volume[:, 12:84, 16:80] = -850
        positions = np.array([[0.0, 0.0, step_mm * index] for index in range(len(values))])
        template = SeriesTemplate(
            patient_id=patient, manufacturer="T", model="T", kernel="K", thickness_mm=step_mm, spacing_mm=(0.7, 0.7)
        )
        write_series(folder, volume, positions, template, uid_seed=str(folder), synthetic=None)
        return folder

    return write


@pytest.fixture(scope="session")
def toy_block() -> dict[str, Any]:
    """A data set's block of params.yaml."""
    source = {"kind": "lidc", "path": "data/raw/toy"}
    return {
        "reals": source,
        "fakes": source,
        "identifiers": "public",
        "labelling": {"rule": "extent", "tampered_mm": 16.0, "ignore_mm": 25.0},
        "split": {"protocol": "grouped", "val": 0.2, "test": 0.3, "seed": 1},
        "balance": {"tolerance": 0.02, "seed": 1},
    }


@pytest.fixture(scope="session")
def toy_params(toy_block: dict[str, Any]) -> MakeParams:
    """DatasetParams of the toy set, any field overridden."""

    def make(**overrides: Any) -> DatasetParams:
        return DatasetParams.model_validate(toy_block | overrides)

    return make


@pytest.fixture(scope="session")
def write_table() -> WriteTable:
    """Write a manifest, of its schema or of whatever types it has, and the facts that describe it."""
    return _write_table


@pytest.fixture(scope="session")
def write_toy_set() -> WriteToySet:
    """Write the toy set into a new folder; its slices are squares of noise, 32 px unless told otherwise."""
    return _write_toy_set


@pytest.fixture
def toy_set(tmp_path: Path) -> Path:
    """The toy set in a folder of its own."""
    folder = tmp_path / "toy"
    _write_toy_set(folder)
    return folder


def _write_toy_set(folder: Path, size: int = 32) -> None:
    """In every split a tampered scan (three tampered slices, one real far away) and an untampered one (two slices)."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    rows = [
        row for number, split in enumerate(SPLITS) for row in (*_tampered(number, split), *_untampered(number, split))
    ]
    pixels = rng.integers(-1000, 400, (len(rows), size, size)).astype("<i2")
    np.save(folder / "shard-000.npy", pixels)
    for index, (row, image) in enumerate(zip(rows, pixels, strict=True)):
        row |= {"rows": size, "cols": size, "row": index, "sha256": hashlib.sha256(image.tobytes()).hexdigest()}
        row |= {"hu_min": int(image.min()), "hu_max": int(image.max()), "air_fraction": 0.07}
    sites = [
        {"scan_id": f"scan-t{number}", "kind": "FM", "z_index": 1, "z_mm": 5.0, "y": 10, "x": 31} for number in range(3)
    ]
    pd.DataFrame(sites).to_parquet(folder / "sites.parquet", index=False)
    _write_table(folder, pd.DataFrame(rows)[SCHEMA.names], SCHEMA)


def _tampered(number: int, split: str) -> list[dict[str, Any]]:
    return [
        _row(f"scan-t{number}", split, index, z_mm)
        | (
            {"label": 1, "manipulation": "injected", "generator": "CT-GAN", "site_y": 10.0, "site_x": 31.0}
            if index < 3
            else {}
        )
        | {"distance_mm": abs(z_mm - 5.0)}
        for index, z_mm in enumerate(Z_MM)
    ]


def _untampered(number: int, split: str) -> list[dict[str, Any]]:
    return [_row(f"scan-r{number}", split, index, 2.5 * index) for index in range(2)]


def _row(scan: str, split: str, index: int, z_mm: float) -> dict[str, Any]:
    return {
        **dict.fromkeys(SCHEMA.names),
        "slice_id": f"{scan}:{index}",
        "scan_id": scan,
        "patient_id": f"patient-{scan[5:]}",
        "source": "CT-GAN" if scan.startswith("scan-t") else "LIDC-IDRI",
        "generator": "",
        "manipulation": "none",
        "label": 0,
        "z_index": index,
        "z_mm": z_mm,
        "split": split,
        "shard": "shard-000.npy",
        "spacing_mm": 0.7,
        "thickness_mm": 2.5,
        "manufacturer": "maker",
        "kernel": "soft",
        "transfer_syntax": "1.2.840.10008.1.2.1",
        "lossy": False,
        "quality_flags": "",
        "view": "whole",
        "transform": "",
        "bits_stored": 12,
        "intercept": -1024.0,
        "modality": "CT",
    }


def _write_table(folder: Path, manifest: pd.DataFrame, schema: pa.Schema | None = None) -> None:
    table = pa.Table.from_pandas(manifest, schema=schema, preserve_index=False)
    pq.write_table(table.replace_schema_metadata(SCHEMA.metadata), folder / "manifest.parquet")
    digest = hashlib.sha256((folder / "manifest.parquet").read_bytes()).hexdigest()
    facts: dict[str, Any] = {"name": folder.name, "sha256": digest, "evidence": "phantom", "protocol": "grouped"}
    facts["seen"] = {"CT-GAN": {"scans": 3, "slices": 120}, "LIDC-IDRI": {"scans": 3, "slices": 100}}
    facts["labels"] = {"reals and fakes": {"rows": 3, "used": 3, "left_out": 0, "places": 3}}
    (folder / "dataset.json").write_text(json.dumps(facts))
