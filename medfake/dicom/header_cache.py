"""Headers that were read before, so that a second look at an unchanged archive reads only what changed.

The file holds what headers hold, raw identifiers included. It stays on this machine, readable by its owner alone,
beside the key of the pseudonyms; without it everything works the same, only slower.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from medfake.dicom.contrasts import Contrast
from medfake.dicom.header import SliceHeader
from medfake.dicom.projection import Projection
from medfake.vocabulary import Modality

CACHE_FILE = "headers.sqlite"
_VERSION = 5  # of what is stored; another one is thrown away
_TUPLES = ("position_mm", "orientation", "spacing_mm", "padding", "image_type")
Stamp = tuple[int, int, int]  # size, time of change in ns, inode
Result = list[SliceHeader] | str  # headers of a file, or why it has none


def stamp_of(path: Path) -> Stamp | None:
    """What tells that a file changed; None when it cannot be asked."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


class HeaderCache:
    """Headers by path and stamp, in one SQLite file of mode 0600."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._store = sqlite3.connect(path, timeout=30)
        try:
            if self._store.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                self._begin()
        except sqlite3.DatabaseError:  # not a database: a cache may be thrown away
            self._store.close()
            path.unlink()
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._store = sqlite3.connect(path, timeout=30)
            self._begin()

    def known(self, paths: Iterable[Path]) -> dict[Path, Result]:
        """What is stored of files that have not changed since."""
        found: dict[Path, Result] = {}
        for path in paths:
            row = self._store.execute(
                "SELECT size, changed, inode, result FROM headers WHERE path = ?", (os.fsencode(path.absolute()),)
            ).fetchone()
            if row is not None and tuple(row[:3]) == stamp_of(path):
                found[path] = _decode(path, json.loads(row[3]))
        return found

    def keep(self, results: Mapping[Path, tuple[Stamp, Result]]) -> None:
        """Store what was read of some files, with their stamps from before they were read."""
        rows = [
            (os.fsencode(path.absolute()), *stamp, json.dumps(_encode(result)))
            for path, (stamp, result) in results.items()
        ]
        with self._store:
            self._store.executemany("INSERT OR REPLACE INTO headers VALUES (?, ?, ?, ?, ?)", rows)

    def close(self) -> None:
        """Let go of the file."""
        self._store.close()

    def _begin(self) -> None:
        with self._store:
            self._store.execute("DROP TABLE IF EXISTS headers")
            self._store.execute(
                "CREATE TABLE headers (path BLOB PRIMARY KEY, size INT, changed INT, inode INT, result TEXT)"
            )
            self._store.execute(f"PRAGMA user_version = {_VERSION}")


def _encode(result: Result) -> Any:
    return result if isinstance(result, str) else [{**asdict(header), "path": None} for header in result]


def _decode(path: Path, stored: Any) -> Result:
    if isinstance(stored, str):
        return stored
    return [_header(path, values) for values in stored]


def _header(path: Path, values: dict[str, Any]) -> SliceHeader:
    contrast = Contrast(**{**values["contrast"], "words": tuple(values["contrast"]["words"])})
    tuples: dict[str, Any] = {name: _tuple(values[name]) for name in _TUPLES}
    parts: dict[str, Any] = {"modality": Modality(values["modality"]), "projection": Projection(**values["projection"])}
    return SliceHeader(**{**values, **tuples, **parts, "contrast": contrast, "path": path})


def _tuple(values: list[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)
