"""What is to be scanned: folders one at a time, however several paths overlap."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from medfake.dicom.folders import Folder, Skipped, order_in_walk, walk_folders
from medfake.dicom.series import Series, series_of
from medfake.errors import ScanError
from medfake.files import path_text


def find_scans(paths: Sequence[Path], jobs: int) -> tuple[list[Series], list[Skipped]]:
    """Series and skipped files; what several paths reach counts once, and files given one by one make one series.

    Everything that was found is held at once; `given_folders` with `series_of` finds the same folder by folder.

    Args:
        paths: Folders or files.
        jobs: Processes that read headers.

    Raises:
        ScanError: A path is missing.
    """
    found: list[Series] = []
    skipped: list[Skipped] = []
    for folder in given_folders(paths):
        series, left_out = series_of(folder.files, jobs)
        found += series
        skipped += [*folder.left_out, *left_out]
    return found, skipped


def given_folders(paths: Sequence[Path], without: Collection[Path] = ()) -> Iterator[Folder]:
    """Folders below some paths, one at a time, each file once.

    A file that is given by itself belongs to the folder in which it lies, though only what was given of that folder
    counts; a link is followed when it is given, and left out where a folder merely holds it.

    Args:
        paths: Folders or files; nothing is read of them but their names.
        without: Resolved paths that are passed over, e.g. of the command's own outputs.

    Raises:
        ScanError: A path is missing.
    """
    for path in paths:
        if not path.exists():
            raise ScanError("there is no such file or folder", where=path_text(path), remedy="check the path")
    single = _Singles(paths)
    begun: list[Path] = []
    for number, path in enumerate(paths):
        if not path.is_dir():
            yield from single.of(path.parent, unless_below=paths[number + 1 :])
        elif not any(path.resolve().is_relative_to(earlier) for earlier in begun):
            for folder in walk_folders(path, [*without, *begun]):
                yield single.merged(folder)
            begun.append(path.resolve())
    yield from single.rest()


class _Singles:
    """Files that were given one by one, until the folder in which they lie had its turn."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._waiting: dict[Path, list[Path]] = {}
        self._taken: dict[Path, Path] = {}
        roots: list[Path] = []
        for path in paths:
            place = path.resolve()
            if path.is_dir():
                roots.append(place)
            elif place not in self._taken and not any(place.is_relative_to(root) for root in roots):
                self._taken[place] = path
                self._waiting.setdefault(path.parent, []).append(path)

    def of(self, folder: Path, unless_below: Sequence[Path]) -> Iterator[Folder]:
        """Those of a folder, unless a path that is still to come reaches it under the same name."""
        if folder in self._waiting and not any(_reaches(path, folder) for path in unless_below):
            yield Folder(folder, tuple(sorted(self._waiting.pop(folder), key=order_in_walk)))

    def merged(self, folder: Folder) -> Folder:
        """A folder of a walk with the links of it that were given, without the files that were given elsewhere."""
        if not self._taken:
            return folder
        given = self._waiting.pop(folder.path, [])
        place = folder.path.resolve()
        own = {path for path in folder.files if self._taken.get(place / path.name, path) == path}
        left_out = tuple(one for one in folder.left_out if one.path not in given)
        return replace(folder, files=tuple(sorted({*own, *given}, key=order_in_walk)), left_out=left_out)

    def rest(self) -> Iterator[Folder]:
        """What no walk came by, e.g. of a folder that may not be listed."""
        for folder, files in self._waiting.items():
            yield Folder(folder, tuple(sorted(files, key=order_in_walk)))


def _reaches(root: Path, folder: Path) -> bool:
    """Whether a walk of `root`, which follows no links, comes to `folder` under this very name."""
    return (
        root.is_dir() and folder.is_relative_to(root) and folder.resolve() == root.resolve() / folder.relative_to(root)
    )
