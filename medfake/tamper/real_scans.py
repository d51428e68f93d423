"""Real scans of folders, by patient: what banks are forged out of and inpainters learn from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medfake.dicom.patients import patient_or_folder
from medfake.dicom.series import Series, find_series, told_reasons
from medfake.errors import SourceError
from medfake.files import path_text
from medfake.vocabulary import Evidence

NamePatient = Callable[[str], str]


@dataclass(frozen=True)
class RealPatient:
    """A patient.

    Attributes:
        name: As it is shown.
        scans: Series with their ordinals among all.
    """

    name: str
    scans: tuple[tuple[int, Series], ...]


def real_patients(reals: Sequence[Path], name_patient: NamePatient, key: str) -> list[RealPatient]:
    """Patients with their series, in the order in which they are found; a patient has one name in all folders.

    Args:
        reals: Folders of scans; fakes that medfake made of others are left out.
        name_patient: Patient ID, or the folder of one without, -> the name that is shown.
        key: Of the folders in params.yaml, for messages.

    Raises:
        SourceError: A folder is missing, or has no CT series.
    """
    found: dict[str, list[tuple[int, Series]]] = {}
    number = 0
    for root in reals:
        if not root.exists():
            raise SourceError("a folder of real scans is missing", where=root, remedy=f"mend {key} in params.yaml")
        series, skipped = find_series(root)
        if not series:
            raise SourceError(
                "there is no CT series to forge from", where=root, received=told_reasons(skipped),
                remedy=f"mend {key} in params.yaml",
            )  # fmt: skip
        for scan in series:
            if scan.headers[0].synthetic != Evidence.FORGED:  # a fake is no real to forge from
                below = scan.folder.relative_to(root) if scan.folder.is_relative_to(root) else Path(scan.folder.name)
                patient = name_patient(patient_or_folder(scan.headers[0].patient_id, path_text(below)))
                found.setdefault(patient, []).append((number, scan))
                number += 1
    return [RealPatient(patient, tuple(scans)) for patient, scans in found.items()]


def digest_scans(digest: Any, patients: Sequence[RealPatient]) -> None:
    """Update a digest of hashlib by names of patients and by names, sizes and times of files."""
    for patient in patients:
        digest.update(patient.name.encode())
        for _, series in patient.scans:
            for header in series.headers:
                stat = header.path.stat()
                digest.update(f"{header.path.name} {header.frame} {stat.st_size} {stat.st_mtime_ns}".encode())
