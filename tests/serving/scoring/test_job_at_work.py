"""Whom a job blames for a process that died, without a process: which message came last is all that counts."""

from pathlib import Path

import pytest

from medfake.serving.scoring.job_at_work import JobAtWork
from medfake.serving.scoring.job_files import read_bad
from medfake.serving.scoring.progress import Progress
from medfake.serving.scoring.worker_messages import Told
from medfake.serving.service.job_store import Job, State

SCAN = "scan-0123456789ab"
WHY = "the scoring process did not survive it: SIGSEGV"


@pytest.fixture
def job() -> JobAtWork:
    stored = Job("a" * 32, State.RUNNING, 0.0, 0.0, None, Progress(files=4), None, None, 1, 10)
    return JobAtWork.of(stored, "model")


def test_the_file_that_was_open_is_to_blame(job: JobAtWork, tmp_path: Path) -> None:
    job.hear(Told(file="0/1"))
    assert job.blame(tmp_path, "SIGSEGV", 20)
    assert read_bad(tmp_path).files == {"0/1": WHY}


def test_where_no_file_was_open_the_scan_is_to_blame(job: JobAtWork, tmp_path: Path) -> None:
    job.hear(Told(file="0/1", scan=SCAN))
    job.hear(Told(scan=SCAN, slices_done=1))
    assert job.blame(tmp_path, "SIGSEGV", 20)
    assert read_bad(tmp_path).scans == {SCAN: WHY}


def test_the_third_death_in_a_scan_is_the_scans_whichever_file_was_open(job: JobAtWork, tmp_path: Path) -> None:
    for number in range(3):
        job.hear(Told(file=f"0/{number}", scan=SCAN))
        assert job.blame(tmp_path, "SIGSEGV", 20)
    bad = read_bad(tmp_path)
    assert (list(bad.files), bad.scans) == (["0/0", "0/1"], {SCAN: WHY})


def test_a_scan_that_is_done_is_not_to_blame_for_what_comes_after(job: JobAtWork, tmp_path: Path) -> None:
    job.hear(Told(scan=SCAN))
    job.hear(Told(scan=SCAN, scored="tampered"))
    assert not job.blame(tmp_path, "SIGSEGV", 20)


def test_with_a_second_chance_one_death_blames_nobody_and_two_at_one_place_do(job: JobAtWork, tmp_path: Path) -> None:
    for _ in range(2):
        assert not read_bad(tmp_path).scans
        job.hear(Told(scan=SCAN, slices_done=1))
        assert job.blame(tmp_path, "SIGKILL", 20, chances=2)
    assert list(read_bad(tmp_path).scans) == [SCAN]


def test_a_job_has_so_many_deaths_and_no_more(job: JobAtWork, tmp_path: Path) -> None:
    for number in range(2):
        job.hear(Told(file=f"0/{number}"))
        assert job.blame(tmp_path, "SIGSEGV", 2)
    job.hear(Told(file="0/2"))
    assert not job.blame(tmp_path, "SIGSEGV", 2)


def test_progress_begins_again_with_a_new_process(job: JobAtWork) -> None:
    for told in (Told(scans=2, slices=8), Told(scan=SCAN, slices_done=4), Told(scan=SCAN, scored="tampered")):
        job.hear(told)
    done = job.progress
    assert (done.files, done.scans, done.scans_done, done.slices, done.slices_done) == (4, 2, 1, 8, 4)
    assert done.eta_s is not None
    job.hear(Told(scans=2, slices=8))
    assert (job.progress.scans_done, job.progress.slices_done) == (0, 0)
