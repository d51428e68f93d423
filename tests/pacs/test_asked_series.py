"""Whoever asks for a series hears what becomes of it, and does not wait for ever."""

import threading
import time
import uuid
from collections.abc import Callable

import pytest

from medfake.errors import PacsSilentError
from medfake.pacs.asked_series import require_uid, wait_for
from medfake.pacs.queued_series import QueuedSeries, State
from medfake.pacs.series_queue import SeriesQueue
from medfake.serving.scoring.progress import Progress
from tests.pacs.conftest import arrival, verdict

SHORT_S = 0.6


def silent(_: QueuedSeries) -> None:
    """Nobody listens."""


def waiting(queue: SeriesQueue) -> str:
    """Id of a series that is to be fetched."""
    new = arrival(f"series-{uuid.uuid4().hex}", fetch=True)
    queue.add(new)
    return new.id


def asked(queue: SeriesQueue) -> str:
    """Id of a series that this thread fetches."""
    one = waiting(queue)
    assert queue.take(State.FETCH)
    return one


def meanwhile(*steps: Callable[[], object], pause_s: float = 0.4) -> threading.Thread:
    """Do something while another waits."""

    def run() -> None:
        for step in steps:
            time.sleep(pause_s)
            step()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_each_series_is_told_when_it_has_ended(queue: SeriesQueue) -> None:
    first, second = asked(queue), asked(queue)
    queue.give_up(second, State.FETCH, "it is gone")
    queue.fetched(first, 3)
    queue.take(State.SCORE)
    queue.judged(first, verdict(objects=0), "m", Progress())
    told = list(wait_for(queue, [first, second], SHORT_S, silent))
    assert {one.id: one.state for one in told} == {first: State.DONE, second: State.DEAD}


def test_where_nothing_happens_the_wait_has_an_end(queue: SeriesQueue) -> None:
    one = asked(queue)
    queue.try_again(one, State.FETCH, "the PACS does not answer", 3600)
    with pytest.raises(PacsSilentError, match=r"nothing has happened for 0\.6 s to 1 series") as caught:
        list(wait_for(queue, [one], SHORT_S, silent))
    assert caught.value.received == "the PACS does not answer"
    assert "--wait SECONDS" in str(caught.value.remedy)
    assert queue.find(one)


def test_tries_in_vain_are_no_news_and_are_told_once(queue: SeriesQueue) -> None:
    one = waiting(queue)

    def try_again() -> None:
        queue.take(State.FETCH)
        queue.try_again(one, State.FETCH, "the PACS does not answer", 0)

    said: list[int] = []
    thread = meanwhile(*[try_again] * 5, pause_s=0.3)
    with pytest.raises(PacsSilentError):
        list(wait_for(queue, [one], 1.2, lambda series: said.append(series.tries)))
    thread.join()
    assert said == [2]


def test_whatever_happens_to_one_prolongs_the_wait(queue: SeriesQueue) -> None:
    one = waiting(queue)
    thread = meanwhile(
        lambda: queue.take(State.FETCH),
        lambda: queue.fetched(one, 3),
        lambda: queue.take(State.SCORE),
        lambda: queue.renew(one, State.SCORE, progress=Progress(files=3, slices_done=1).model_dump_json()),
        lambda: queue.judged(one, verdict(objects=0), "m", Progress()),
    )
    (told,) = wait_for(queue, [one], 1.0, silent)
    thread.join()
    assert told.verdict == "tampered"


def test_a_series_that_somebody_removed_is_waited_for_no_more(queue: SeriesQueue) -> None:
    one = asked(queue)
    queue.give_up(one, State.FETCH, "it is gone")
    queue.forget(one)
    assert list(wait_for(queue, [one], SHORT_S, silent)) == []


@pytest.mark.parametrize("uid", ["1", "1.2.840.113619.2", " 1.2 \n", "1" * 64, "1.02"])
def test_uids(uid: str) -> None:
    assert require_uid(uid, "--study") == uid.strip()
