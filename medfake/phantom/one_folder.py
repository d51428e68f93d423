"""A set of MR or X-ray as one folder: a subfolder a scan, and labels.csv, as the source `folder` reads them."""

import csv
from collections.abc import Iterable
from itertools import cycle
from pathlib import Path
from typing import Any

from medfake.config import PhantomParams
from medfake.phantom.planned import LESIONS_OF, PlannedScan
from medfake.tamper.forge import COLUMNS, LABELS
from medfake.tamper.registry import manipulations_of
from medfake.tamper.site import Site


def plan_folder(folder: Path, params: PhantomParams, scanners: list[Any]) -> list[PlannedScan]:
    """Every scan of a patient of its own; scanners and manipulations in turn within a type.

    Of the reals every other one has a lesion that nobody put there.
    """
    scans = [
        PlannedScan(
            folder / f"real-{index:04d}", f"REAL-{index:04d}", scanners[index % len(scanners)], (params.seed, 1, index),
            params.slices, index // len(scanners) % 2, None, modality=params.modality,
        )
        for index in range(params.reals)
    ]  # fmt: skip
    known = manipulations_of(params.modality).values()
    dealt = {False: params.reals, True: 0}  # each class goes on where its last type stopped
    for stream, (kind, count) in enumerate(sorted(params.fakes.items())):
        names = cycle([one.name for one in known if one.code is kind] if kind.tampered else [None])
        for index, name in zip(range(count), names, strict=False):
            word = f"{kind.lower()}-{index:04d}"
            scanner = scanners[dealt[kind.tampered] % len(scanners)]
            dealt[kind.tampered] += 1
            scans.append(PlannedScan(
                folder / word, word.upper(), scanner, (params.seed, 3 + stream, index), params.slices, LESIONS_OF[kind],
                name, type=kind, uuid=word, modality=params.modality,
            ))  # fmt: skip
    return scans


def label_folder(folder: Path, made: Iterable[tuple[PlannedScan, Site | None]]) -> None:
    """Write labels.csv: a row a labelled scan that has a place; scans without a row are real."""
    rows = [
        (scan.uuid, scan.type, place.z, place.x, place.y, scan.manipulation or "")
        for scan, place in made
        if scan.type and place is not None
    ]
    with (folder / LABELS).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
