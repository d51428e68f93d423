"""Jobs: asked for, found, deleted; what is deleted is gone from the disk."""

import json
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from medfake.serving.service.service_process import Service
from medfake.serving.service.settings import Settings
from tests.fixtures.services import RunningService, StartService, until

WriteScan = Callable[..., Path]


def test_a_job_tells_how_far_it_is_and_then_what_was_found(
    service: RunningService, write_scan: WriteScan, tmp_path: Path
) -> None:
    write_scan(tmp_path / "study" / "a", [-200] * 4)
    write_scan(tmp_path / "study" / "b", [-200] * 5)
    answer = service.post_folder("/v1/jobs", tmp_path / "study")
    job = service.job_of(answer)
    assert answer.json()["state"] == "queued"
    ended = service.wait_for(job)
    progress = {"files": 9, "scans": 2, "scans_done": 2, "slices": 9, "slices_done": 9, "eta_s": 0.0}
    assert (ended["state"], ended["progress"], ended["model"], ended["error"]) == (
        "done", progress, "package bright", None,
    )  # fmt: skip
    assert ended["created"] <= ended["started"] <= ended["ended"]
    report = service.get(f"/v1/jobs/{job}/report").json()
    assert [scan["n_slices"] for scan in report["scans"]] == [4, 5]


def test_jobs_are_listed_newest_first_a_page_at_a_time(service: RunningService) -> None:
    jobs = [service.job_of(service.post("/v1/jobs", files={"file": ("a", b"no image")})) for _ in range(3)]
    first = service.get("/v1/jobs?limit=2").json()
    rest = service.get("/v1/jobs?limit=1&offset=2").json()
    assert [one["id"] for one in (*first["jobs"], *rest["jobs"])] == jobs[::-1]
    assert first["total"] == rest["total"] >= 3


def test_an_unfinished_job_has_no_report_yet(
    start_service: StartService, write_scan: WriteScan, tmp_path: Path
) -> None:
    service = start_service(model=str(tmp_path), wait=False)
    job = service.job_of(service.post_folder("/v1/jobs", write_scan(tmp_path / "chest", [-200])))
    answer = service.get(f"/v1/jobs/{job}/report")
    assert (answer.status_code, answer.json()["error"]["received"]) == (409, "queued")


def test_a_deleted_job_is_gone_from_the_disk_and_the_database(
    service: RunningService, write_scan: WriteScan, tmp_path: Path
) -> None:
    job = service.job_of(service.post_folder("/v1/jobs", write_scan(tmp_path / "chest", [-200] * 3)))
    service.wait_for(job)
    assert (service.data / "jobs" / job / "report.json").exists()
    assert service.ask("DELETE", f"/v1/jobs/{job}").status_code == 204
    assert not (service.data / "jobs" / job).exists()
    assert service.get(f"/v1/jobs/{job}").status_code == 404
    assert service.ask("DELETE", f"/v1/jobs/{job}").status_code == 404
    with closing(sqlite3.connect(service.data / "service.db")) as database:
        assert database.execute("SELECT count(*) FROM service_jobs WHERE id = ?", [job]).fetchone() == (0,)


def test_a_running_job_that_is_deleted_ends_and_the_next_one_is_done(
    start_service: StartService, write_scan: WriteScan, slow_file: Path, tmp_path: Path
) -> None:
    service = start_service()
    job = service.job_of(service.post("/v1/jobs", files={"file": ("slow.dcm", slow_file.read_bytes())}))
    service.wait_for(job, lambda one: one["progress"]["slices"])
    assert service.ask("DELETE", f"/v1/jobs/{job}").status_code == 204
    answer = service.post_folder("/v1/scans", write_scan(tmp_path / "chest", [-200] * 3))
    assert answer.json()["scans"][0]["n_slices"] == 3
    until(lambda: list((service.data / "jobs").iterdir()) == [])


def test_uploads_are_no_longer_kept_when_they_are_scored(
    service: RunningService, write_scan: WriteScan, tmp_path: Path
) -> None:
    job = service.job_of(service.post_folder("/v1/jobs", write_scan(tmp_path / "chest", [-200] * 3, "ROE^RICHARD")))
    service.wait_for(job)
    folder = service.data / "jobs" / job
    until(lambda: not (folder / "files").exists())
    assert not [path for path in folder.rglob("*") if path.is_file() and b"ROE^RICHARD" in path.read_bytes()]


def test_uploads_of_a_job_that_failed_are_not_kept_either(start_service: StartService, slow_file: Path) -> None:
    service = start_service(limits={"job_s": 0.1})
    job = service.job_of(service.post("/v1/jobs", files={"file": ("slow.dcm", slow_file.read_bytes())}))
    assert service.wait_for(job)["state"] == "failed"
    until(lambda: not (service.data / "jobs" / job / "files").exists())


def test_old_jobs_are_looked_for_again_after_a_look_that_failed(tmp_path: Path) -> None:
    service = Service(Settings(data=tmp_path / "data", database=f"sqlite:///{tmp_path}/service.db"))
    service.jobs.rename(tmp_path / "away")
    service._stop_cleaning.set()  # after one look
    service._clean_up()


def test_what_is_kept_is_for_the_owner_alone(service: RunningService, write_scan: WriteScan, tmp_path: Path) -> None:
    job = service.job_of(service.post_folder("/v1/jobs", write_scan(tmp_path / "chest", [-200] * 3)))
    service.wait_for(job)
    for path in service.data.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_job_is_deleted_when_its_time_has_come(
    start_service: StartService, write_scan: WriteScan, tmp_path: Path
) -> None:
    service = start_service()
    job = service.job_of(service.post_folder("/v1/jobs", write_scan(tmp_path / "chest", [-200] * 3)))
    service.wait_for(job)
    service.stop()
    service = start_service(keep_s=0.001)
    until(lambda: service.get("/v1/jobs").json()["total"] == 0)
    assert list((service.data / "jobs").iterdir()) == []


def test_a_restart_loses_no_job(start_service: StartService, write_scan: WriteScan, tmp_path: Path) -> None:
    service = start_service()
    job = service.job_of(service.post_folder("/v1/jobs", write_scan(tmp_path / "chest", [-200] * 3)))
    service.wait_for(job)
    report = service.get(f"/v1/jobs/{job}/report").content
    assert service.stop() == 0
    service = start_service()
    assert service.get(f"/v1/jobs/{job}/report").content == report
    assert json.loads(report)["scans"]
