"""A data set: labelled, split, balanced, and only the slices that are kept decoded."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from medfake.config import DatasetParams
from medfake.datasets.augment import expand
from medfake.datasets.balance import balance, top_up
from medfake.datasets.folds import draw_folds
from medfake.datasets.labelling import label_slices
from medfake.datasets.manifest import ELSEWHERE, FACTS_FILE, MANIFEST_FILE, ON_NODULE, SITES_FILE, write_manifest
from medfake.datasets.neighbours import known_slice
from medfake.datasets.parallel import in_order
from medfake.datasets.scans import SCANS_FILE, SOURCES_FILE
from medfake.datasets.shards import Shards, Slot
from medfake.datasets.source_files import find_files
from medfake.datasets.split import draw_split, wanted_splits
from medfake.datasets.stored import FileWork, Stored, Wanted, read_files
from medfake.datasets.views.registry import Place, view_of, view_options
from medfake.errors import DataError
from medfake.files import replace_folder, sha256_file, write_json
from medfake.progress import track
from medfake.remedies import Stage, make, rerun
from medfake.vocabulary import Evidence, Modality, Split, Task

LEFT_OUT_FILE = "left_out.json"
TWICE = "another slice of its class has the same pixels"
BOTH_LABELS = "its pixels occur under both labels"
_FILES_A_TASK = 16
_EXAMPLES = 5


def build_dataset(scans: Path, params: DatasetParams, out: Path, jobs: int = 1, dask: str | None = None) -> None:
    """Write manifest.parquet, sites.parquet, shards, dataset.json and left_out.json.

    The bytes do not depend on who decodes. A slice that cannot be decoded, shows nothing of the view or repeats another
    one is left out, listed with its reason, and replaced by another slice of its class while there is one.

    Args:
        scans: What `collect_scans` wrote.
        params: Labelling, view, split, balance and augmentation.
        out: Replaced whole; an interrupt leaves the old data set.
        jobs: Processes that decode.
        dask: Address of a Dask scheduler whose workers decode instead.

    Raises:
        DataError: A split lacks a class; something was left out and the data set is `strict`; or scans are of another
            modality than the data set.
        SourceError: The sources are not the ones that `collect_scans` read, or the pseudonym key is another.
    """
    slices, sites = pd.read_parquet(scans / SCANS_FILE), pd.read_parquet(scans / SITES_FILE)
    _require_modality(slices, params.modality, scans)
    pool = plan_slices(slices, sites, params, scans)
    pool["path"] = pool.file.map(find_files(params, pool.file.unique()))
    with replace_folder(out) as folder:
        kept, images, left_out = _decode_until_balanced(pool, params, folder, scans, jobs, dask)
        manifest = _manifest(kept, images, params)
        write_manifest(manifest, folder)
        sites.to_parquet(folder / SITES_FILE, index=False)
        reasons = {str(_slice_ids(pool)[base]): reason for base, reason in sorted(left_out.items())}
        write_json(folder / LEFT_OUT_FILE, reasons)
        facts = _describe(manifest, slices, out.name, params)
        facts |= json.loads((scans / SOURCES_FILE).read_text(encoding="utf-8"))
        counted = dict(sorted(Counter(reasons.values()).items()))
        write_json(folder / FACTS_FILE, {**facts, "left_out": counted, "sha256": sha256_file(folder / MANIFEST_FILE)})


def _require_modality(slices: pd.DataFrame, wanted: Modality, where: Path) -> None:
    """A data set holds one modality: values of several have no unit in common."""
    others = slices.modality[slices.modality != wanted]
    if len(others):
        raise DataError(
            f"the data set is of {wanted} alone", where=where / SCANS_FILE,
            received=", ".join(f"{number} slices of {one}" for one, number in others.value_counts().items()),
            remedy=f"{rerun(Stage.SCANS, where.name)}; modality: {others.iloc[0]} in params.yaml takes the others",
        )  # fmt: skip


def plan_slices(slices: pd.DataFrame, sites: pd.DataFrame, params: DatasetParams, where: Path) -> pd.DataFrame:
    """Every place that may be stored, labelled and dealt to splits; the index names it from here on."""
    labelled = label_slices(slices, sites, params.labelling)
    if params.manipulations is not None:
        labelled = labelled[(labelled.label == 0) | labelled.manipulation.isin(params.manipulations)]
    task = params.task
    if task is Task.NODULES and not slices.annotated.any():
        raise DataError(
            "no scan comes with annotations of its nodules", where=where,
            received=f"{slices.scan_id.nunique()} scans of kind {params.reals.kind}",
            remedy="put the XML files of LIDC-IDRI beside its scans, or give a phantom outlines: true",
        )  # fmt: skip
    if labelled.empty or labelled.label.nunique() < 2:
        raise DataError(
            f"the data set needs {task.no} and {task.yes} slices", where=where,
            received=f"{int(labelled.label.sum())} {task.yes} of {len(labelled)} slices",
            remedy="check datasets.<name>.reals, fakes and labelling in params.yaml",
        )  # fmt: skip
    labelled["split"] = draw_split(labelled, params.split, task)
    used = labelled[labelled.split.notna()].reset_index(drop=True)
    return view_of(params.view).places(used, sites, params.balance.seed)


def _decode_until_balanced(
    pool: pd.DataFrame, params: DatasetParams, folder: Path, where: Path, jobs: int, dask: str | None
) -> tuple[pd.DataFrame, pd.DataFrame, dict[int, str]]:
    """Kept places, their images and why others were left out; what is left out is replaced while there is a spare."""
    kept = fresh = balance(pool, params.balance, params.classes)
    shards, images, left_out = Shards(folder), pd.DataFrame(), dict[int, str]()
    tried = set(kept.index)
    while len(fresh):
        rows, unread = _decode(fresh, params, shards, jobs, dask)
        images = pd.concat([images, rows], ignore_index=True)
        left_out |= unread | _repeated(kept, images)
        if left_out and params.strict:
            raise DataError(
                "slices would be left out, and the data set is strict", where=where,
                received=_summary(left_out), remedy="mend or remove their files, or set strict to false",
            )  # fmt: skip
        kept = kept.drop(index=[base for base in left_out if base in kept.index])
        fresh = top_up(kept, pool.drop(index=list(tried)), params.balance, params.classes)
        tried |= set(fresh.index)
        kept = pd.concat([kept, fresh]).sort_index()
    kept = balance(kept, params.balance, params.classes)
    for name in wanted_splits(params.split, pool.split):
        if set(kept.label[kept.split == name]) != {0, 1}:
            raise DataError(
                f"nothing usable is left of a class in the {name} split", where=where,
                received=_summary(left_out),
                remedy=f"mend the files of the sources, then {make(Stage.SLICES, where.name)}",
            )  # fmt: skip
    moved = shards.close()
    slots = [moved.get(slot, slot) for slot in images.slot]
    images = images.assign(shard=[slot.shard.name for slot in slots], row=[slot.row for slot in slots])
    return kept, images, left_out


def _summary(left_out: dict[int, str]) -> str:
    counted = Counter(left_out.values()).most_common(_EXAMPLES)
    return "; ".join(f"{number} x {reason}" for reason, number in counted) or "nothing left out"


def _decode(
    places: pd.DataFrame, params: DatasetParams, shards: Shards, jobs: int, dask: str | None
) -> tuple[pd.DataFrame, dict[int, str]]:
    """Have all images of some places written."""
    expanded = expand(places.assign(base=places.index), params.augment)
    slots = shards.reserve(map(view_of(params.view).shape, expanded.rows, expanded.cols))
    copies: dict[int, list[tuple[str, Slot]]] = {}
    for base, word, slot in zip(expanded.base, expanded["transform"], slots, strict=True):
        copies.setdefault(base, []).append((word, slot))
    works = list(_works(places, copies, params))
    images: list[dict[str, object]] = []
    unread: dict[int, str] = {}
    tasks = [works[start : start + _FILES_A_TASK] for start in range(0, len(works), _FILES_A_TASK)]
    for stored in _tracked(in_order(read_files, tasks, jobs, dask), len(works)):
        if not stored.facts:
            unread[stored.base] = stored.reason
            shards.release(slot for _, slot in copies[stored.base])
            continue
        for (word, slot), facts in zip(copies[stored.base], stored.facts, strict=True):
            (rows, cols), (site_y, site_x) = slot.shape, facts.site
            where = {"base": stored.base, "transform": word, "slot": slot, "rows": rows, "cols": cols}
            images.append({**where, **asdict(facts), "site_y": site_y, "site_x": site_x})
    return pd.DataFrame(images), unread


def _tracked(results: Iterator[list[Stored]], files: int) -> Iterator[Stored]:
    tasks = -(-files // _FILES_A_TASK)
    for stored in track(results, f"decoding {files} files", tasks):
        yield from stored


def _works(
    places: pd.DataFrame, copies: Mapping[int, list[tuple[str, Slot]]], params: DatasetParams
) -> Iterator[FileWork]:
    """What is wanted of each file, files in the order of their first slice."""
    of_file: dict[Path, list[Wanted]] = {}
    rows: Iterator[Any] = places.itertuples()
    for row in rows:
        place = Place(row.view_y, row.view_x, not pd.isna(row.site_y), row.spacing_mm, params.modality)
        wanted = Wanted(row.Index, known_slice(row), place, (row.site_y, row.site_x), tuple(copies[row.Index]))
        of_file.setdefault(row.path, []).append(wanted)
    for path, all_wanted in of_file.items():
        yield FileWork(path, params.view, tuple(all_wanted))


def _repeated(kept: pd.DataFrame, images: pd.DataFrame) -> dict[int, str]:
    """Slices whose pixels another one has: all of them when the labels differ, else all but the first."""
    if images.empty:
        return {}
    own = images[(images["transform"] == "") & images.base.isin(kept.index)].sort_values("base")
    labels = kept.label.reindex(own.base).to_numpy()
    both = own.assign(label=labels).groupby("sha256").label.transform("nunique") > 1
    twice = own.sha256.duplicated() & ~both
    return {**dict.fromkeys(own.base[twice].tolist(), TWICE), **dict.fromkeys(own.base[both].tolist(), BOTH_LABELS)}


def _slice_ids(places: pd.DataFrame) -> "pd.Series[str]":
    """scan_id:z_index, and @y,x where a slice is stored around several places."""
    ids = places.scan_id + ":" + places.z_index.astype(str)
    several = ids.duplicated(keep=False)
    around = "@" + places.view_y.map("{:.0f}".format) + "," + places.view_x.map("{:.0f}".format)
    return ids.where(~several, ids + around)


def _manifest(kept: pd.DataFrame, images: pd.DataFrame, params: DatasetParams) -> pd.DataFrame:
    """One row an image, slices in the order of their scans, the copies of a slice after it."""
    own = kept.assign(slice_id=_slice_ids(kept), view=params.view.name, fold=draw_folds(kept, params.split))
    own = own.drop(columns=[name for name in images.columns if name in own.columns])
    rows = own.merge(images, left_index=True, right_on="base", how="inner").sort_values("base", kind="stable")
    suffix = (":" + rows["transform"]).where(rows["transform"] != "", "")
    spacing_mm = rows.spacing_mm / rows["scale"]  # of the pixels that are stored
    return rows.assign(slice_id=rows.slice_id + suffix, spacing_mm=spacing_mm).reset_index(drop=True)


def _negatives(manifest: pd.DataFrame) -> dict[str, int]:
    """Real slices, or squares of them, that lie around an annotated nodule, and those that do not; copies uncounted."""
    on_nodule = manifest.site_y[(manifest.label == 0) & (manifest["transform"] == "")].notna()
    return {ON_NODULE: int(on_nodule.sum()), ELSEWHERE: int((~on_nodule).sum())}


def _describe(manifest: pd.DataFrame, slices: pd.DataFrame, name: str, params: DatasetParams) -> dict[str, object]:
    marks = set(slices.synthetic)
    counts = {
        f"{split}/{word}": int(((manifest.split == split) & (manifest.label == label)).sum())
        for split in Split
        for label, word in ((1, params.task.yes), (0, params.task.no))
    }
    return {
        "name": name,
        "evidence": next((made for made in (Evidence.PHANTOM, Evidence.FORGED) if made in marks), Evidence.CLINICAL),
        "protocol": params.split.protocol,
        "task": params.task,
        "labelling": params.labelling.model_dump(),
        "modality": params.modality,
        "units": params.modality.units,
        "body_parts": sorted(set(slices.body_part[slices.scan_id.isin(manifest.scan_id)]) - {""}),
        "view": view_options(params.view).model_dump(),
        "augment": params.augment.model_dump() if params.augment else None,
        "classes": params.classes,
        "counts": counts,
        "negatives": _negatives(manifest),
        "patients": {str(split): int(group.patient_id.nunique()) for split, group in manifest.groupby("split")},
        "scans_seen": int(slices.scan_id.nunique()),
        "slices_seen": len(slices),
        "seen": {
            str(source): {"scans": int(rows.scan_id.nunique()), "slices": len(rows)}
            for source, rows in slices.groupby("source")
        },
    }
