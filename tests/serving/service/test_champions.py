"""The champion of a real registry serves; another one takes over without dropping a request, a broken one does not."""

import shutil
import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from medfake.config import TrackingParams
from medfake.registry.model_registry import ModelRegistry
from medfake.registry.versions import Alias
from tests.fixtures.services import RunningService, StartService, until, write_served_package

WriteScan = Callable[..., Path]
SWAPS = 20


@pytest.fixture
def two_versions(registry: ModelRegistry, tmp_path: Path) -> ModelRegistry:
    """A registry with two detectors; the first is champion."""
    for name in ("one", "two"):
        registry.register(write_served_package(tmp_path / name), "auc")
    registry.set_alias(Alias.CHAMPION, 1)
    return registry


def _standing(service: RunningService) -> dict[str, str]:
    return dict(service.get("/v1/model").json()["registry"])


def _name(service: RunningService) -> str:
    return str(service.get("/v1/model").json()["name"])


@pytest.mark.slow
def test_twenty_new_champions_under_load_fail_no_request(
    two_versions: ModelRegistry,
    tracking: TrackingParams,
    start_service: StartService,
    write_scan: WriteScan,
    tmp_path: Path,
) -> None:
    service = start_service(model=None, tracking_uri=tracking.uri, watch_s=0.2)
    folder, stop = write_scan(tmp_path / "chest", [-200, 0, -100]), threading.Event()
    failed: list[str] = []
    scores: dict[str, set[float]] = defaultdict(set)

    def load() -> None:
        while not stop.is_set():
            answer = service.post_folder("/v1/scans", folder)
            if answer.status_code != 200:
                failed.append(answer.text)
                continue
            report = answer.json()
            scores[report["model"]["name"]].add(report["scans"][0]["p_tampered"])

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for swap in range(SWAPS):
            number = 2 - swap % 2
            two_versions.set_alias(Alias.CHAMPION, number)
            until(lambda wanted=number: f"version {wanted} " in _name(service))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failed == []
    assert set(scores) == {f"medfake-detector version {number} (champion)" for number in (1, 2)}
    assert all(len(values) == 1 for values in scores.values())


@pytest.mark.slow
def test_a_corrupt_champion_is_refused_and_the_old_one_stays(
    two_versions: ModelRegistry,
    tracking: TrackingParams,
    start_service: StartService,
    write_scan: WriteScan,
    tmp_path: Path,
) -> None:
    service = start_service(model=None, tracking_uri=tracking.uri, watch_s=0.2)
    graph = two_versions.package(two_versions.find("2")) / "detector.onnx"
    whole = graph.read_bytes()
    graph.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    two_versions.set_alias(Alias.CHAMPION, 2)
    until(lambda: _standing(service)["state"] == "refused")
    assert "version 2 is refused: its graphs are not what was registered" in _standing(service)["said"]
    assert "version 1 (champion) goes on" in service.get("/readyz").json()["reason"]
    answer = service.post_folder("/v1/scans", write_scan(tmp_path / "chest", [-200] * 3))
    assert answer.json()["model"]["name"] == "medfake-detector version 1 (champion)"


@pytest.mark.slow
def test_without_a_champion_the_built_in_detector_serves_until_there_is_one(
    two_versions: ModelRegistry, tracking: TrackingParams, start_service: StartService
) -> None:
    two_versions.set_alias(Alias.CHAMPION, None)
    service = start_service(model=None, tracking_uri=tracking.uri, watch_s=0.2)
    assert _name(service) == "the built-in detector"
    two_versions.set_alias(Alias.CHAMPION, 2)
    until(lambda: _name(service) == "medfake-detector version 2 (champion)")


@pytest.mark.slow
def test_when_the_registry_goes_away_the_champion_goes_on_even_after_a_restart(
    two_versions: ModelRegistry,
    tracking: TrackingParams,
    start_service: StartService,
    write_scan: WriteScan,
    tmp_path: Path,
) -> None:
    folder = write_scan(tmp_path / "chest", [-200] * 3)
    service = start_service(model=None, tracking_uri=tracking.uri, watch_s=0.2)
    path = Path(tracking.uri.removeprefix("sqlite:///"))
    path.write_bytes(b"no database any more" * 1000)
    shutil.rmtree(tracking.artifacts)
    until(lambda: _standing(service)["state"] == "unreachable")
    assert "medfake-detector version 1 (champion) goes on" in service.get("/readyz").json()["reason"]
    assert "medfake_registry_up 0.0" in service.get("/metrics").text
    assert service.post_folder("/v1/scans", folder).status_code == 200
    service.stop()
    service = start_service(model=None, tracking_uri=tracking.uri, watch_s=0.2)
    answer = service.post_folder("/v1/scans", folder)
    assert answer.json()["model"]["name"] == "medfake-detector version 1 (champion)"
    assert _standing(service)["state"] == "unreachable"


@pytest.mark.slow
def test_a_version_that_is_not_there_is_told_and_serves_once_it_is(
    two_versions: ModelRegistry, tracking: TrackingParams, start_service: StartService
) -> None:
    service = start_service(model="challenger", tracking_uri=tracking.uri, watch_s=0.2, wait=False)
    until(lambda: "there is no challenger" in service.get("/readyz").text)
    two_versions.set_alias(Alias.CHALLENGER, 2)
    until(lambda: service.get("/readyz").status_code == 200)
    assert _name(service) == "medfake-detector version 2 (challenger)"


@pytest.mark.slow
def test_a_version_that_was_asked_for_is_not_swapped(
    two_versions: ModelRegistry, tracking: TrackingParams, start_service: StartService
) -> None:
    service = start_service(model="2", tracking_uri=tracking.uri, watch_s=0.2)
    assert _name(service) == "medfake-detector version 2"
