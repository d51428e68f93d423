"""What arrives below a folder, each subfolder once it has stopped changing.

Looked for again and again, because what tells a program of new files (inotify and its kin) says nothing of files that
another machine wrote over NFS or SMB, which is how scans arrive.
"""

import signal
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from medfake.dicom.folders import Folder, walk_folders
from medfake.dicom.header_cache import stamp_of
from medfake.files import path_text
from medfake.progress import duration_text
from medfake.serving.archive import How, files_digest, scan_folders
from medfake.serving.found import Finished, ScanFound
from medfake.serving.record import Record
from medfake.serving.report import ScanVerdict
from medfake.serving.workers import Workers

SETTLE_S: Final = 30.0
_LOOK_S: Final = 2.0
_PATIENCE: Final = 20
"""Times the settling time after which it is said that a folder still changes."""


@dataclass
class _Changing:
    """A folder that is not scanned yet; both times by the monotonic clock, s."""

    digest: str
    unchanged_since: float
    seen_since: float
    told: bool = False


class Arrivals:
    """Folders that have changed since they were last scanned, once they have come to rest.

    Memory holds the folders that still change, and a digest of each that was scanned.
    """

    def __init__(
        self,
        root: Path,
        finished: Finished,
        settle_s: float = SETTLE_S,
        without: Collection[Path] = (),
        tell: Callable[[str], object] = lambda _: None,
    ) -> None:
        """Look at nothing yet.

        Args:
            root: Folder below which scans arrive.
            finished: What earlier runs have scanned.
            settle_s: No name, size or time of a file in a folder may have changed for so long.
            without: Resolved paths that are passed over, as the command's own outputs.
            tell: Takes a sentence about a folder that does not come to rest.
        """
        self._root, self._finished, self._settle_s, self._without, self._tell = (
            root, finished, settle_s, without, tell,
        )  # fmt: skip
        self._changing: dict[Path, _Changing] = {}
        self._given: set[str] = set()

    @property
    def waiting(self) -> int:
        """Folders that have not come to rest yet."""
        return len(self._changing)

    def settled(self, clock: Callable[[], float] = time.monotonic) -> Iterator[Folder]:
        """Look once at everything; folders that have come to rest since the last look, each once."""
        seen: set[Path] = set()
        for folder in walk_folders(self._root, self._without):
            if not folder.files:
                continue
            digest = files_digest(folder, {path: stamp_of(path) for path in folder.files})
            if digest in self._given or self._finished.has_folder(digest):
                continue
            seen.add(folder.path)
            if self._at_rest(folder.path, digest, clock()):
                self._given.add(digest)
                yield folder
        self._changing = {path: one for path, one in self._changing.items() if path in seen}

    def pause_s(self, look_took_s: float) -> float:
        """How long to wait until the next look: as long as the last one took at least, so that disks get a rest."""
        return max(min(_LOOK_S, self._settle_s), look_took_s)

    def _at_rest(self, path: Path, digest: str, now: float) -> bool:
        known = self._changing.get(path)
        if known is None:
            known = self._changing[path] = _Changing(digest, now, now)
        elif known.digest != digest:
            known.digest, known.unchanged_since = digest, now
        if now - known.unchanged_since >= self._settle_s:
            del self._changing[path]
            return True
        if not known.told and now - known.seen_since >= _PATIENCE * max(self._settle_s, _LOOK_S):
            known.told = True
            self._tell(f"still changing after {duration_text(now - known.seen_since)}: {path_text(path)}")
        return False


def watch(arrivals: Arrivals, how: How, record: Record, show: Callable[[ScanVerdict], object]) -> None:
    """Scan what arrives until an interrupt (Ctrl-C), or the SIGTERM of whoever stops services.

    Args:
        arrivals: What to look at.
        how: By which detector and by whom.
        record: Takes what is found.
        show: Is called with each new verdict.
    """
    workers = Workers(how.jobs) if how.jobs > 1 and not how.dask else None
    try:
        with _interrupted_by_sigterm():
            while True:
                began = time.monotonic()
                for found in scan_folders(arrivals.settled(), how, workers):
                    record.take(found)
                    if isinstance(found, ScanFound):
                        show(found.verdict)
                time.sleep(arrivals.pause_s(time.monotonic() - began))
    except KeyboardInterrupt:
        return
    finally:
        if workers:
            workers.stop()


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
