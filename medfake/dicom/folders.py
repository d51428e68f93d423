"""Folders of files, one at a time: what is in one is forgotten before the next is listed."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

NO_PERMISSION: Final = "permission denied"


@dataclass(frozen=True)
class Skipped:
    """A file, link or folder that is not part of any series, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Folder:
    """What lies in one folder, its subfolders apart.

    Attributes:
        path: The folder.
        files: To be read, in the order of their names' numbers.
        left_out: Links; and the folder itself where it may not be listed.
    """

    path: Path
    files: tuple[Path, ...]
    left_out: tuple[Skipped, ...] = ()


def walk_folders(root: Path, without: Collection[Path] = ()) -> Iterator[Folder]:
    """List a folder and everything below it, each folder before what is below it, in the order of names.

    Memory holds the names of one folder, and those of the subfolders that wait. Symbolic links are not followed, so
    that no file comes twice and nothing outside is read; they are left out with the reason.

    Args:
        root: A folder; may itself be a link.
        without: Resolved paths of files and folders that are passed over as if they were not there.
    """
    waiting, place = [root], root.resolve()
    while waiting:
        folder = waiting.pop()
        hidden = _hidden(place / folder.relative_to(root), without)
        try:
            files, subfolders, links = _listed(folder)
        except OSError as error:
            reason = NO_PERMISSION if isinstance(error, PermissionError) else "the folder cannot be listed"
            yield Folder(folder, (), (Skipped(folder, reason),))
            continue
        waiting += [folder / name for name in sorted(subfolders, reverse=True) if name not in hidden]
        yield Folder(
            folder,
            tuple(sorted((folder / name for name in files if name not in hidden), key=order_in_walk)),
            tuple(Skipped(folder / name, "a symbolic link") for name in sorted(links) if name not in hidden),
        )


def order_in_walk(path: Path) -> tuple[Path, tuple[int, str]]:
    """Key that sorts files as `walk_folders` gives them."""
    return (path.parent, natural(path.name))


def natural(name: str) -> tuple[int, str]:
    """Key that sorts "2.dcm" before "10.dcm"."""
    digits = "".join(character for character in name if character.isdigit())
    return (int(digits) if 0 < len(digits) < 19 else -1, name)


def _hidden(place: Path, without: Collection[Path]) -> set[str]:
    return {path.name for path in without if path.parent == place}


def _listed(folder: Path) -> tuple[list[str], list[str], list[str]]:
    """Names of files, of folders, of links."""
    files: list[str] = []
    subfolders: list[str] = []
    links: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            kind = links if entry.is_symlink() else subfolders if _is_folder(entry) else files
            kind.append(entry.name)
    return files, subfolders, links


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:  # it vanished, or may not be asked: reading it will say so
        return False
