"""Series that are to be judged, as a pool of scoring processes takes and ends them."""

from pathlib import Path

import pytest

from medfake.files import write_json
from medfake.pacs.arrivals import FOLDER_OF_FILES
from medfake.pacs.judged import JUDGED, ORDER, read_order
from medfake.pacs.queued_series import Origin, QueuedSeries, State
from medfake.pacs.scoring_jobs import ScoringJobs
from medfake.pacs.sender import LEDGER
from medfake.pacs.series_queue import SeriesQueue
from medfake.pacs.settings import Alarms, Limits, PacsSettings
from medfake.serving.scoring.progress import Progress
from tests.pacs.conftest import arrival, verdict

FULL = {"what": "the disk is full", "received": None}


@pytest.fixture
def jobs(queue: SeriesQueue, tmp_path: Path) -> ScoringJobs:
    settings = PacsSettings(
        alarms=Alarms(on=("tampered", "given up")),
        limits=Limits(first_retry_s=1e-6, longest_retry_s=1e-6, silent_tries=10),
    )
    return ScoringJobs(queue, lambda one: tmp_path / one, settings, lambda _: None)


@pytest.fixture
def taken(queue: SeriesQueue, jobs: ScoringJobs, tmp_path: Path) -> QueuedSeries:
    """A series that was taken, in its folder."""
    came = arrival()
    (tmp_path / came.id / FOLDER_OF_FILES).mkdir(parents=True)
    queue.add(came)
    series = jobs.take()
    assert series
    return series


def row(queue: SeriesQueue, series: QueuedSeries) -> QueuedSeries:
    found = queue.find(series.id)
    assert found
    return found


def test_who_takes_a_series_says_what_there_is_to_do(taken: QueuedSeries, tmp_path: Path) -> None:
    order = read_order(tmp_path / taken.id)
    assert (order.caller, order.files, order.missing, order.pixels, order.judged_keys) == ("CT1", 3, 0, {}, ())


def test_a_full_disk_takes_nothing_and_counts_no_attempt(queue: SeriesQueue, jobs: ScoringJobs, tmp_path: Path) -> None:
    came = arrival()
    queue.add(came)
    (tmp_path / came.id).write_text("a file where the folder should be")
    for _ in range(7):
        with pytest.raises(OSError, match=r"Not a directory|File exists"):
            jobs.take()
    found = queue.find(came.id)
    assert found
    assert (found.state, found.attempts) == (State.SCORE, 0)


def test_a_verdict_is_kept(queue: SeriesQueue, jobs: ScoringJobs, taken: QueuedSeries, tmp_path: Path) -> None:
    verdict().write(tmp_path / taken.id / JUDGED)
    assert jobs.finish(taken.id, Progress(), "m")
    assert (row(queue, taken).state, row(queue, taken).objects) == (State.SEND, 3)


def test_who_judges_has_sent_nothing(jobs: ScoringJobs, taken: QueuedSeries, tmp_path: Path) -> None:
    """Or whoever took a scoring process over could have results taken for sent."""
    write_json(tmp_path / taken.id / LEDGER, {"0000.dcm": "there"})
    verdict().write(tmp_path / taken.id / JUDGED)
    jobs.finish(taken.id, Progress(), "m")
    assert not (tmp_path / taken.id / LEDGER).exists()


def test_a_verdict_that_cannot_be_read_is_made_anew_and_its_files_stay(
    queue: SeriesQueue, jobs: ScoringJobs, taken: QueuedSeries, tmp_path: Path
) -> None:
    (tmp_path / taken.id / JUDGED).write_text("{")
    assert not jobs.finish(taken.id, Progress(), "m")
    assert (row(queue, taken).state, row(queue, taken).tries) == (State.SCORE, 1)


def test_what_fails_twice_is_given_up(queue: SeriesQueue, jobs: ScoringJobs, taken: QueuedSeries) -> None:
    died = {"what": "scoring processes do not survive this job", "received": "ended by SIGKILL"}
    jobs.finish(taken.id, Progress(), "m", died)
    assert row(queue, taken).state is State.SCORE
    assert jobs.take()
    jobs.finish(taken.id, Progress(), "m", died)
    given_up = row(queue, taken)
    assert (given_up.state, given_up.died) == (State.DEAD, State.SCORE)
    assert given_up.reason == "scoring processes do not survive this job: ended by SIGKILL"


def test_a_full_disk_is_waited_for(queue: SeriesQueue, jobs: ScoringJobs, taken: QueuedSeries) -> None:
    for _ in range(8):
        jobs.finish(taken.id, Progress(), "m", FULL)
        assert jobs.take()
    assert row(queue, taken).attempts == 1
    jobs.finish(taken.id, Progress(), "m", FULL)
    assert jobs.take()
    jobs.finish(taken.id, Progress(), "m", FULL)
    assert row(queue, taken).state is State.DEAD


def test_whoever_asks_for_a_series_has_it_judged_again(queue: SeriesQueue, jobs: ScoringJobs, tmp_path: Path) -> None:
    keys = []
    for origin in (Origin.LISTEN, Origin.LISTEN, Origin.SCAN):
        came = arrival()
        came = type(came)(**{**came.__dict__, "origin": origin})
        (tmp_path / came.id / FOLDER_OF_FILES).mkdir(parents=True)
        queue.add(came)
        assert jobs.take()
        keys.append(read_order(tmp_path / came.id).judged_keys)
        verdict(objects=0, key="9" * 64).write(tmp_path / came.id / JUDGED)
        jobs.finish(came.id, Progress(), "m")
    assert keys == [(), ("9" * 64,), ()]
    assert (tmp_path / came.id / ORDER).exists()
