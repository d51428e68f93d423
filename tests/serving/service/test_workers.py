"""Scoring processes that hang or die: replaced, with the file that they were at left out and the rest scored."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from medfake.package.card import ONNX_FILE
from medfake.serving.model import open_folder
from medfake.serving.scoring.worker import warm_up
from tests.fixtures.services import RunningService, StartService, until, write_served_package

WriteScan = Callable[..., Path]
SURVIVE = "the scoring process did not survive it: "


def _send(service: RunningService, folder: Path, slow_file: Path) -> str:
    """A job of a scan, and of a file beside it whose pixels take seconds."""
    files = [("file", (f"chest/{file.name}", file.read_bytes())) for file in sorted(folder.iterdir())]
    return service.job_of(service.post("/v1/jobs", files=[*files, ("file", ("slow/1.dcm", slow_file.read_bytes()))]))


def _report(service: RunningService, job: str) -> dict[str, Any]:
    ended = service.wait_for(job)
    assert ended["state"] == "done", ended
    return dict(service.get(f"/v1/jobs/{job}/report").json())


def _at_slow_file(one: dict[str, Any]) -> bool:
    return bool(one["progress"]["scans_done"] == 1)


@pytest.mark.slow
def test_a_file_that_takes_too_long_is_left_out(
    start_service: StartService, write_scan: WriteScan, slow_file: Path, tmp_path: Path
) -> None:
    service = start_service(limits={"file_s": 1.0})
    report = _report(service, _send(service, write_scan(tmp_path / "chest", [-200] * 3), slow_file))
    assert report["skipped"] == [{"path": "slow/1.dcm", "reason": f"{SURVIVE}nothing was heard for 1 s"}]
    assert [scan["n_slices"] for scan in report["scans"]] == [3]
    assert 'medfake_worker_restarts_total{why="silent"} 1.0' in service.get("/metrics").text
    assert 'medfake_skipped_files_total{reason="process"} 1.0' in service.get("/metrics").text


@pytest.mark.slow
def test_a_file_over_which_the_process_dies_is_left_out(
    start_service: StartService, write_scan: WriteScan, slow_file: Path, tmp_path: Path
) -> None:
    service = start_service()
    job = _send(service, write_scan(tmp_path / "chest", [-200] * 3), slow_file)
    service.wait_for(job, _at_slow_file)
    (worker,) = service.workers()
    os.kill(worker, signal.SIGKILL)
    report = _report(service, job)
    assert report["skipped"] == [{"path": "slow/1.dcm", "reason": f"{SURVIVE}ended by SIGKILL"}]
    assert [scan["n_slices"] for scan in report["scans"]] == [3]
    assert service.workers() != [worker]


@pytest.mark.slow
def test_a_job_that_takes_too_long_fails_and_the_next_is_done(
    start_service: StartService, write_scan: WriteScan, slow_file: Path, tmp_path: Path
) -> None:
    folder = write_scan(tmp_path / "chest", [-200] * 3)
    service = start_service(limits={"job_s": 1.0})
    ended = service.wait_for(_send(service, folder, slow_file))
    assert (ended["state"], ended["error"]["what"]) == ("failed", "the job took too long")
    assert service.post_folder("/v1/scans", folder).status_code == 200


def test_a_process_that_dies_while_nothing_is_to_do_is_replaced(
    start_service: StartService, write_scan: WriteScan, tmp_path: Path
) -> None:
    service = start_service()
    (worker,) = service.workers()
    os.kill(worker, signal.SIGKILL)
    assert service.post_folder("/v1/scans", write_scan(tmp_path / "chest", [-200] * 3)).status_code == 200
    assert service.workers() != [worker]


def test_a_slice_that_needs_more_memory_than_a_process_has_is_left_out(
    start_service: StartService, write_scan: WriteScan, slow_file: Path, tmp_path: Path
) -> None:
    service = start_service(limits={"worker_memory_bytes": 330 << 20})
    report = _report(service, _send(service, write_scan(tmp_path / "chest", [-200] * 3), slow_file))
    assert [one["path"] for one in report["skipped"]] == ["slow/1.dcm"]
    assert [scan["n_slices"] for scan in report["scans"]] == [3]


def test_a_slice_of_too_many_pixels_is_left_out(
    start_service: StartService, write_scan: WriteScan, tmp_path: Path
) -> None:
    service = start_service(limits={"slice_pixels": 96 * 96 - 1})
    report = service.post_folder("/v1/scans", write_scan(tmp_path / "chest", [-200])).json()
    assert report["skipped"] == [
        {"path": "chest/0.dcm", "reason": "slices of 96 x 96 pixels are more than the service takes"}
    ]


def test_processes_end_with_the_service(start_service: StartService) -> None:
    for end in (RunningService.stop, RunningService.kill):
        service = start_service()
        (worker,) = service.workers()
        end(service)
        until(lambda pid=worker: not _runs(pid))


def _runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.slow
def test_with_two_processes_a_small_scan_does_not_wait_for_a_large_job(
    start_service: StartService, write_scan: WriteScan, slow_file: Path, tmp_path: Path
) -> None:
    service = start_service(workers=2)
    folder = write_scan(tmp_path / "chest", [-200] * 3)
    slow = service.job_of(service.post("/v1/jobs", files={"file": ("slow.dcm", slow_file.read_bytes())}))
    service.wait_for(slow, lambda one: one["progress"]["slices"])
    assert service.post_folder("/v1/scans", folder).status_code == 200
    assert service.get(f"/v1/jobs/{slow}").json()["state"] == "running"
    assert service.wait_for(slow)["state"] == "done"


@pytest.mark.parametrize("size", [(96, 96), (300, 512)])
def test_a_detector_that_takes_slices_of_one_size_alone_is_warmed_with_some_of_that_size(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    package = write_served_package(tmp_path / "fixed")
    graph = onnx.load(package / ONNX_FILE)
    for axis, edge in enumerate(size, start=1):
        graph.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = edge
    onnx.save(graph, package / ONNX_FILE)
    model = open_folder(package, "fixed")
    assert model.scorer.scorer.fixed_size == size
    warm_up(model)
