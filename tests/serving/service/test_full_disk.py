"""A disk that becomes full: a clear answer, nothing half done, and work goes on when there is space again."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fixtures.services import RunningService, StartService, until

WriteScan = Callable[..., Path]
MIB = 1 << 20
DICOM = {"Content-Type": "application/dicom"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 80 MiB: the service leaves 64 of them free."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _kept(service: RunningService) -> list[str]:
    jobs, incoming = (service.data / "jobs").iterdir(), (service.data / "incoming").glob("*/*")
    return sorted(path.name for path in (*jobs, *incoming))


def test_a_data_folder_that_was_taken_away_is_told_and_uploads_go_on_when_it_is_back(
    start_service: StartService, tmp_path: Path
) -> None:
    service = start_service()
    service.data.rename(tmp_path / "away")
    answer = service.post("/v1/jobs", data=b"some", headers=DICOM)
    assert answer.status_code == 503
    assert answer.json()["error"]["what"] == "the folder of uploads cannot be reached"
    (tmp_path / "away").rename(service.data)
    assert service.post("/v1/jobs", data=b"some", headers=DICOM).status_code == 202


@pytest.mark.slow
def test_what_does_not_fit_is_refused_before_it_is_written(small_disk: Path, start_service: StartService) -> None:
    service = start_service(data=str(small_disk / "data"))
    answer = service.post("/v1/jobs", data=bytes(30 * MIB), headers=DICOM)
    assert answer.status_code == 507
    assert answer.json()["error"]["what"] == "there is no space for this upload"
    assert _kept(service) == ["alive.lock"]


@pytest.mark.slow
def test_a_disk_that_becomes_full_in_the_midst_of_an_upload_keeps_nothing_of_it(
    small_disk: Path, start_service: StartService, write_scan: WriteScan, tmp_path: Path
) -> None:
    service = start_service(data=str(small_disk / "data"))
    pieces = (os.urandom(MIB) for _ in range(100))  # without a length, so that nobody knows before
    answer = service.post("/v1/jobs", data=pieces, headers=DICOM)
    assert answer.status_code == 507
    assert answer.json()["error"]["what"] == "the disk is full: nothing of this upload was kept"
    assert _kept(service) == ["alive.lock"]
    folder = write_scan(tmp_path / "chest", [-200] * 3)
    assert service.post_folder("/v1/scans", folder).status_code == 200


@pytest.mark.slow
def test_a_job_for_whose_results_there_is_no_space_fails_and_says_so(
    small_disk: Path, start_service: StartService, slow_file: Path, write_scan: WriteScan, tmp_path: Path
) -> None:
    service = start_service(data=str(small_disk / "data"), model=str(tmp_path), wait=False)
    job = service.job_of(service.post_folder("/v1/jobs", write_scan(tmp_path / "chest", [-200] * 30)))
    service.stop()
    filler = small_disk / "filler"
    with filler.open("wb") as file:
        free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
        file.write(bytes(free - 256 * 1024))
    service = start_service(data=str(small_disk / "data"))
    ended = service.wait_for(job)
    assert (ended["state"], ended["error"]["what"]) == ("failed", "the disk is full")
    assert [path.name for path in (service.data / "jobs" / job / "scans").iterdir()] == []
    filler.unlink()
    folder = write_scan(tmp_path / "other", [-200] * 3)
    until(lambda: service.post_folder("/v1/scans", folder).status_code == 200)
