"""How series come into a station: sent to it, found by it in a PACS, or asked for."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final, Self

from medfake.errors import MedfakeError
from medfake.files import in_a_word
from medfake.locks import exclusive_lock
from medfake.pacs.arrivals import Arrivals
from medfake.pacs.dicomweb import DicomWeb
from medfake.pacs.listener import Listener, series_key
from medfake.pacs.queued_series import NewSeries, Origin
from medfake.pacs.station import Station
from medfake.pacs.watcher import Fetcher, Watcher, arrival
from medfake.serving.scoring.limits import MIB

_log = logging.getLogger(__name__)
_LOOK_S: Final = 0.25
_JUDGED: Final = ("CT", "MR", "CR", "DX")
"""Modalities (0008,0060) of images that some detector judges."""


class Listening:
    """A listener and what becomes of what it takes; `with` it, inside of a station's own `with`.

    Where it knows the PACS, it fetches what is in the queue, too, as after a `medfake pacs scan` that was cut off.

    Raises:
        BusyError: Another listener uses the same folder.
        ConfigError: It cannot listen there.
    """

    def __init__(self, station: Station) -> None:
        self._station, settings = station, station.settings
        self._held = ExitStack()
        data = station.series.parent
        self._lock = data / "listener.lock"
        limits = settings.limits
        self.arrivals = Arrivals(data, settings.complete, limits.series_files, limits.series_mb * MIB)
        self._listener = Listener(settings.listen, self.arrivals, station.key, self._busy)
        self._full = (0.0, False)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._queue_whole, name="arrivals", daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._held.enter_context(exclusive_lock(self._lock, "another listener"))
        self.arrivals.recover()
        for series in self.arrivals.left_behind(self._station.queue.known):
            self._station.queue.add(series)
        self.port = self._listener.start()
        self._thread.start()
        if self._station.settings.archive.dicomweb:
            self._held.enter_context(Fetching(self._station))
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.stop()
        self._stopping.set()
        self._thread.join()
        self._held.close()

    def _busy(self) -> bool:
        """Whether as many series wait as are taken; looked up once a second."""
        now = time.monotonic()
        if now - self._full[0] > 1.0:
            waiting = self._station.queue.waiting() + self.arrivals.count
            self._full = (now, waiting >= self._station.settings.limits.waiting)
        return self._full[1]

    def _queue_whole(self) -> None:
        waiting: list[NewSeries] = []
        while not self._stopping.wait(_LOOK_S):
            try:
                waiting += self.arrivals.whole()
                while waiting:
                    self._station.queue.add(waiting[0])
                    waiting.pop(0)
                    self._station.wake()
            except Exception as error:  # noqa: BLE001 - the database may come back, and series wait until it does
                _log.error("%s", error.what if isinstance(error, MedfakeError) else in_a_word(error))


class Watching:
    """A watcher, which puts what is new in a PACS into the queue; `with` it, inside of a station's own `with`."""

    def __init__(self, station: Station) -> None:
        self.watcher = Watcher(DicomWeb(station.settings.archive), station.queue, station.settings, station.key)

    def __enter__(self) -> Self:
        self.watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.watcher.stop()


class Fetching:
    """A fetcher; `with` it, inside of a station's own `with`."""

    def __init__(self, station: Station) -> None:
        web, settings = DicomWeb(station.settings.archive), station.settings
        self._fetcher = Fetcher(web, station.queue, station.folder_of, settings, station.wake)

    def __enter__(self) -> Self:
        self._fetcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._fetcher.stop()


def ask_for(station: Station, study_uid: str, series_uid: str | None) -> Iterator[str]:
    """Put series of a study into the queue, whether or not they were judged before; ids of the new rows.

    Args:
        station: That will fetch and judge them.
        study_uid: Study Instance UID (0020,000D).
        series_uid: One series; None for all that hold images of CT, MR or X-ray.

    Raises:
        PacsError: The PACS does not answer.
    """
    for found in DicomWeb(station.settings.archive).series_of_study(study_uid):
        if series_uid not in (None, found.address.series_uid):
            continue
        if series_uid is None and found.modality not in _JUDGED:
            continue
        key = series_key(found.address.study_uid, found.address.series_uid, station.key)
        new = arrival(key, found, Origin.SCAN)
        station.queue.add(new)
        yield new.id
