"""What a generator may write over: what it made itself, and nothing else, whatever params.yaml says."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from medfake.config import Params
from medfake.datasets.sources.generated import COLUMNS, TABLE_FILE
from medfake.errors import OutputRefusedError
from medfake.files import path_text
from medfake.generators.stored import FACTS_FILE, GRAPH_FILE, NETWORK_FILE, SAMPLES_FOLDER

_TRAINED: Final = frozenset({GRAPH_FILE, NETWORK_FILE, FACTS_FILE, SAMPLES_FOLDER})
KIND: Final = "generated"
"""Source that reads what a generator writes: the one source whose folder may be written."""


def require_own_folders(params: Params, name: str, generator: Path, deepfakes: Path) -> None:
    """Refuse to write where anybody's scans are.

    Args:
        params: All of params.yaml, its paths absolute.
        name: Key under `generators`.
        generator: Folder that the trained generator goes to.
        deepfakes: Folder that its DICOM goes to.

    Raises:
        OutputRefusedError: A folder is, holds or lies in a folder of scans that params.yaml names, or has in it what no
            generator wrote.
    """
    for out in (generator, deepfakes):
        here = out.resolve()
        for key, source in _folders_of_scans(params, name):
            there = Path(source).resolve()
            if here == there or here in there.parents or there in here.parents:
                raise OutputRefusedError(
                    "a generator never writes where scans are, lest it replace originals", where=path_text(out),
                    received=f"{key} is {path_text(there)}",
                    remedy=f"give generators.{name} in params.yaml another name",
                )  # fmt: skip
        if out.is_symlink() or (out.exists() and not out.is_dir()):
            raise _not_ours(out, "a link" if out.is_symlink() else "a file", name)
    own = _written(deepfakes)
    for out, written in ((generator, _TRAINED), (deepfakes, own)):
        strays = sorted(path_text(path.relative_to(out)) for path in out.rglob("*") if not path.is_dir())
        strays = [one for one in strays if one not in written and one.split("/")[0] not in written]
        if strays:
            more = f" and {len(strays) - 1} more" if len(strays) > 1 else ""
            raise _not_ours(out, f"{strays[0]}{more}", name)


def _folders_of_scans(params: Params, name: str) -> Iterator[tuple[str, str]]:
    """Key and path of each folder that params.yaml takes scans from."""
    for key, block in {**params.datasets, **params.measure}.items():
        group = "datasets" if key in params.datasets else "measure"
        for side in ("reals", "fakes"):
            source = getattr(block, side, None)
            if source is not None and not (source.kind == KIND and Path(source.path).name == name):
                yield f"{group}.{key}.{side}.path", source.path
    for key, forged in params.forged.items():
        yield f"forged.{key}.reals", forged.reals
    for group in ("banks", "inpainters"):
        for key, block in getattr(params, group).items():
            yield from ((f"{group}.{key}.reals", one) for one in block.reals)


def _written(folder: Path) -> set[str]:
    """Files that generated.csv says were written, itself included; none where there is no such table of ours."""
    table = folder / TABLE_FILE
    if not table.is_file():
        return set()
    try:
        with table.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            ours = tuple(rows.fieldnames or ()) == COLUMNS
            return {TABLE_FILE, *(str(row["file"]) for row in rows)} if ours else set()
    except (ValueError, csv.Error):  # no text, or no table
        return set()


def _not_ours(out: Path, received: str, name: str) -> OutputRefusedError:
    return OutputRefusedError(
        "a generator writes over nothing but what it made itself, and something else is there", where=path_text(out),
        received=received, remedy=f"move it away, or give generators.{name} in params.yaml another name",
    )  # fmt: skip
