"""What is done with a series over which a PACS, or a disk, failed: another try later, or the dead-letter list."""

import logging

from medfake.errors import MedfakeError, PacsSilentError, StorageError
from medfake.files import in_a_word
from medfake.pacs.queued_series import QueuedSeries, State
from medfake.pacs.series_queue import SeriesQueue
from medfake.pacs.settings import GIVEN_UP, PacsSettings

_log = logging.getLogger(__name__)
_MOST_DOUBLINGS = 30


def failed(queue: SeriesQueue, series: QueuedSeries, state: State, error: Exception, settings: PacsSettings) -> bool:
    """Try a series again later, or give it up: soon where the PACS refuses, after days where nobody answers.

    A disk without room for what is fetched is waited for likewise.

    Args:
        queue: Of series.
        series: Of this process.
        state: In which it was.
        error: What ended the try.
        settings: How often something is tried.

    Returns:
        Whether it was given up.
    """
    limits, reason = settings.limits, _sentence(error)
    silent = isinstance(error, PacsSilentError | OSError) or (state is State.FETCH and isinstance(error, StorageError))
    if series.tries + 1 >= (limits.silent_tries if silent else limits.tries):
        queue.give_up(series.id, state, reason, [GIVEN_UP] if GIVEN_UP in settings.alarms.on else [])
        _log.error("given up %s (medfake pacs queue): %s", series.id, reason)
        return True
    wait_s = retry_after_s(series.tries, settings)
    queue.try_again(series.id, state, reason, wait_s)
    _log.warning("tried again in %.0f s (%s): %s", wait_s, series.id, reason)
    return False


def retry_after_s(tries: int, settings: PacsSettings) -> float:
    """How long to wait after so many tries and one more."""
    limits = settings.limits
    return float(min(limits.longest_retry_s, limits.first_retry_s * 2.0 ** min(tries, _MOST_DOUBLINGS)))


def _sentence(error: Exception) -> str:
    if not isinstance(error, MedfakeError):
        return in_a_word(error)
    return error.what if error.received is None else f"{error.what}: {error.received}"
