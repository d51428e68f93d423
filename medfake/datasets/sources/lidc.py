"""LIDC-IDRI as The Cancer Imaging Archive gives it out: any folder depth, several series a patient."""

from pathlib import Path

from medfake.datasets.sources.registry import SourceScan, source
from medfake.dicom.series import Skipped, find_series
from medfake.errors import SourceError

_FEWEST_SLICES = 3  # fewer are scouts and stray images


@source("lidc")
def read_lidc(root: Path, jobs: int) -> tuple[list[SourceScan], list[Skipped]]:
    """Read the tree; DX and CR are skipped, the patient is the header's PatientID.

    Raises:
        SourceError: No CT series at all.
    """
    series, skipped = find_series(root, jobs)
    scans = [
        SourceScan(one, "LIDC-IDRI", one.headers[0].patient_id or str(one.folder.relative_to(root)))
        for one in series
        if len(one.headers) >= _FEWEST_SLICES
    ]
    stray = [header.path for one in series if len(one.headers) < _FEWEST_SLICES for header in one.headers]
    skipped += [Skipped(path, f"a series of fewer than {_FEWEST_SLICES} slices") for path in stray]
    if not scans:
        raise SourceError(
            "no CT series below this folder", where=root, received=f"{len(skipped)} other files",
            remedy="point the path at the folder that holds the LIDC-IDRI patients",
        )  # fmt: skip
    return scans, skipped
