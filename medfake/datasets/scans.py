"""Headers and labels of a data set's scans as tables; raw identifiers end here."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from medfake.config import DatasetParams
from medfake.datasets.pseudonyms import pseudonym, pseudonym_key
from medfake.datasets.reading import SourceRules, read_source
from medfake.datasets.sources.registry import Problem, Reading, SourceScan
from medfake.dicom.header_cache import HeaderCache
from medfake.dicom.series import Skipped
from medfake.errors import SourceError
from medfake.files import path_text, replace_folder, write_json

SCANS_FILE, SITES_FILE = "scans.parquet", "sites.parquet"
SKIPPED_FILE, PROBLEMS_FILE = "skipped.json", "problems.json"
SOURCES_FILE = "sources.json"
_EXAMPLES = 5
SITE_COLUMNS = ("scan_id", "kind", "z_index", "z_mm", "y", "x")


@dataclass(frozen=True)
class Collected:
    """What is to be said about the sources of a data set.

    Attributes:
        problems: Faults, each with what was done about it.
        notes: What is no fault, a sentence each.
    """

    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def collect_scans(params: DatasetParams, out: Path, jobs: int = 1, cache: Path | None = None) -> Collected:
    """Write scans.parquet (one row a slice, in source order), sites.parquet, sources.json, skipped.json, problems.json.

    No pixel is decoded; with a cache, headers of files that have not changed since the last time are not read again.

    Args:
        params: The data set's sources.
        out: Replaced.
        jobs: Processes that read headers.
        cache: File of headers read before; made when missing.

    Raises:
        SourceError: A folder is missing or holds nothing of its kind; or there are faults and the data set is `strict`.
        LabelError: A label file lacks a column, or names scans that are not there, and the source does not leave them
            out.
    """
    key = pseudonym_key(params.identifiers)
    slices: list[dict[str, object]] = []
    sites: list[dict[str, object]] = []
    skipped: list[Skipped] = []
    problems: list[Problem] = []
    notes: list[str] = []
    labels: dict[str, dict[str, int]] = {}
    store = HeaderCache(cache) if cache else None
    for entry in dict.fromkeys((params.reals, params.fakes)):
        rules = SourceRules(entry.min_slices, entry.unknown_labels)
        reading = read_source(entry.kind, Path(entry.path), jobs, store, rules)
        of = " and ".join(name for name in ("reals", "fakes") if getattr(params, name) == entry)
        labels[of] = _label_facts(reading)
        notes += [f"{of}: {one}" for one in reading.notes]
        skipped += reading.skipped
        problems += reading.problems
        for scan in reading.scans:
            scan_id = pseudonym(f"{entry.kind}/{scan.key}", key, "scan")
            slices += _slice_rows(scan, scan_id, pseudonym(scan.group, key, "patient"))
            sites += _site_rows(scan, scan_id)
    if store:
        store.close()
    if problems and params.strict:
        raise SourceError(
            "the sources have faults, and the data set is strict", where=f"{params.reals.path}, {params.fakes.path}",
            received=summary(problems), remedy="mend them, or set strict to false to leave out what is at fault",
        )  # fmt: skip
    with replace_folder(out) as folder_:
        pd.DataFrame(slices).to_parquet(folder_ / SCANS_FILE, index=False)
        pd.DataFrame(sites, columns=list(SITE_COLUMNS)).to_parquet(folder_ / SITES_FILE, index=False)
        write_json(folder_ / SOURCES_FILE, {"labels": labels, "notes": notes})
        write_json(folder_ / SKIPPED_FILE, [{"path": path_text(one.path), "reason": one.reason} for one in skipped])
        write_json(folder_ / PROBLEMS_FILE, [asdict(one) for one in problems])
    return Collected(tuple(problems), tuple(notes))


def _label_facts(reading: Reading) -> dict[str, int]:
    """Label rows by what became of them, counted where it happened and not one from the other; and distinct places."""
    used = sum(scan.label_rows for scan in reading.scans)
    places = sum(len(scan.sites) for scan in reading.scans)
    return {"rows": reading.label_rows.read, "used": used, "left_out": reading.label_rows.left_out, "places": places}


def summary(problems: Sequence[Problem]) -> str:
    """The first five, and how many more there are."""
    more = len(problems) - _EXAMPLES
    listed = "; ".join(str(one) for one in problems[:_EXAMPLES])
    return listed + (f"; and {more} more" if more > 0 else "")


def _slice_rows(scan: SourceScan, scan_id: str, patient_id: str) -> list[dict[str, object]]:
    flags = ",".join(scan.series.quality_flags)
    return [
        {
            "scan_id": scan_id,
            "patient_id": patient_id,
            "source": scan.source,
            "experiment": scan.experiment,
            "generator": scan.generator,
            "manipulation": scan.manipulation,
            "path": path_text(header.path),
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
        }
        for index, (header, z_mm) in enumerate(zip(scan.series.headers, scan.series.z_mm, strict=True))
    ]


def _site_rows(scan: SourceScan, scan_id: str) -> list[dict[str, object]]:
    z_mm = scan.series.z_mm
    return [
        dict(zip(SITE_COLUMNS, (scan_id, s.kind, s.z_index, float(z_mm[s.z_index]), s.y, s.x), strict=True))
        for s in scan.sites
    ]
