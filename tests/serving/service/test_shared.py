"""Two processes of a service that share a PostgreSQL database and a data folder."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.fixtures.services import StartService, until

WriteScan = Callable[..., Path]
JOBS = 12


def _url(postgres: str) -> str:
    return postgres.replace("postgresql+psycopg://", "postgresql://")


@pytest.mark.slow
def test_each_job_is_done_once_by_one_of_them(
    postgres: str, start_service: StartService, write_scan: WriteScan, tmp_path: Path
) -> None:
    services = [start_service(database=_url(postgres)) for _ in range(2)]
    folder = write_scan(tmp_path / "chest", [-200] * 12)
    scoring = [pid for one in services for pid in one.workers()]
    _signal(scoring, signal.SIGSTOP)  # so that each of the two has to take a job before any is done
    jobs = [services[0].job_of(services[0].post_folder("/v1/jobs", folder)) for _ in services]
    for job in jobs:
        services[0].wait_for(job, lambda one: one["state"] == "running")
    jobs += [services[0].job_of(services[0].post_folder("/v1/jobs", folder)) for _ in range(JOBS - len(jobs))]
    _signal(scoring, signal.SIGCONT)
    for job in jobs:
        ended = services[1].wait_for(job)
        assert (ended["state"], ended["progress"]["scans_done"]) == ("done", 1)
    with psycopg.connect(_url(postgres)) as connection:
        assert connection.execute("SELECT sum(attempts) FROM service_jobs").fetchone() == (JOBS,)
        assert connection.execute("SELECT count(*) FROM served_scans").fetchone() == (JOBS,)
    done = [sum(map(_scans, one.get("/metrics").text.splitlines())) for one in services]
    assert sum(done) == JOBS
    assert min(done) > 0


@pytest.mark.slow
def test_one_takes_up_what_the_other_was_killed_in(postgres: str, start_service: StartService, slow_file: Path) -> None:
    first = start_service(database=_url(postgres), lease_s=2.0)
    job = first.job_of(first.post("/v1/jobs", files={"file": ("slow.dcm", slow_file.read_bytes())}))
    first.wait_for(job, lambda one: one["state"] == "running")
    second = start_service(database=_url(postgres), lease_s=2.0)
    first.kill()
    assert second.wait_for(job)["state"] == "done"


@pytest.mark.slow
def test_who_waits_at_one_gets_what_the_other_found(
    postgres: str, start_service: StartService, write_scan: WriteScan, tmp_path: Path
) -> None:
    front = start_service(database=_url(postgres), model=str(tmp_path), wait=False)
    start_service(database=_url(postgres))
    answer = front.post_folder("/v1/scans", write_scan(tmp_path / "chest", [-200] * 3))
    assert answer.json()["scans"][0]["n_slices"] == 3
    until(lambda: list((front.data / "jobs").iterdir()) == [])


def _signal(processes: list[int], number: signal.Signals) -> None:
    for pid in processes:
        os.kill(pid, number)


def _scans(line: str) -> float:
    return float(line.rpartition(" ")[2]) if line.startswith("medfake_scans_total") else 0.0
