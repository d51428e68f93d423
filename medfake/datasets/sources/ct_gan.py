"""The CT-GAN test set (Mirsky et al. 2019) in both published layouts, recognised by looking."""

from pathlib import Path

from medfake.datasets.sources.labels import Labels, place_sites, read_labels
from medfake.datasets.sources.registry import MANIPULATION_OF, Find, Problem, Reading, SourceScan, source
from medfake.errors import SourceError
from medfake.files import path_text

# experiment -> folder of scans below the folder of its label file, Kaggle's and UCI's names
_SCAN_FOLDERS = {
    "1": ("CT_Scans/EXP1_blind", "Experiment 1 - Blind"),
    "2": ("CT_Scans/EXP2_open", "Experiment 2 - Open"),
}


def _looks_like_ct_gan(root: Path) -> bool:
    return next(root.rglob("labels_exp[12].csv"), None) is not None


@source("ct_gan", _looks_like_ct_gan)
def read_ct_gan(root: Path, find: Find) -> Reading:
    """Read the tree: a scan is an (experiment, uuid) pair, its patient is the uuid alone.

    Two uuids are in both experiments, real in one and tampered in the other; UIDs in the files repeat, so only the
    folder names a scan. A uuid without a folder, as in a partial download, is reported and left out.

    Raises:
        SourceError: No label file, or no labelled scan at all.
        LabelError: A label file lacks a column.
    """
    reading, found = Reading([]), False
    for experiment, names in _SCAN_FOLDERS.items():
        path = next(iter(sorted(root.rglob(f"labels_exp{experiment}.csv"))), None)
        if path is None:
            continue
        found = True
        folder = next((path.parent / name for name in names if (path.parent / name).is_dir()), path.parent / names[0])
        labels = read_labels(path, "uuid")
        reading.problems.extend(labels.problems)
        reading.problems.extend(_without_rows(folder, labels))
        for uuid in labels.rows:
            _read_scan(folder / uuid, labels, experiment, uuid, find, reading)
    if not found:
        raise SourceError(
            "no labels_exp1.csv or labels_exp2.csv below this folder", where=root,
            remedy="point the path at the unpacked CT-GAN archive",
        )  # fmt: skip
    if not reading.scans:
        raise SourceError(
            "none of the labelled scans is here", where=root,
            received="; ".join(str(one) for one in reading.problems[:3]) or "label files without rows",
            remedy="unpack the whole CT-GAN archive beside its label files",
        )  # fmt: skip
    return reading


def _without_rows(folder: Path, labels: Labels) -> list[Problem]:
    named = {*labels.rows, *labels.spoilt}
    there = sorted(path_text(Path(one.name)) for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else []
    return [Problem(f"{folder.name}/{name}", f"no row of {labels.path.name} names it", "it is left out")
            for name in there if name not in named]  # fmt: skip


def _read_scan(folder: Path, labels: Labels, experiment: str, uuid: str, find: Find, reading: Reading) -> None:
    where, rows = f"{folder.parent.name}/{uuid}", labels.rows[uuid]
    series, skipped = find(folder) if folder.is_dir() else ([], [])
    reading.skipped.extend(skipped)
    if uuid in labels.spoilt:
        return  # told with its row
    if not series:
        what = "the folder is missing" if not folder.is_dir() else f"no CT slice among its {len(skipped)} files"
        reading.problems.append(Problem(where, f"{what}, but {labels.path.name} names it", "it is left out"))
        return
    largest = max(series, key=lambda candidate: len(candidate.headers))
    if len(series) > 1:
        others = sum(len(one.headers) for one in series) - len(largest.headers)
        reading.problems.append(Problem(where, f"{len(series)} series in one folder", f"{others} slices are left out"))
    sites, problems = place_sites(labels.path, rows, largest, by_stem=True)
    reading.problems.extend(problems)
    kinds = sorted({row.kind for row in rows})
    if len({MANIPULATION_OF[kind] for kind in kinds}) > 1:
        reading.problems.append(Problem(where, f"rows of types {', '.join(kinds)}", "it is left out"))
    elif sites is not None:
        manipulation = MANIPULATION_OF[kinds[0]]
        generator = "" if manipulation == "none" else "CT-GAN"
        key = f"{experiment}/{uuid}"
        scan = SourceScan(largest, "CT-GAN", key, uuid, experiment, generator, manipulation, sites)
        reading.scans.append(scan)
