"""The CT-GAN test set (Mirsky et al. 2019) in both published layouts, recognised by looking."""

from collections import defaultdict
from pathlib import Path

from medfake.datasets.sources.labels import LabelRow, read_labels, require_place_inside
from medfake.datasets.sources.registry import MANIPULATION_OF, SourceScan, source
from medfake.dicom.series import Skipped, find_series
from medfake.errors import SourceError

# experiment -> folder of scans below the folder of its label file, Kaggle's and UCI's names
_SCAN_FOLDERS = {
    "1": ("CT_Scans/EXP1_blind", "Experiment 1 - Blind"),
    "2": ("CT_Scans/EXP2_open", "Experiment 2 - Open"),
}


@source("ct_gan")
def read_ct_gan(root: Path, jobs: int) -> tuple[list[SourceScan], list[Skipped]]:
    """Read the tree: a scan is an (experiment, uuid) pair, its patient is the uuid alone.

    Two uuids are in both experiments, real in one and tampered in the other; UIDs in the files repeat, so only the
    folder names a scan. `slice` is the 0-based index after sorting by z.

    Raises:
        SourceError: No label file, or a labelled scan without a folder.
        LabelError: A row that fits no voxel.
    """
    scans: list[SourceScan] = []
    skipped: list[Skipped] = []
    found = False
    for experiment, names in _SCAN_FOLDERS.items():
        labels = next(iter(sorted(root.rglob(f"labels_exp{experiment}.csv"))), None)
        if labels is None:
            continue
        found = True
        folder = next((labels.parent / name for name in names if (labels.parent / name).is_dir()), None)
        if folder is None:
            raise SourceError(
                f"the scans of experiment {experiment} are missing", where=labels.parent,
                received=f"none of {', '.join(names)}", remedy="unpack the whole CT-GAN archive",
            )  # fmt: skip
        for uuid, rows in _by_scan(read_labels(labels, "uuid")).items():
            scan, left_out = _scan(folder / uuid, labels, experiment, uuid, rows, jobs)
            scans.append(scan)
            skipped += left_out
    if not found:
        raise SourceError(
            "no labels_exp1.csv or labels_exp2.csv below this folder", where=root,
            remedy="point the path at the unpacked CT-GAN archive",
        )  # fmt: skip
    return scans, skipped


def _by_scan(rows: list[LabelRow]) -> dict[str, list[LabelRow]]:
    grouped: dict[str, list[LabelRow]] = defaultdict(list)
    for row in rows:
        grouped[row.scan].append(row)
    return grouped


def _scan(
    folder: Path, labels: Path, experiment: str, uuid: str, rows: list[LabelRow], jobs: int
) -> tuple[SourceScan, list[Skipped]]:
    series, skipped = find_series(folder, jobs) if folder.is_dir() else ([], [])
    if not series:
        raise SourceError(
            "a labelled scan has no readable slices", where=folder, received=f"{len(skipped)} other files",
            remedy=f"unpack it again, or remove its rows from {labels.name}",
        )  # fmt: skip
    largest = max(series, key=lambda candidate: len(candidate.headers))
    for row in rows:
        first = largest.headers[0]
        require_place_inside(labels, row, len(largest.headers), first.rows, first.cols)
    kind = rows[0].kind
    sites = tuple(dict.fromkeys(row.site for row in rows if row.site))
    manipulation = MANIPULATION_OF[kind]
    generator = "" if manipulation == "none" else "CT-GAN"
    others = [header.path for one in series if one is not largest for header in one.headers]
    skipped = [*skipped, *(Skipped(path, "not part of the labelled series") for path in others)]
    return SourceScan(largest, "CT-GAN", uuid, experiment, generator, manipulation, sites), skipped
