"""A data set: labelled, split, balanced, and only the slices that are kept decoded."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray

from medfake.config import DatasetParams
from medfake.datasets.balance import balance
from medfake.datasets.labelling import label_slices
from medfake.datasets.manifest import MANIFEST_FILE, write_manifest
from medfake.datasets.scans import SCANS_FILE, SITES_FILE
from medfake.datasets.shards import plan_shards, write_shards
from medfake.datasets.split import SPLITS, draw_split
from medfake.dicom.header import read_headers
from medfake.dicom.reader import read_slice
from medfake.errors import DataError
from medfake.files import replace_folder, sha256_file, write_json
from medfake.progress import track

FACTS_FILE = "dataset.json"
AIR_BELOW_HU = -900


@dataclass(frozen=True)
class _Decoded:
    pixels: NDArray[np.int16]
    sha256: str
    hu_min: int
    hu_max: int
    air_fraction: float


def build_dataset(scans: Path, params: DatasetParams, out: Path, jobs: int = 1) -> None:
    """Write manifest.parquet, sites.parquet, shards and dataset.json; the bytes do not depend on `jobs`.

    Args:
        scans: What `collect_scans` wrote.
        params: Labelling, split and balance.
        out: Replaced whole; an interrupt leaves the old data set.
        jobs: Processes that decode.

    Raises:
        DataError: A split lacks a class.
        DicomError: A slice that is kept cannot be decoded.
    """
    slices, sites = pd.read_parquet(scans / SCANS_FILE), pd.read_parquet(scans / SITES_FILE)
    labelled = label_slices(slices, sites, params.labelling)
    if labelled.empty or labelled.label.nunique() < 2:
        raise DataError(
            "the data set needs real and tampered slices", where=scans,
            received=f"{int(labelled.label.sum())} tampered of {len(labelled)} slices",
            remedy="check datasets.<name>.reals, fakes and labelling in params.yaml",
        )  # fmt: skip
    labelled["split"] = draw_split(labelled, params.split)
    kept = balance(labelled, params.balance, params.classes).reset_index(drop=True)
    shapes = list(zip(kept.rows.tolist(), kept.cols.tolist(), strict=True))
    places = plan_shards(shapes)
    with replace_folder(out) as folder:
        facts: list[_Decoded] = []
        write_shards(folder, places, shapes, _decode(kept, jobs, facts))
        manifest = _without_duplicates(_with_facts(kept, places, facts), params)
        write_manifest(manifest, folder)
        sites.to_parquet(folder / SITES_FILE, index=False)
        write_json(folder / FACTS_FILE, _describe(manifest, slices, out.name, params, folder / MANIFEST_FILE))


def _decode(kept: pd.DataFrame, jobs: int, facts: list[_Decoded]) -> Iterator[NDArray[np.int16]]:
    """Decode in order, leaving what was measured in `facts`; pixels are handed on and forgotten."""
    work = (delayed(_decode_slice)(Path(path), frame) for path, frame in zip(kept.path, kept.frame, strict=True))
    decoded = Parallel(n_jobs=jobs, return_as="generator", batch_size=8)(work)
    for one in track(decoded, "decoding slices", len(kept)):
        facts.append(_Decoded(np.empty(0, np.int16), one.sha256, one.hu_min, one.hu_max, one.air_fraction))
        yield one.pixels


def _decode_slice(path: Path, frame: int) -> _Decoded:
    pixels = np.ascontiguousarray(read_slice(read_headers(path)[frame]))
    digest = hashlib.sha256(pixels.astype("<i2").tobytes()).hexdigest()
    return _Decoded(pixels, digest, int(pixels.min()), int(pixels.max()), float((pixels < AIR_BELOW_HU).mean()))


def _with_facts(kept: pd.DataFrame, places: list[tuple[str, int]], facts: list[_Decoded]) -> pd.DataFrame:
    return kept.assign(
        slice_id=kept.scan_id + ":" + kept.z_index.astype(str),
        fold=pd.array([None] * len(kept), dtype="Int32"),
        shard=[name for name, _ in places],
        row=[row for _, row in places],
        sha256=[one.sha256 for one in facts],
        hu_min=[one.hu_min for one in facts],
        hu_max=[one.hu_max for one in facts],
        air_fraction=[one.air_fraction for one in facts],
    )


def _without_duplicates(manifest: pd.DataFrame, params: DatasetParams) -> pd.DataFrame:
    """Drop rows whose pixels another row has, and balance again when that tipped the scales."""
    unique = manifest.drop_duplicates("sha256")
    return unique if len(unique) == len(manifest) else balance(unique, params.balance, params.classes)


def _describe(
    manifest: pd.DataFrame, slices: pd.DataFrame, name: str, params: DatasetParams, path: Path
) -> dict[str, object]:
    marks = set(slices.synthetic)
    counts = {
        f"{split}/{word}": int(((manifest.split == split) & (manifest.label == label)).sum())
        for split in SPLITS
        for label, word in ((1, "tampered"), (0, "real"))
    }
    return {
        "name": name,
        "sha256": sha256_file(path),
        "evidence": "phantom" if "phantom" in marks else "forged" if "forged" in marks else "clinical",
        "protocol": params.split.protocol,
        "labelling": params.labelling.model_dump(),
        "counts": counts,
        "patients": {str(split): int(group.patient_id.nunique()) for split, group in manifest.groupby("split")},
        "scans_seen": int(slices.scan_id.nunique()),
        "slices_seen": len(slices),
    }
