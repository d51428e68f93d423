"""The CT-GAN test set (Mirsky et al. 2019) in both published layouts, recognised by looking."""

from pathlib import Path

from medfake.datasets.sources.label_files import plain_name
from medfake.datasets.sources.labels import Labels, read_labels
from medfake.datasets.sources.registry import (
    Find,
    Problem,
    Reading,
    SourceScan,
    UnknownLabel,
    source,
)
from medfake.datasets.sources.scan_names import Resolved, resolve
from medfake.datasets.sources.slice_numbers import place_sites
from medfake.errors import LabelError, SourceError
from medfake.files import path_text
from medfake.vocabulary import Manipulation

# experiment -> folder of scans below the folder of its label file, Kaggle's and UCI's names
_SCAN_FOLDERS = {
    "1": ("CT_Scans/EXP1_blind", "Experiment 1 - Blind"),
    "2": ("CT_Scans/EXP2_open", "Experiment 2 - Open"),
}


def _looks_like_ct_gan(root: Path) -> bool:
    return any(_label_files(root, experiment) for experiment in _SCAN_FOLDERS)


@source(
    "ct_gan",
    _looks_like_ct_gan,
    origin="the CT-GAN test set, 'Deepfakes: Medical Image Tamper Detection', from the UCI Machine Learning Repository "
    "(no. 520), or from Kaggle, which asks for an account",
)
def read_ct_gan(root: Path, find: Find) -> Reading:
    """Read the tree: a scan is an (experiment, uuid) pair, its patient is the uuid alone.

    Two uuids are in both experiments, real in one and tampered in the other; UIDs in the files repeat, so only the
    folder names a scan. A uuid without a folder, as in a partial download, is reported and left out.

    Raises:
        SourceError: No label file, or no labelled scan at all.
        LabelError: A label file lacks a column, or there are two that differ.
    """
    files = {experiment: _label_file(root, experiment) for experiment in _SCAN_FOLDERS}
    base = next((path.parent for path in files.values() if path is not None), None)
    if base is None:
        raise SourceError(
            "no labels_exp1.csv or labels_exp2.csv below this folder", where=root,
            remedy="point the path at the unpacked CT-GAN archive",
        )  # fmt: skip
    reading = Reading([])
    for experiment, path in files.items():
        beside = base if path is None else path.parent
        folders = [beside / name for name in _SCAN_FOLDERS[experiment]]
        folder = next((one for one in folders if one.is_dir()), folders[0])
        if path is not None:
            _read_experiment(experiment, folder, read_labels(path, "uuid"), find, reading)
        elif folder.is_dir():
            what = f"there is no labels_exp{experiment}.csv"
            reading.problems.append(Problem(folder.name, what, "its scans are left out"))
    if not reading.scans:
        raise SourceError(
            "none of the labelled scans is here", where=root,
            received="; ".join(str(one) for one in reading.problems[:3]) or "label files without rows",
            remedy="unpack the whole CT-GAN archive beside its label files",
        )  # fmt: skip
    return reading


def _label_files(root: Path, experiment: str) -> list[Path]:
    """Files of this experiment's labels, however their names are spelled."""
    wanted = f"labels_exp{experiment}.csv"
    return sorted(path for path in root.rglob("*.[cC][sS][vV]*") if plain_name(path) == wanted and path.is_file())


def _label_file(root: Path, experiment: str) -> Path | None:
    found = _label_files(root, experiment)
    if len({path.read_bytes() for path in found}) > 1:
        raise LabelError(
            "several label files of one experiment differ", where=root,
            received=", ".join(path_text(path.relative_to(root)) for path in found),
            remedy="keep the one that lies beside its scans",
        )  # fmt: skip
    return found[0] if found else None


def _read_experiment(experiment: str, folder: Path, labels: Labels, find: Find, reading: Reading) -> None:
    folders = {path_text(Path(one.name)): one for one in folder.iterdir() if one.is_dir()} if folder.is_dir() else {}
    resolved = resolve(labels, folders)
    reading.label_rows.read += labels.count
    reading.problems.extend(labels.problems)
    reading.problems.extend(
        Problem(f"{folder.name}/{name}", f"no row of {labels.path.name} names it", "it is left out")
        for name in sorted(folders) if name not in resolved.counts
    )  # fmt: skip
    for uuid in resolved.counts:
        _read_scan(folders[uuid], uuid, labels, resolved, experiment, find, reading)
    for name, match in resolved.unknown.items():
        what = f"the folder is missing{match.hint}" if name else "no scan is named"
        named = [scan.key for scan in reading.scans if scan.experiment == experiment and scan.group in match.near]
        _tell_unknown(f"{folder.name}/{name}", what, len(labels.lines[name]), labels, reading, frozenset(named))


def _tell_unknown(
    where: str, what: str, rows: int, labels: Labels, reading: Reading, may_mean: frozenset[str] = frozenset()
) -> None:
    problem = Problem(where, f"{what}, but {labels.path.name} names it", "it is left out")
    reading.problems.append(problem)
    reading.label_rows.left_out += rows
    reading.unknown.append(UnknownLabel(problem, may_mean))


def _read_scan(
    folder: Path, uuid: str, labels: Labels, resolved: Resolved, experiment: str, find: Find, reading: Reading
) -> None:
    where, rows, count = f"{folder.parent.name}/{uuid}", resolved.rows[uuid], resolved.counts[uuid]
    series, skipped = find(folder)
    reading.skipped.extend(skipped)
    if not series:
        what = f"no CT slice among its {len(skipped)} files"
        _tell_unknown(where, what, count, labels, reading)
        return
    reading.label_rows.left_out += count
    if uuid in resolved.spoilt:
        return  # told with its row
    largest = max(series, key=lambda candidate: len(candidate.headers))
    beside = [one for one in series if one is not largest]
    if beside:
        others = sum(len(one.headers) for one in beside)
        reading.problems.append(Problem(where, f"{len(series)} series in one folder", f"{others} slices are left out"))
    placed = place_sites(labels, rows, largest, skipped, beside, by_stem=True)
    reading.problems.extend(placed.problems)
    kinds = sorted({row.kind for row in rows})
    if len({kind.manipulation for kind in kinds}) > 1:
        reading.problems.append(Problem(where, f"rows of types {', '.join(kinds)}", "it is left out"))
    elif placed.sites is not None:
        reading.label_rows.left_out -= placed.rows
        manipulation = kinds[0].manipulation
        generator = "" if manipulation is Manipulation.NONE else "CT-GAN"
        key = f"{experiment}/{uuid}"
        scan = SourceScan(
            largest, "CT-GAN", key, uuid, experiment, generator, manipulation, placed.sites, placed.rows
        )  # fmt: skip
        reading.scans.append(scan)
