"""The one queue, in SQLite and in PostgreSQL alike."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy

from medfake.pacs.alarm_queue import AlarmQueue, Channel
from medfake.pacs.queued_series import Origin, State
from medfake.pacs.series_queue import SeriesQueue
from medfake.serving.database import open_database
from medfake.serving.scoring.progress import Progress
from tests.pacs.conftest import KEY, MakeQueue, arrival, verdict

OTHER = "series-" + "1" * 32
NO_TIME = -1.0  # a lease that has run out when it begins


def test_what_came_is_judged_sent_and_done(queue_of: MakeQueue) -> None:
    queue, came = queue_of(), arrival()
    assert queue.add(came)
    taken = queue.take(State.SCORE)
    assert taken
    assert (taken.id, taken.origin, taken.caller, taken.files, taken.attempts) == (came.id, Origin.LISTEN, "CT1", 3, 1)
    assert queue.judged(came.id, verdict(), "the detector", Progress(files=3, scans=1))
    sending = queue.take(State.SEND)
    assert sending
    assert (sending.verdict, sending.p_tampered, sending.model) == ("tampered", 0.9, "the detector")
    assert queue.sent(came.id, 3)
    done = queue.find(came.id)
    assert done
    assert (done.state, done.sent) == (State.DONE, 3)
    assert [queue.take(state) for state in (State.FETCH, State.SCORE, State.SEND)] == [None] * 3


def test_an_arrival_is_queued_once_however_often_it_is_added(queue_of: MakeQueue) -> None:
    queue, came = queue_of(), arrival()
    assert [queue.add(came), queue.add(came)] == [True, False]
    assert queue.counts()[State.SCORE] == 1


def test_what_has_nothing_to_send_is_done_at_once(queue_of: MakeQueue) -> None:
    queue, came = queue_of(), arrival()
    queue.add(came)
    queue.take(State.SCORE)
    queue.judged(came.id, verdict(objects=0, verdict=None, p_tampered=None, reason="an MR image"), "m", Progress())
    done = queue.find(came.id)
    assert done
    assert (done.state, done.verdict, done.reason) == (State.DONE, None, "an MR image")


def test_a_series_that_is_fetched_forgets_its_address(queue_of: MakeQueue) -> None:
    queue, came = queue_of(), arrival(fetch=True)
    queue.add(came)
    taken = queue.take(State.FETCH)
    assert taken
    assert taken.address == came.address
    assert queue.fetched(came.id, 5)
    there = queue.take(State.SCORE)
    assert there
    assert (there.address, there.files) == (None, 5)


def test_processes_that_take_at_once_take_different_series(queue_of: MakeQueue) -> None:
    queues = [queue_of(owner) for owner in ("one", "two", "three", "four")]
    came = [arrival(f"series-{number:032d}") for number in range(20)]
    for one in came:
        queues[0].add(one)

    def take_all(queue: SeriesQueue) -> list[str]:
        found, misses = [], 0
        while misses < 5:  # another process may have been faster, which is no end of the queue
            series = queue.take(State.SCORE)
            misses += series is None
            found += [series.id] if series else []
        return found

    with ThreadPoolExecutor(4) as threads:
        taken = [one for several in threads.map(take_all, queues) for one in several]
    assert sorted(taken) == sorted(one.id for one in came)


def test_a_series_whose_owner_says_nothing_is_taken_by_another(queue_of: MakeQueue) -> None:
    died, lives, came = queue_of("died", NO_TIME), queue_of("lives"), arrival()
    died.add(came)
    first, second = died.take(State.SCORE), lives.take(State.SCORE)
    assert first
    assert second
    assert (first.attempts, second.attempts) == (1, 2)
    assert not died.renew(came.id, State.SCORE)
    assert not died.judged(came.id, verdict(), "m", Progress())
    assert lives.judged(came.id, verdict(), "m", Progress())


def test_what_a_process_lost_is_not_changed_by_it(queue_of: MakeQueue) -> None:
    died, lives, came = queue_of("died", NO_TIME), queue_of("lives"), arrival()
    died.add(came)
    died.take(State.SCORE)
    lives.take(State.SCORE)
    assert not died.try_again(came.id, State.SCORE, "no", 1.0)
    assert not died.give_up(came.id, State.SCORE, "no")
    died.give_back(came.id, State.SCORE)
    assert lives.renew(came.id, State.SCORE)


def test_what_is_here_waits_for_no_fetch_of_the_same_series(queue_of: MakeQueue) -> None:
    queue = queue_of()
    queue.add(arrival(fetch=True))
    came = arrival()
    queue.add(came)
    taken = queue.take(State.SCORE)
    assert taken
    assert taken.id == came.id


def test_what_came_later_of_a_series_waits_until_the_earlier_one_is_judged(queue_of: MakeQueue) -> None:
    """So that pixels that changed meanwhile are noticed."""
    queue, first, second, other = queue_of(), arrival(), arrival(), arrival(OTHER)
    for one in (first, second, other):
        queue.add(one)
    taken = [queue.take(State.SCORE) for _ in range(3)]
    assert [one and one.id for one in taken] == [first.id, other.id, None]
    queue.judged(first.id, verdict(), "m", Progress())
    last = queue.take(State.SCORE)
    assert last
    assert last.id == second.id


def test_pixels_are_remembered_by_series_and_replaced_by_those_that_come_later(queue_of: MakeQueue) -> None:
    queue, first, second = queue_of(), arrival(), arrival()
    for one, pixels in ((first, {"image-1": "a" * 64, "image-2": "b" * 64}), (second, {"image-1": "c" * 64})):
        queue.add(one)
        queue.take(State.SCORE)
        queue.judged(one.id, verdict(pixels=pixels), "m", Progress())
    assert queue.pixels_of(KEY) == {"image-1": "c" * 64, "image-2": "b" * 64}
    assert queue.pixels_of(OTHER) == {}


def test_what_was_judged_and_is_done_is_known_by_its_key(queue_of: MakeQueue) -> None:
    queue, came = queue_of(), arrival()
    queue.add(came)
    queue.take(State.SCORE)
    queue.judged(came.id, verdict(key="9" * 64), "m", Progress())
    assert queue.judged_keys(KEY) == set()  # it is not in the PACS yet
    queue.take(State.SEND)
    queue.sent(came.id, 3)
    assert queue.judged_keys(KEY) == {"9" * 64}


def test_a_try_that_failed_is_made_again_when_its_time_has_come(queue_of: MakeQueue) -> None:
    queue, came = queue_of(), arrival(fetch=True)
    queue.add(came)
    queue.take(State.FETCH)
    assert queue.try_again(came.id, State.FETCH, "the PACS does not answer", 3600.0)
    assert queue.take(State.FETCH) is None
    waiting = queue.find(came.id)
    assert waiting
    assert (waiting.tries, waiting.reason) == (1, "the PACS does not answer")


def test_the_dead_letter_list_says_where_and_why_and_is_tried_again_there(queue_of: MakeQueue) -> None:
    queue, came = queue_of(), arrival()
    queue.add(came)
    queue.take(State.SCORE)
    queue.judged(came.id, verdict(), "m", Progress())
    queue.take(State.SEND)
    assert queue.give_up(came.id, State.SEND, "refused")
    dead = queue.rows([State.DEAD], 10)
    assert [(one.id, one.died, one.reason, one.verdict) for one in dead] == [
        (came.id, State.SEND, "refused", "tampered")
    ]
    assert queue.take(State.SEND) is None
    assert queue.revive(came.id)
    again = queue.take(State.SEND)
    assert again
    assert (again.id, again.tries, again.died) == (came.id, 0, None)
    assert not queue.revive(came.id)


def test_alarms_wait_with_their_verdict_until_somebody_is_told(queue_of: MakeQueue, tmp_path: Path) -> None:
    queue, came = queue_of(), arrival()
    alarms = AlarmQueue(queue._engine, "sqlite:///unused")
    queue.add(came)
    queue.take(State.SCORE)
    queue.judged(came.id, verdict(), "m", Progress(), ["tampered", "other pixels"])
    due = alarms.due(10)
    assert sorted((one.series.id, one.kind, one.channel, one.tries) for one in due) == [
        (came.id, kind, channel, 0) for kind in ("other pixels", "tampered") for channel in sorted(Channel)
    ]
    alarms.told(due[0])
    for alarm in due[1:]:
        alarms.again(alarm, 3600.0)
    assert alarms.due(10) == []


def test_no_alarm_is_kept_of_a_verdict_that_is_not(queue_of: MakeQueue) -> None:
    died, lives, came = queue_of("died", NO_TIME), queue_of("lives"), arrival()
    died.add(came)
    died.take(State.SCORE)
    lives.take(State.SCORE)
    died.judged(came.id, verdict(pixels={"image-1": "a" * 64}), "m", Progress(), ["tampered"])
    assert AlarmQueue(died._engine, "sqlite:///unused").due(10) == []
    assert died.pixels_of(KEY) == {}


def test_what_is_done_is_forgotten_after_its_time_and_what_is_under_way_is_not(queue_of: MakeQueue) -> None:
    queue = queue_of()
    done, dead, waits = arrival(), arrival(OTHER), arrival("series-2")
    for one in (done, dead, waits):
        queue.add(one)
    queue.take(State.SCORE)
    queue.judged(done.id, verdict(objects=0), "m", Progress())
    queue.take(State.SCORE)
    queue.give_up(dead.id, State.SCORE, "no")
    assert queue.outdated(3600.0, 3600.0) == []
    assert sorted(queue.outdated(-1.0, 3600.0)) == [done.id]
    assert sorted(queue.outdated(3600.0, -1.0)) == [dead.id]


def test_no_identifier_is_in_the_database_once_a_series_is_fetched(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/queue.db"
    queue, came = SeriesQueue(open_database(url), url, "me", 60.0), arrival(fetch=True)
    queue.add(came)
    queue.take(State.FETCH)
    queue.fetched(came.id, 3)
    with open_database(url).connect() as connection:
        rows = connection.execute(sqlalchemy.text("SELECT * FROM pacs_series")).all()
    assert "1.2.3" not in repr(rows)


@pytest.mark.parametrize(("state", "waiting"), [(State.FETCH, 1), (State.SCORE, 1), (State.SEND, 0)])
def test_what_waits_to_be_judged_is_counted(queue: SeriesQueue, state: State, waiting: int) -> None:
    came = arrival(fetch=state is State.FETCH)
    queue.add(came)
    if state is State.SEND:
        queue.take(State.SCORE)
        queue.judged(came.id, verdict(), "m", Progress())
    assert queue.counts()[state] == 1
    assert queue.waiting() == waiting


def test_results_that_are_in_the_pacs_already_are_not_sent_again(queue_of: MakeQueue) -> None:
    """As where a series came by C-STORE and was found over DICOMweb, in files that differ."""
    queue, first, second, asked = queue_of(), arrival(), arrival(), arrival(fetch=True)
    states = []
    for one, key in (
        (first, "1" * 64),
        (second, "2" * 64),
        (replace(asked, origin=Origin.SCAN, address=None), "3" * 64),
    ):
        queue.add(one)
        queue.take(State.SCORE)
        queue.judged(one.id, verdict(key=key, results_key="r" * 64), "m", Progress())
        row = queue.find(one.id)
        assert row
        states.append(row.state)
    assert states == [State.SEND, State.DONE, State.SEND]  # whoever asks for a series has its results sent


def in_a_thread(work: Callable[[], object]) -> object:
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(work).result()


def test_what_one_thread_took_is_not_another_ones(queue_of: MakeQueue) -> None:
    """As where a lease ran out while a scoring process was started, and another thread took the series."""
    queue, came = queue_of("me", NO_TIME), arrival()
    queue.add(came)
    assert queue.take(State.SCORE)
    assert in_a_thread(lambda: queue.take(State.SCORE))
    assert not queue.renew(came.id, State.SCORE)
    assert not queue.judged(came.id, verdict(), "m", Progress())


def test_a_lease_is_renewed_beside_what_is_slow(queue_of: MakeQueue) -> None:
    slow, other, came = queue_of("slow", 2.0), queue_of("other", 2.0), arrival()
    slow.add(came)
    assert slow.take(State.SCORE)
    with slow.holding(came.id, State.SCORE) as lost:
        time.sleep(3.0)
        assert other.take(State.SCORE) is None
        assert not lost.is_set()
    assert slow.judged(came.id, verdict(), "m", Progress())


def test_who_holds_a_series_hears_that_somebody_else_took_it(queue_of: MakeQueue) -> None:
    slow, other, came = queue_of("slow", 0.6), queue_of("other", 60.0), arrival()
    slow.add(came)
    assert slow.take(State.SCORE)
    time.sleep(0.7)
    assert other.take(State.SCORE)
    with slow.holding(came.id, State.SCORE) as lost:
        assert lost.wait(5.0)


def test_what_is_revived_waits_for_what_is_judged_of_its_series_now(queue_of: MakeQueue) -> None:
    queue, first, second = queue_of(), arrival(), arrival()
    queue.add(first)
    queue.take(State.SCORE)
    queue.give_up(first.id, State.SCORE, "no")
    queue.add(second)
    assert queue.take(State.SCORE)
    queue.revive(first.id)
    assert queue.take(State.SCORE) is None
    queue.judged(second.id, verdict(), "m", Progress())
    again = queue.take(State.SCORE)
    assert again
    assert again.id == first.id


def test_a_series_that_is_under_way_is_not_added_again(queue_of: MakeQueue) -> None:
    queue, first = queue_of(), arrival(fetch=True)
    assert queue.add_unless_under_way(first)
    assert not queue.add_unless_under_way(arrival(fetch=True))
    queue.take(State.FETCH)
    queue.fetched(first.id, 3)
    queue.take(State.SCORE)
    queue.judged(first.id, verdict(objects=0), "m", Progress())
    assert queue.add_unless_under_way(arrival(fetch=True))


def test_stations_that_find_a_series_at_once_add_it_once(queue_of: MakeQueue) -> None:
    queues = [queue_of(owner) for owner in ("one", "two", "three", "four")]
    with ThreadPoolExecutor(4) as threads:
        added = list(threads.map(lambda queue: queue.add_unless_under_way(arrival(fetch=True)), queues))
    assert sorted(added) == [False, False, False, True]


def test_only_what_has_ended_is_forgotten_and_its_alarms_with_it(queue_of: MakeQueue) -> None:
    queue, came = queue_of(), arrival()
    queue.add(came)
    assert not queue.forget(came.id)
    queue.take(State.SCORE)
    queue.give_up(came.id, State.SCORE, "no", ["given up"])
    assert queue.forget(came.id)
    with queue._engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("SELECT count(*) FROM pacs_messages")).scalar_one() == 0


def test_a_clock_that_was_set_back_holds_nothing_up(queue_of: MakeQueue) -> None:
    queue, came = queue_of("me", 1.0), arrival()
    queue._longest_wait_s = 10.0
    queue.add(came)
    queue.take(State.SCORE)
    with queue._engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE pacs_series SET lease_until = lease_until + 3600"))
        connection.execute(sqlalchemy.text("UPDATE pacs_series SET next_try = next_try + 3600"))
    assert queue.take(State.SCORE)


def test_a_try_after_a_fault_of_the_disk_counts_no_attempt(queue_of: MakeQueue) -> None:
    queue, came = queue_of(), arrival()
    queue.add(came)
    for _ in range(7):
        queue.take(State.SCORE)
        queue.try_again(came.id, State.SCORE, "the disk is full", 0.0)
    row = queue.take(State.SCORE)
    assert row
    assert (row.attempts, row.tries) == (1, 7)


def test_what_all_of_a_queue_share_is_noted_once(queue_of: MakeQueue) -> None:
    queue = queue_of()
    assert [queue.bind("data", value) for value in ("here", "here", "elsewhere")] == [True, True, False]


def test_what_is_done_is_remembered_for_ever_where_all_is_watched(queue_of: MakeQueue) -> None:
    """Or the whole archive would be new, and sent again, once rows are forgotten."""
    queue, done = queue_of(), arrival()
    queue.add(done)
    queue.take(State.SCORE)
    queue.judged(done.id, verdict(objects=0, pixels={"image-1": "a" * 64}), "m", Progress())
    assert queue.outdated(None, 0.0) == []
    assert queue.pixels_of(KEY)
