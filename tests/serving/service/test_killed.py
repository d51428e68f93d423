"""The service killed, or stopped, in the midst of a job: the job is taken up, and nothing finished is done again."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.services import RunningService, StartService, until

WriteScan = Callable[..., Path]


def _half_way(service: RunningService, write_scan: WriteScan, slow_file: Path, folder: Path) -> str:
    """A job of which one scan is done, and another will not be for seconds."""
    chest = write_scan(folder / "chest", [-200] * 3)
    files = [("file", (f"chest/{file.name}", file.read_bytes())) for file in sorted(chest.iterdir())]
    job = service.job_of(service.post("/v1/jobs", files=[*files, ("file", ("slow/1.dcm", slow_file.read_bytes()))]))
    service.wait_for(job, lambda one: one["progress"]["scans_done"] == 1)
    return job


def _finished(service: RunningService, job: str) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (service.data / "jobs" / job / "scans").glob("*.json")}


@pytest.mark.slow
def test_a_job_is_taken_up_after_a_kill(
    start_service: StartService, write_scan: WriteScan, slow_file: Path, tmp_path: Path
) -> None:
    service = start_service(lease_s=2.0)
    job = _half_way(service, write_scan, slow_file, tmp_path)
    service.kill()
    finished = _finished(service, job)
    assert len(finished) == 1
    service = start_service(lease_s=2.0)
    ended = service.wait_for(job)
    assert ended["state"] == "done"
    assert finished.items() < _finished(service, job).items()
    report = service.get(f"/v1/jobs/{job}/report").json()
    assert [scan["n_slices"] for scan in report["scans"]] == [3, 1]
    assert report["skipped"] == []
    counted = re.findall(r"^medfake_scans_total.* (\S+)$", service.get("/metrics").text, re.MULTILINE)
    assert counted == ["1.0"]


@pytest.mark.slow
def test_a_job_goes_back_into_the_queue_when_the_service_stops(
    start_service: StartService, write_scan: WriteScan, slow_file: Path, tmp_path: Path
) -> None:
    service = start_service(lease_s=600.0)
    job = _half_way(service, write_scan, slow_file, tmp_path)
    assert service.stop() == 0
    finished = _finished(service, job)
    service = start_service(lease_s=600.0)
    assert service.wait_for(job)["state"] == "done"
    assert finished.items() < _finished(service, job).items()


@pytest.mark.slow
def test_who_waits_when_the_service_stops_is_told_where_to_ask(start_service: StartService, slow_file: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    service = start_service()
    with ThreadPoolExecutor() as threads:
        kind = {"Content-Type": "application/dicom"}
        waiting = threads.submit(service.post, "/v1/scans", data=slow_file.read_bytes(), headers=kind)
        until(lambda: any(one["progress"]["slices"] for one in service.get("/v1/jobs").json()["jobs"]))
        assert service.stop() == 0
        job = service.job_of(waiting.result())
    service = start_service()
    assert service.wait_for(job)["state"] == "done"


def test_an_upload_that_a_kill_cut_short_is_swept_away(start_service: StartService) -> None:
    import socket

    service = start_service()
    with socket.create_connection(("127.0.0.1", service.port)) as connection:
        head = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/dicom\r\n"
        connection.sendall(head + b"Content-Length: 1000\r\n\r\nsome")
        until(lambda: list((service.data / "incoming").glob("*/*/files")))
        service.kill()
    service = start_service()
    until(lambda: [path.name for path in (service.data / "incoming").glob("*/*")] == ["alive.lock"])


def test_a_job_that_goes_while_others_are_swept_away_keeps_none_of_them(
    start_service: StartService, tmp_path: Path
) -> None:
    """A link that leads nowhere is, as a job deleted a moment ago, in the list of names, and not there to be asked."""
    jobs = tmp_path / "data" / "jobs"
    for left in ("0" * 32, "f" * 32):
        (jobs / left / "files").mkdir(parents=True)
        os.utime(jobs / left, (0, 0))
    (jobs / ("5" * 32)).symlink_to(tmp_path / "gone")
    start_service()
    until(lambda: [path.name for path in jobs.iterdir()] == ["5" * 32])
