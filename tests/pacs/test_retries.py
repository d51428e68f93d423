"""How long something is tried: a PACS that refuses, one that is silent, a disk that is full."""

import pytest

from medfake.errors import MedfakeError, PacsError, PacsSilentError, StorageError
from medfake.pacs.queued_series import State
from medfake.pacs.retries import failed, retry_after_s
from medfake.pacs.series_queue import SeriesQueue
from medfake.pacs.settings import Limits, PacsSettings
from tests.pacs.conftest import arrival

SETTINGS = PacsSettings(limits=Limits(tries=2, silent_tries=4, first_retry_s=1e-6, longest_retry_s=1e-6))


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (PacsError("refused"), 2),
        (PacsSilentError("silent"), 4),
        (OSError(28, "No space left on device"), 4),
        (StorageError("less than `listen.spare_mb` is free on the disk"), 4),
    ],
)
def test_what_may_pass_by_itself_is_waited_for_longer(
    error: MedfakeError | OSError, tries: int, queue: SeriesQueue
) -> None:
    queue.add(arrival(fetch=True))
    given_up = []
    while series := queue.take(State.FETCH):
        given_up.append(failed(queue, series, State.FETCH, error, SETTINGS))
    assert given_up == [False] * (tries - 1) + [True]


def test_each_wait_is_twice_the_last_up_to_the_longest() -> None:
    settings = PacsSettings(limits=Limits(first_retry_s=5.0, longest_retry_s=900.0))
    assert [retry_after_s(tries, settings) for tries in (0, 1, 2, 7, 8, 10_000)] == [5, 10, 20, 640, 900, 900]
