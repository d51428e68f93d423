"""A registry over HTTP: MLflow's own server, its files behind its proxy."""

import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest

from medfake.config import NominateParams, TrackingParams
from medfake.errors import PromotionRefusedError, RegistryError
from medfake.package.card import ONNX_FILE, read_card
from medfake.registry.gates.gate import GATES
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.nominate import nominate
from medfake.registry.promotion import promote, rollback
from medfake.registry.versions import MODEL_NAME
from medfake.serving.model import open_model
from tests.conftest import HERE

pytestmark = pytest.mark.slow(minutes=1)
AUC = NominateParams(metric="auc")


@pytest.fixture
def remote(tracking: TrackingParams, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelRegistry]:
    """The registry of a server that keeps files below `far`; nothing is in the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", tracking.uri, "--artifacts-destination", str(tmp_path / "far")]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "PATH": f"{Path(sys.executable).parent}:/usr/bin"}
    with (tmp_path / "server.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=tmp_path, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    address = f"http://127.0.0.1:{port}"
    try:
        while not _answers(f"{address}/health"):
            assert process.poll() is None, (tmp_path / "server.log").read_text()
            Event().wait(0.5)
        yield ModelRegistry(TrackingParams(uri=address, artifacts="unused", experiment="far"))
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def test_the_whole_way_over_http(make_package: Callable[..., Path], remote: ModelRegistry, tmp_path: Path) -> None:
    nominate([make_package("a", val=0.7)], AUC, remote)
    assert promote(remote, HERE).champion == 1
    nominate([make_package("b", val=0.9)], AUC, remote)
    assert "0.9000 against 0.7000" in promote(remote, HERE, reason="it sees more").reason
    champion = remote.champion()
    assert champion is not None
    folder = remote.package(champion)
    assert folder.is_relative_to(tmp_path / "cache")
    assert open_model("champion", remote).card.detector == read_card(folder).detector
    stored = remote.store.client.get_model_version(MODEL_NAME, "2")
    assert {name for name in stored.tags if name.startswith("gate.")} == {f"gate.{name}" for name in GATES}
    assert stored.tags["gate.loads"].startswith("passed: it loads and answers in a process without medfake")
    assert stored.description.startswith("# Model card: ResidualCNN, learnt from chest")
    assert rollback(remote).champion == 1
    assert [one.stated for one in remote.decisions()] == ["", "it sees more", ""]


def test_the_card_is_had_over_http_as_text_and_as_json(
    make_package: Callable[..., Path], remote: ModelRegistry
) -> None:
    nominate([make_package("a")], AUC, remote)
    with remote.store.session() as client:
        model_id = client.get_model_version(MODEL_NAME, "1").source.removeprefix("models:/")
    base = (
        f"{remote.store.uri}/ajax-api/2.0/mlflow/logged-models/{model_id}/artifacts/files?artifact_file_path=artifacts/"
    )
    for file, begins in (("card.json", b"{"), ("card.md", b"# Model card")):
        with urllib.request.urlopen(base + file) as reply:
            assert reply.read().startswith(begins)


def test_a_package_that_was_altered_on_the_server_is_refused_and_the_champion_stays(
    make_package: Callable[..., Path], remote: ModelRegistry, tmp_path: Path
) -> None:
    nominate([make_package("a", val=0.7)], AUC, remote)
    promote(remote, HERE)
    nominate([make_package("b", val=0.9)], AUC, remote)
    model_id = remote.store.client.get_model_version(MODEL_NAME, "2").source.removeprefix("models:/")
    (graph,) = (path for path in (tmp_path / "far").rglob(ONNX_FILE) if model_id in path.parts)
    graph.write_bytes(graph.read_bytes() + b"\n")
    with pytest.raises(RegistryError, match="its graphs are not what was registered") as caught:
        promote(remote, HERE)
    assert not isinstance(caught.value, PromotionRefusedError)
    champion = remote.champion()
    assert champion is not None
    assert champion.number == 1
    assert (remote.package(champion) / ONNX_FILE).is_file()
