"""Label files by name: one that is spelled another way is found or refused, never overlooked."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from medfake.errors import LabelError

_LOOKS_LIKE_LABELS = re.compile(r"labels?([^a-z].*)?\.(csv|tsv|txt|xlsx?|ods)")

_READ = ("labels.csv", "labels_exp1.csv", "labels_exp2.csv")


def label_file(root: Path, name: str, below: Iterable[Path] = ()) -> Path | None:
    """Find a source's label file in its folder; case and stray blanks in its name do not matter.

    Args:
        root: Folder of the source.
        name: In lower case, e.g. "labels.csv".
        below: Files anywhere below `root` that are no slices.

    Returns:
        The file, or None when nothing there looks like labels at all.

    Raises:
        LabelError: Two files have the name, it lies in a subfolder, or only a file of another name looks like labels:
            to read on without it would call every scan real.
    """
    here = sorted(path for path in root.iterdir() if path.is_file())
    found = [path for path in here if plain_name(path) == name]
    deeper = [path for path in sorted(below) if path.parent != root]
    if len(found) > 1:
        raise LabelError(
            f"two files are called {name}", where=root, received=", ".join(path.name for path in found),
            remedy="keep one of them there",
        )  # fmt: skip
    astray = [path for path in deeper if plain_name(path) == name]
    if not found:
        astray += [path for path in (*here, *deeper) if _LOOKS_LIKE_LABELS.fullmatch(plain_name(path))]
    if astray:
        raise LabelError(
            "a file looks like labels, but is not read under this name or in this place", where=astray[0],
            remedy=f"move its rows to {root / name}, or name the file something else",
        )  # fmt: skip
    return found[0] if found else None


def is_label_file(path: Path) -> bool:
    """Whether a file has the name of one that some kind of source reads labels from."""
    return plain_name(path) in _READ


def plain_name(path: Path) -> str:
    """A file's name without what spreadsheets and people change in it: case, Unicode form, blanks at the ends."""
    name = unicodedata.normalize("NFKC", path.name).casefold().strip()
    stem, dot, suffix = name.rpartition(".")
    return f"{stem.strip()}{dot}{suffix}" if stem else name
