"""Headers and labels of a data set's scans as tables; raw identifiers end here."""

from pathlib import Path

import pandas as pd

from medfake.config import DatasetParams
from medfake.datasets.pseudonyms import pseudonym, pseudonym_key
from medfake.datasets.sources import ct_gan, folder, lidc  # noqa: F401  # each registers its kind
from medfake.datasets.sources.registry import SOURCES, SourceScan
from medfake.dicom.series import Skipped
from medfake.errors import SourceError
from medfake.files import replace_folder, write_json

SCANS_FILE, SITES_FILE, SKIPPED_FILE = "scans.parquet", "sites.parquet", "skipped.json"
SITE_COLUMNS = ("scan_id", "kind", "z_index", "z_mm", "y", "x")


def collect_scans(params: DatasetParams, out: Path, jobs: int = 1) -> None:
    """Write scans.parquet (one row a slice, in source order), sites.parquet and skipped.json; no pixel is decoded.

    Args:
        params: The data set's sources.
        out: Replaced.
        jobs: Processes that read headers.

    Raises:
        SourceError: A folder is missing or holds nothing of its kind.
        LabelError: A label row fits no scan or no voxel.
    """
    key = pseudonym_key(params.identifiers)
    slices: list[dict[str, object]] = []
    sites: list[dict[str, object]] = []
    skipped: list[Skipped] = []
    for entry in dict.fromkeys((params.reals, params.fakes)):
        root = Path(entry.path)
        if not root.is_dir():
            raise SourceError(
                "the source folder is missing",
                where=root,
                remedy="mend datasets.<name>.<reals|fakes>.path in params.yaml",
            )
        found, left_out = SOURCES[entry.kind](root, jobs)
        skipped += left_out
        for scan in found:
            scan_id = pseudonym(f"{entry.kind}/{_place(scan, root)}", key, "scan")
            slices += _slice_rows(scan, scan_id, pseudonym(scan.group, key, "patient"))
            sites += _site_rows(scan, scan_id)
    with replace_folder(out) as folder_:
        pd.DataFrame(slices).to_parquet(folder_ / SCANS_FILE, index=False)
        pd.DataFrame(sites, columns=list(SITE_COLUMNS)).to_parquet(folder_ / SITES_FILE, index=False)
        write_json(folder_ / SKIPPED_FILE, [{"path": str(one.path), "reason": one.reason} for one in skipped])


def _place(scan: SourceScan, root: Path) -> str:
    first = scan.series.headers[0]
    return f"{first.path.relative_to(root).as_posix()}#{first.frame}"


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
            "path": str(header.path),
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
            "intercept": header.intercept,
            "padding": float(header.padding[0]) if header.padding else None,
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
