"""Series that are arriving: objects on disk under names of ours, until nobody expects more of them.

FOLDER/incoming/       what a caller is sending; worth nothing until it is whole
FOLDER/arriving/KEY/   about.json, and files/0/ with the objects of one series, by digest of their UIDs
FOLDER/series/ID/      the same of a series that is whole; its files are gone once it is judged
"""

import logging
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from medfake.files import in_a_word, sha256_file, sync
from medfake.pacs.about_series import ABOUT, About, Object, read_about
from medfake.pacs.queued_series import NewSeries, Origin
from medfake.pacs.refusals import Refusals
from medfake.pacs.settings import Complete
from medfake.serving.scoring import job_files

_log = logging.getLogger(__name__)
FOLDER_OF_FILES: Final = f"{job_files.FILES}/0"  # one folder: one series


@dataclass
class _Arriving:
    """A series under way.

    Attributes:
        last: When its last object came, by `time.monotonic`, s.
        names: Of its files.
        size: Of them together, bytes.
        senders: Associations that sent some of it and are still open, and how many objects of it each has brought.
        together: Whether one brought several: who hangs up after each object calls again for the next.
        cut_off: Whether one of them broke, so that more may come when its caller tries again.
    """

    about: About
    last: float
    names: set[str] = field(default_factory=set)
    size: int = 0
    senders: dict[int, int] = field(default_factory=dict)
    together: bool = False
    cut_off: bool = False


class TooLargeSeriesError(Exception):
    """Raised where a series has more files or bytes than are taken."""


class Arrivals:
    """Takes objects in and says which series are whole.

    Args:
        folder: See above; all of it is this user's alone.
        complete: When a series counts as whole.
        most_files: Of one series.
        most_bytes: Of one series.
        clock: Of this machine, which no other one's clock is compared with; s.
    """

    def __init__(
        self,
        folder: Path,
        complete: Complete,
        most_files: int,
        most_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.incoming, self._arriving, self.series = (folder / name for name in ("incoming", "arriving", "series"))
        self._complete, self._most_files, self._most_bytes, self._clock = complete, most_files, most_bytes, clock
        self._lock = threading.Lock()
        self._under_way: dict[str, _Arriving] = {}
        self._refusals = Refusals()
        self._whole: list[_Arriving] = []
        for place in (folder, self.incoming, self._arriving, self.series):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)

    def recover(self) -> None:
        """Go on with what a process that was killed had taken; what it had not taken whole is removed."""
        for part in self.incoming.iterdir():
            part.unlink()
        for place in self._arriving.iterdir():
            sizes = {one.name: one.stat().st_size for one in (place / FOLDER_OF_FILES).glob("*.dcm")}
            if not sizes:  # no object of it was acknowledged
                shutil.rmtree(place)
                continue
            about = read_about(place)
            if about is None:  # the disk has lost it; the objects are there
                about = About(uuid.uuid4().hex, place.name, "", "", None)
                about.write(place)
            here = _Arriving(about, self._clock(), set(sizes), sum(sizes.values()), cut_off=True)
            self._under_way[about.series_key] = here
            self._refusals.recover(about.series_key, about.refused)

    @property
    def count(self) -> int:
        """Series that are arriving."""
        with self._lock:
            return len(self._under_way)

    def has(self, series_key: str) -> bool:
        """Whether some of a series has come and more of it may."""
        with self._lock:
            return series_key in self._under_way

    def under_way(self) -> list[tuple[About, int, float]]:
        """What is arriving: about it, how many objects came, and s since the last one."""
        with self._lock:
            now = self._clock()
            return [(one.about, len(one.names), now - one.last) for one in self._under_way.values()]

    def take(self, part: Path, object_: Object) -> None:
        """Take an object in; it is on disk for good when this returns.

        An object that came before in the same bytes counts once. Where its bytes differ, what came until now is whole,
        and the object begins the series anew, so that both are judged.

        Args:
            part: File below `incoming`; it is moved.
            object_: What it is.

        Raises:
            TooLargeSeriesError: The series becomes too large; it is as it was.
            OSError: The disk is full.
        """
        name = object_.file_name
        size = part.stat().st_size
        sync(part)
        with self._lock:
            under_way = self._under_way.get(object_.series_key)
            again = under_way is not None and name in under_way.names
            if under_way and again and _same_bytes(part, self._files(under_way.about) / name):
                part.unlink()
                size = 0
            else:
                if size > self._most_bytes or (under_way and not again and not self._fits(under_way, size)):
                    raise TooLargeSeriesError
                if under_way and again:
                    self._finish(under_way)
                    under_way = None
                under_way = under_way or self._begin(object_)
                self._move(part, under_way, name)
            under_way.names.add(name)
            self._refusals.taken(object_.series_key, name)
            under_way.size += size
            under_way.last = self._clock()
            brought = under_way.senders[object_.sender] = under_way.senders.get(object_.sender, 0) + 1
            under_way.together |= brought > 1
            folder = os.open(self._files(under_way.about), os.O_RDONLY)  # it may be moved before it is synced
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def refuse(self, object_: Object, reason: str) -> bool:
        """An object cannot be taken for want of room: its series is not whole without it, whenever it is judged.

        Args:
            object_: What it is.
            reason: A sentence.

        Returns:
            Whether this is the first time that this is the reason for one of the series.
        """
        with self._lock:
            is_new = self._refusals.add(object_.series_key, object_.file_name, reason)
            under_way = self._under_way.get(object_.series_key)
            if under_way and not under_way.about.refused:  # what is counted later is kept when it is whole
                self._keep_refused(under_way)
        return is_new

    def ended(self, sender: int, *, released: bool) -> None:
        """An association has ended: it sends no more.

        Args:
            sender: Its number.
            released: Whether its caller said so; who was cut off will try again.
        """
        with self._lock:
            for one in self._under_way.values():
                if sender in one.senders:
                    del one.senders[sender]
                    one.cut_off |= not released

    def whole(self) -> Iterator[NewSeries]:
        """Series that have become whole, each in its folder below `series` before it is given."""
        with self._lock:
            now = self._clock()
            for one in [one for one in self._under_way.values() if self._is_whole(one, now)]:
                try:
                    self._finish(one)
                except OSError as error:  # the others are whole nevertheless
                    _log.error("a series cannot be moved to those that are whole: %s", in_a_word(error))
            finished, self._whole = self._whole, []
        for one in finished:
            yield _new(one.about, len(one.names))

    def left_behind(self, known: Callable[[list[str]], set[str]]) -> Iterator[NewSeries]:
        """Series that have their folder and no row in the queue, as where a process was killed between the two."""
        there = sorted(one.name for one in self.series.iterdir() if (one / ABOUT).exists())
        for name in sorted(set(there) - known(there)):
            about = read_about(self.series / name)
            if about is None:
                _log.error("a series was left behind, and what is known of it cannot be read: series/%s", name)
                continue
            yield _new(about, len(list((self.series / name / FOLDER_OF_FILES).glob("*.dcm"))))

    def _is_whole(self, one: _Arriving, now: float) -> bool:
        expected, silent_s = one.about.expected, now - one.last
        if expected is not None:
            return len(one.names) >= expected or silent_s >= self._complete.give_up_s
        more_may_come = one.senders or one.cut_off or not one.together
        patience_s = self._complete.idle_s if more_may_come else min(self._complete.idle_s, self._complete.released_s)
        return silent_s >= patience_s

    def _fits(self, one: _Arriving, size: int) -> bool:
        return len(one.names) < self._most_files and one.size + size <= self._most_bytes

    def _begin(self, first: Object) -> _Arriving:
        about = About(uuid.uuid4().hex, first.series_key, first.caller, first.modality, first.expected)
        self._files(about).mkdir(mode=0o700, parents=True, exist_ok=True)
        about.write(self._place(about))
        for folder in (self._place(about) / job_files.FILES, self._place(about), self._arriving):
            sync(folder)
        self._under_way[about.series_key] = one = _Arriving(about, self._clock())
        return one

    def _move(self, part: Path, under_way: _Arriving, name: str) -> None:
        try:
            part.rename(self._files(under_way.about) / name)
        except OSError:
            if not under_way.names:  # a series without an object is none
                del self._under_way[under_way.about.series_key]
            raise

    def _finish(self, one: _Arriving) -> None:
        """Move a series to where whole ones are."""
        self._keep_refused(one)
        self._place(one.about).rename(self.series / one.about.id)
        self._refusals.forget(one.about.series_key)
        del self._under_way[one.about.series_key]
        self._whole.append(one)
        sync(self.series)
        sync(self._arriving)

    def _keep_refused(self, one: _Arriving) -> None:
        """Note how many objects of a series were refused; where the disk takes no more, this process remembers it."""
        refused = self._refusals.count(one.about.series_key)
        if refused == one.about.refused:
            return
        one.about = replace(one.about, refused=refused)
        try:
            if self._place(one.about).is_dir():
                one.about.write(self._place(one.about))
        except OSError as error:
            _log.error("it cannot be noted that objects of a series were refused: %s", in_a_word(error))

    def _place(self, about: About) -> Path:
        return self._arriving / about.series_key

    def _files(self, about: About) -> Path:
        return self._place(about) / FOLDER_OF_FILES


def _new(about: About, files: int) -> NewSeries:
    expected = about.expected_beside(files)
    return NewSeries(about.id, about.series_key, Origin.LISTEN, about.caller, about.modality, files, expected)


def _same_bytes(one: Path, other: Path) -> bool:
    return one.stat().st_size == other.stat().st_size and sha256_file(one) == sha256_file(other)
