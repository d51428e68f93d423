"""The table of jobs, in SQLite and in PostgreSQL alike."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from medfake.serving.database import open_database
from medfake.serving.scoring.progress import Progress
from medfake.serving.service.job_store import JobStore, State

MakeStore = Callable[..., JobStore]
NO_TIME = -1.0  # a lease that has run out when it begins


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def store_of(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    """Makes the store of a process; all share one database."""
    url = f"sqlite:///{tmp_path}/service.db"
    if request.param == "postgresql":
        url = str(request.getfixturevalue("postgres")).replace("postgresql+psycopg://", "postgresql://")
    return lambda owner="me", lease_s=60.0: JobStore(open_database(url), url, owner, lease_s)


def test_the_oldest_job_comes_first_and_each_once(store_of: MakeStore) -> None:
    store = store_of()
    for name in "abc":
        store.add(name, Progress(files=1), 10)
    taken = [store.take() for _ in range(4)]
    assert [one and one.id for one in taken] == ["a", "b", "c", None]
    assert [one and one.state for one in taken[:3]] == [State.RUNNING] * 3


def test_processes_that_take_at_once_take_different_jobs(store_of: MakeStore) -> None:
    stores = [store_of(owner) for owner in ("one", "two", "three", "four")]
    for number in range(20):
        stores[0].add(f"{number:02d}", Progress(), 1)

    def take_all(store: JobStore) -> list[str]:
        found, misses = [], 0
        while misses < 5:  # another process may have been faster, which is no end of the queue
            job = store.take()
            misses += job is None
            found += [job.id] if job else []
        return found

    with ThreadPoolExecutor(4) as threads:
        taken = [job for jobs in threads.map(take_all, stores) for job in jobs]
    assert sorted(taken) == [f"{number:02d}" for number in range(20)]


def test_a_job_whose_owner_says_nothing_is_taken_by_another(store_of: MakeStore) -> None:
    died, lives = store_of("died", NO_TIME), store_of("lives")
    died.add("job", Progress(), 1)
    first, second = died.take(), lives.take()
    assert first is not None
    assert second is not None
    assert (first.attempts, second.attempts, second.started) == (1, 2, first.started)
    assert not died.renew("job", Progress(), "model")
    assert not died.finish("job", Progress(), "model")
    assert lives.renew("job", Progress(slices=3), "model")
    found = lives.find("job")
    assert found is not None
    assert (found.state, found.progress.slices, found.model) == (State.RUNNING, 3, "model")


def test_a_job_under_a_lease_is_left_alone(store_of: MakeStore) -> None:
    one, other = store_of("one"), store_of("other")
    one.add("job", Progress(), 1)
    assert one.take()
    assert other.take() is None


def test_a_job_that_is_given_back_is_as_new(store_of: MakeStore) -> None:
    one, other = store_of("one"), store_of("other")
    one.add("job", Progress(), 1)
    one.take()
    one.give_back("job")
    job = other.take()
    assert job is not None
    assert job.attempts == 1


def test_whoever_works_on_a_deleted_job_notices(store_of: MakeStore) -> None:
    store = store_of()
    store.add("job", Progress(), 1)
    store.take()
    assert store.delete("job")
    assert not store.delete("job")
    assert store.find("job") is None
    assert not store.renew("job", Progress(), "model")
    assert store.newest(10, 0) == ([], 0)


def test_an_error_is_kept_as_it_was_told(store_of: MakeStore) -> None:
    store = store_of()
    store.add("job", Progress(), 1)
    store.take()
    error = {"what": "it took too long", "where": None, "received": "2 h", "remedy": "less"}
    assert store.finish("job", Progress(), "model", error)
    found = store.find("job")
    assert found is not None
    assert (found.state, found.error) == (State.FAILED, error)
    assert store.counts()[State.FAILED] == 1


def test_jobs_are_outdated_when_they_are_older_than_they_are_kept(store_of: MakeStore) -> None:
    store = store_of()
    store.add("old", Progress(), 1)
    assert store.outdated(3600.0) == []
    assert store.outdated(0.0) == ["old"]


def test_how_often_a_job_was_taken_up_is_counted(store_of: MakeStore) -> None:
    from medfake.serving.scoring.pool import MOST_ATTEMPTS

    store = store_of(lease_s=NO_TIME)
    store.add("job", Progress(), 1)
    attempts = [job.attempts for job in (store.take() for _ in range(MOST_ATTEMPTS + 1)) if job]
    assert attempts == list(range(1, MOST_ATTEMPTS + 2))
