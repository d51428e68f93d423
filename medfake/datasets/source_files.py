"""Files of the sources by pseudonym: tables name them, and whoever has the sources and the key finds them again."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from medfake.config import DatasetParams
from medfake.config.datasets import SourceParams
from medfake.datasets.pseudonyms import pseudonym, pseudonym_key
from medfake.errors import SourceError
from medfake.files import path_text

_DIGITS = 16  # 64 bits keep a million files apart, but for one chance in thirty million


def sources_of(params: DatasetParams) -> dict[str, SourceParams]:
    """A data set's sources by what they are for: "reals" and "fakes", or "reals and fakes" where one is both."""
    if params.reals == params.fakes:
        return {"reals and fakes": params.reals}
    return {"reals": params.reals, "fakes": params.fakes}


def file_pseudonym(of: str, path: Path, root: Path, key: bytes) -> str:
    """Name a file so that its path, which may tell of people, need not be stored.

    Args:
        of: What the source is for.
        path: Of the file.
        root: Of the source; where it lies does not change the name.
        key: From `pseudonym_key`.
    """
    return pseudonym(f"{of}/{relative_text(path, root)}", key, "file", _DIGITS)


def relative_text(path: Path, root: Path) -> str:
    """A path below a source as text, relative to it."""
    return path_text(path.relative_to(root) if path.is_relative_to(root) else Path(path.name))


def find_files(params: DatasetParams, names: Collection[str]) -> dict[str, Path]:
    """Find the files behind their pseudonyms by naming all files of the sources anew; nothing is opened.

    Args:
        params: The data set's sources, wherever they lie on this machine.
        names: Wanted, from scans.parquet.

    Returns:
        Path of every name; one that leads nowhere for a file that is there no more.

    Raises:
        SourceError: None of the files is in the sources: they are not the ones that were read, or the key is another.
    """
    key, wanted = pseudonym_key(params.identifiers), set(names)
    found: dict[str, Path] = {}
    for of, source in sources_of(params).items():
        root = Path(source.path)
        for path in _walk(root):
            name = file_pseudonym(of, path, root, key)
            if name in wanted:
                found[name] = path
    if wanted and not found:
        raise SourceError(
            "none of the files that the table of scans names is in the sources",
            where=f"{params.reals.path}, {params.fakes.path}", received=f"{len(wanted)} names of files",
            remedy="dvc repro; to go on with a table of another machine, use its sources and its pseudonym key",
        )  # fmt: skip
    return {name: found.get(name, Path(params.reals.path) / name) for name in names}


def _walk(folder: Path, above: frozenset[tuple[int, int]] = frozenset()) -> Iterator[Path]:
    """Every file below a folder, by every way that leads there; a link back to a folder above is not followed."""
    if not folder.is_dir():
        return
    status = folder.stat()
    here = (status.st_dev, status.st_ino)
    if here in above or not os.access(folder, os.R_OK | os.X_OK):
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _walk(folder / entry.name, above | {here})
            else:
                yield folder / entry.name
