"""What a person asks for and waits for: a study by its UID, and what becomes of its series."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from medfake.errors import PacsSilentError, ScanError
from medfake.pacs.queued_series import UNDER_WAY, QueuedSeries
from medfake.pacs.series_queue import SeriesQueue

_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)*")
_LONGEST_UID: Final = 64
_LOOK_S: Final = 0.25
_A_FEW: Final = 2
"""Tries that failed, of which somebody who waits wants to know."""


def require_uid(text: str, where: str) -> str:
    """A UID (PS3.5 9.1) without blanks around it; it is never repeated, as it names a patient's study.

    Args:
        text: What was typed.
        where: It was typed.

    Raises:
        ScanError: It is none.
    """
    uid = text.strip()
    if not _UID.fullmatch(uid) or len(uid) > _LONGEST_UID:
        raise ScanError(
            "this is no UID", where=where, received=f"{len(uid)} characters",
            remedy="numbers with dots between them, at most 64 characters, as the study's Study Instance UID "
            "(0020,000D) and the series' Series Instance UID (0020,000E) are",
        )  # fmt: skip
    return uid


def wait_for(
    queue: SeriesQueue, ids: Sequence[str], patience_s: float, failing: Callable[[QueuedSeries], object]
) -> Iterator[QueuedSeries]:
    """Each of some series once it is done or given up, in the order in which they are.

    Args:
        queue: That they are in; somebody works on it.
        ids: Of the series.
        patience_s: For which nothing may happen to any of them, tries that fail aside.
        failing: Takes each series, once, that has been tried a few times in vain.

    Raises:
        PacsSilentError: Nothing happens; the series stay in the queue.
    """
    open_ones, said = list(ids), set[str]()
    seen: dict[str, tuple[object, ...]] = {}
    last_news = time.monotonic()
    while open_ones:
        for one in list(open_ones):
            series = queue.find(one)
            news = (series.state, series.progress, series.attempts) if series else ()
            if seen.get(one) != news:
                seen[one], last_news = news, time.monotonic()
            if series is None or series.state not in UNDER_WAY:
                open_ones.remove(one)
                if series:
                    yield series
            elif series.tries >= _A_FEW and one not in said:
                said.add(one)
                failing(series)
        if open_ones and time.monotonic() - last_news > patience_s:
            raise _nothing_happens(queue, open_ones, patience_s)
        if open_ones:
            time.sleep(_LOOK_S)


def _nothing_happens(queue: SeriesQueue, ids: Sequence[str], patience_s: float) -> PacsSilentError:
    reasons = [series.reason for series in map(queue.find, ids) if series and series.reason]
    return PacsSilentError(
        f"nothing has happened for {patience_s:g} s to {len(ids)} series that are waited for", where=", ".join(ids),
        received=reasons[0] if reasons else None,
        remedy="they stay in the queue (medfake pacs queue), and the next medfake pacs listen, or watch, goes on with "
        "them; --wait SECONDS waits longer",
    )  # fmt: skip
