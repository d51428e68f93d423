"""The registered model: it loads and answers where medfake is not installed, and scores as medfake does."""

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from medfake.config import NominateParams
from medfake.package.card import ONNX_FILE
from medfake.package.reference import REFERENCE_FILE, make_reference, read_reference, write_reference
from medfake.package.scan_scorer import open_package
from medfake.package.scorer import Scorer
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.nominate import nominate
from medfake.registry.promotion import promote
from tests.conftest import HERE
from tests.fixtures.places import give_places

MakePackage = Callable[..., Path]
AUC = NominateParams(metric="auc")
WITHOUT_MEDFAKE = """
import sys


class Bare:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("medfake", "tensorflow", "keras"):
            raise ModuleNotFoundError(f"No module named {name!r}: this environment is bare")


sys.meta_path.insert(0, Bare())
"""


@pytest.fixture
def bare(tmp_path: Path, registry: ModelRegistry) -> dict[str, str]:
    """Environment of a process, and of its children, in which medfake, TensorFlow and Keras cannot be imported."""
    folder = tmp_path / "bare"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(WITHOUT_MEDFAKE)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # MLflow looks for uvicorn there
    return {
        "PATH": path,
        "PYTHONPATH": str(folder),
        "PYTHONWARNINGS": "ignore",
        "MLFLOW_TRACKING_URI": registry.store.uri,
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def _run(code: str, environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _three_classes(path: Path) -> None:
    """A graph whose p_tampered is 1 - p_classes[:, 0], the same for every slice."""
    shape = helper.make_node("Shape", ["hu"], ["n"], start=0, end=1)
    ones = helper.make_node("Expand", ["classes", "rows"], ["p_classes"])
    nodes = [
        shape,
        helper.make_node("Concat", ["n", "three"], ["rows"], axis=0),
        ones,
        helper.make_node("Expand", ["tampered", "n"], ["p_tampered"]),
        helper.make_node("Identity", ["p_classes"], ["embedding"]),
    ]
    constants = [
        helper.make_tensor("classes", TensorProto.FLOAT, [1, 3], [0.2, 0.3, 0.5]),
        helper.make_tensor("three", TensorProto.INT64, [1], [3]),
        helper.make_tensor("tampered", TensorProto.FLOAT, [1], [0.8]),
    ]
    hu = helper.make_tensor_value_info("hu", TensorProto.INT16, ["n", "rows", "cols"])
    outputs = [
        helper.make_tensor_value_info("p_tampered", TensorProto.FLOAT, ["n"]),
        helper.make_tensor_value_info("p_classes", TensorProto.FLOAT, ["n", 3]),
        helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 3]),
    ]
    graph = helper.make_graph(nodes, "three", [hu], outputs, initializer=constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def test_it_scores_as_medfake_does_where_medfake_is_not_there(
    make_package: MakePackage, registry: ModelRegistry, bare: dict[str, str], tmp_path: Path
) -> None:
    package = make_package()
    nominate([package], AUC, registry)
    slices = np.random.default_rng(1).integers(-1000, 400, (9, 100, 96)).astype(np.int16)
    np.save(tmp_path / "slices.npy", slices)
    code = (
        "import mlflow, numpy as np\n"
        "model = mlflow.pyfunc.load_model('models:/medfake-detector@challenger')\n"
        "model.predict(np.load('slices.npy')).to_parquet('scores.parquet')\n"
        "print(model.metadata.signature.outputs.input_names(), len(model.predict(model.input_example)))\n"
        "print(len(model.predict(np.zeros((0, 96, 96), np.int16))))\n"
    )
    said = _run(code, bare, tmp_path)
    import pandas as pd

    scores = pd.read_parquet(tmp_path / "scores.parquet")
    own = Scorer(package / ONNX_FILE).score(slices)
    for column in ("p_tampered", "site_y", "site_x", "site_p"):
        np.testing.assert_array_equal(scores[column], getattr(own, column))
    assert said.splitlines() == [f"{list(scores.columns)} 1", "0"]


def test_three_classes_are_a_column_each_and_an_embedding_is_none(
    make_package: MakePackage, registry: ModelRegistry, bare: dict[str, str], tmp_path: Path
) -> None:
    package = make_package()
    _three_classes(package / ONNX_FILE)
    registry.register(package, "auc")
    code = (
        "import mlflow, numpy as np\n"
        "model = mlflow.pyfunc.load_model('models:/medfake-detector/1')\n"
        "print(model.metadata.signature.outputs.input_names())\n"
        "print(model.predict(np.zeros((5, 96, 96), np.int16)).astype(float).round(3).values.tolist()[4])\n"
    )
    assert _run(code, bare, tmp_path).splitlines() == ["['p_tampered', 'p_removed', 'p_injected']", "[0.8, 0.3, 0.5]"]


def test_maps_of_places_are_no_columns_and_their_aggregation_is_stored(
    make_package: MakePackage, registry: ModelRegistry, bare: dict[str, str], tmp_path: Path
) -> None:
    package = give_places(make_package())
    registry.register(package, "auc")
    code = (
        "import mlflow, numpy as np\n"
        "model = mlflow.pyfunc.load_model('models:/medfake-detector/1')\n"
        "print(model.metadata.signature.outputs.input_names())\n"
        "print(model.predict(np.zeros((5, 96, 96), np.int16)).shape)\n"
    )
    assert _run(code, bare, tmp_path).splitlines() == ["['p_tampered', 'site_y', 'site_x', 'site_p']", "(5, 4)"]
    stored = open_package(registry.package(registry.find("1")))
    volume = np.random.default_rng(1).integers(-1000, 400, (5, 96, 96)).astype(np.int16)
    chunks = [(volume, np.arange(5.0))]
    own = open_package(package).score_scan(chunks, (0.7, 0.7))
    assert stored.score_scan(chunks, (0.7, 0.7)).sites == own.sites


def test_how_its_scans_looked_travels_with_a_version(make_package: MakePackage, registry: ModelRegistry) -> None:
    package = make_package()
    reference = make_reference(
        [{"noise_hu": 20.0, "maker": "A"}], [], of="some scans", evidence=None, whole=True, graph="g" * 64
    )
    write_reference(package / REFERENCE_FILE, reference)
    registry.register(package, "auc")
    assert read_reference(registry.package(registry.find("1")) / REFERENCE_FILE) == reference


def test_nothing_of_this_machine_is_stored_with_it(make_package: MakePackage, registry: ModelRegistry) -> None:
    nominate([make_package()], AUC, registry)
    stored = registry.package(registry.find("challenger")).parent
    described = (stored / "MLmodel").read_text()
    assert str(Path(__file__).resolve().parents[2]) not in described
    assert "packages" not in described  # the folder that the package came from
    assert {line.partition("==")[0] for line in (stored / "requirements.txt").read_text().split()} == {
        "mlflow", "numpy", "onnxruntime", "pandas",
    }  # fmt: skip


@contextmanager
def _served(environment: dict[str, str], folder: Path) -> Iterator[str]:
    """`mlflow models serve` of the champion on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["-m", "mlflow", "models", "serve", "-m", "models:/medfake-detector@champion", "--env-manager", "local"]
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, *command, "--host", "127.0.0.1", "--port", str(port)],
            env=environment, cwd=folder, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        while not _answers(f"http://127.0.0.1:{port}/ping"):
            assert process.poll() is None, (folder / "serve.log").read_text()
            Event().wait(0.5)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url) as reply:
            return reply.status == 200
    except (urllib.error.URLError, ConnectionError):
        return False


@pytest.mark.slow
def test_mlflow_serves_the_champion_where_medfake_is_not_there(
    make_package: MakePackage, registry: ModelRegistry, bare: dict[str, str], tmp_path: Path
) -> None:
    nominate([make_package()], AUC, registry)
    promote(registry, HERE)
    stored = registry.package(registry.find("champion")).parent
    bodies = [
        (stored / "serving_input_example.json").read_bytes(),
        json.dumps({"inputs": np.zeros((2, 96, 96), np.int16).tolist()}).encode(),
    ]
    with _served(bare, tmp_path) as url:
        replies = []
        for body in bodies:
            request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request) as reply:
                replies.append(json.loads(reply.read())["predictions"])
    assert [len(rows) for rows in replies] == [1, 2]
    assert replies[1][0] == {"p_tampered": 0.5, "site_y": 32.0, "site_x": 32.0, "site_p": 0.5}
