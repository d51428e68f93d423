"""Headers and labels of a data set's scans as tables; raw identifiers end here."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from medfake.config import DatasetParams
from medfake.datasets.manifest import SITES_FILE
from medfake.datasets.pseudonyms import pseudonym, pseudonym_key
from medfake.datasets.reading import SourceRules, read_source
from medfake.datasets.source_faults import SourceFaults, summary
from medfake.datasets.source_files import file_pseudonym, sources_of
from medfake.datasets.sources.registry import Problem, Reading, SourceScan
from medfake.dicom.header_cache import HeaderCache
from medfake.errors import SourceError
from medfake.files import replace_folder, write_json

SCANS_FILE = "scans.parquet"
SOURCES_FILE = "sources.json"
SITE_COLUMNS = ("scan_id", "kind", "z_index", "z_mm", "y", "x", "generator", "low_mm", "high_mm")


@dataclass(frozen=True)
class Collected:
    """What is to be said about the sources of a data set.

    Attributes:
        problems: Faults, each with what was done about it.
        notes: What is no fault, a sentence each.
    """

    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def collect_scans(
    params: DatasetParams, out: Path, jobs: int = 1, cache: Path | None = None, private: Path | None = None
) -> Collected:
    """Write scans.parquet (one row a slice, in source order), sites.parquet, sources.json, skipped.json, problems.json.

    No pixel is decoded; with a cache, headers of files that have not changed since the last time are not read again.
    Files are named by pseudonyms; of private sources, what is skipped and at fault is, too.

    Args:
        params: The data set's sources.
        out: Replaced.
        jobs: Processes that read headers.
        cache: File of headers read before; made when missing.
        private: Folder of this machine alone, for faults and skipped files by their own names.

    Raises:
        SourceError: A folder is missing or holds nothing of its kind; or there are faults and the data set is `strict`.
        LabelError: A label file lacks a column, or names scans that are not there, and the source does not leave them
            out.
    """
    key = pseudonym_key(params.identifiers)
    slices: list[dict[str, object]] = []
    sites: list[dict[str, object]] = []
    faults = SourceFaults(key, hidden=params.identifiers == "private")
    notes: list[str] = []
    labels: dict[str, dict[str, int]] = {}
    store = HeaderCache(cache) if cache else None
    for of, entry in sources_of(params).items():
        root = Path(entry.path)
        rules = SourceRules(entry.min_slices, entry.unknown_labels, params.modality)
        reading = read_source(entry.kind, root, jobs, store, rules)
        faults.add(of, root, reading)
        labels[of] = _label_facts(reading)
        notes += [f"{of}: {one}" for one in reading.notes]
        for scan in reading.scans:
            scan_id = pseudonym(f"{entry.kind}/{scan.key}", key, "scan")
            files = {one.path: file_pseudonym(of, one.path, root, key) for one in scan.series.headers}
            slices += _slice_rows(scan, scan_id, pseudonym(scan.group, key, "patient"), files)
            sites += _site_rows(scan, scan_id)
    if store:
        store.close()
    if private:
        faults.write_private(private / out.name)
    if faults.problems and params.strict:
        raise SourceError(
            "the sources have faults, and the data set is strict", where=f"{params.reals.path}, {params.fakes.path}",
            received=summary(faults.problems), remedy="mend them, or set strict to false to leave out what is at fault",
        )  # fmt: skip
    with replace_folder(out) as folder:
        pd.DataFrame(slices).to_parquet(folder / SCANS_FILE, index=False)
        pd.DataFrame(sites, columns=list(SITE_COLUMNS)).to_parquet(folder / SITES_FILE, index=False)
        write_json(folder / SOURCES_FILE, {"labels": labels, "notes": notes})
        faults.write(folder)
    return Collected(tuple(faults.problems), tuple(notes))


def _label_facts(reading: Reading) -> dict[str, int]:
    """Label rows by what became of them, counted where it happened and not one from the other; and distinct places."""
    used = sum(scan.label_rows for scan in reading.scans)
    places = sum(len(scan.sites) for scan in reading.scans)
    return {"rows": reading.label_rows.read, "used": used, "left_out": reading.label_rows.left_out, "places": places}


def _slice_rows(scan: SourceScan, scan_id: str, patient_id: str, files: Mapping[Path, str]) -> list[dict[str, object]]:
    flags = ",".join(scan.series.quality_flags)
    return [
        {
            "scan_id": scan_id,
            "patient_id": patient_id,
            "source": scan.source,
            "experiment": scan.experiment,
            "generator": scan.generator,
            "manipulation": scan.manipulation,
            "modality": str(header.modality),
            "body_part": header.body_part,
            "file": files[header.path],
            "frame": header.frame,
            "z_index": index,
            "z_mm": float(z_mm),
            "rows": header.rows,
            "cols": header.cols,
            "spacing_mm": header.spacing_mm[0],
            "thickness_mm": header.thickness_mm,
            "manufacturer": header.manufacturer,
            "kernel": header.kernel,
            "transfer_syntax": header.transfer_syntax,
            "lossy": header.lossy,
            "bits_stored": header.bits_stored,
            "slope": header.slope,
            "intercept": header.intercept,
            "padding": float(header.padding[0]) if header.padding else None,
            "padding_high": float(header.padding[1]) if header.padding else None,
            "quality_flags": flags,
            "synthetic": header.synthetic or "",
            "annotated": scan.annotated,
            "marked": index in scan.marked,
        }
        for index, (header, z_mm) in enumerate(zip(scan.series.headers, scan.series.z_mm, strict=True))
    ]


def _site_rows(scan: SourceScan, scan_id: str) -> list[dict[str, object]]:
    z_mm = scan.series.z_mm
    rows: list[dict[str, object]] = []
    for s in scan.sites:
        made_by = (s.generator or scan.generator) if s.kind.tampered else ""
        low, high = (None, None) if s.reach is None else (float(z_mm[index]) for index in s.reach)
        row = scan_id, s.kind, s.z_index, float(z_mm[s.z_index]), s.y, s.x, made_by, low, high
        rows.append(dict(zip(SITE_COLUMNS, row, strict=True)))
    return rows
