"""Labelled fakes made out of a folder of real scans, in the layout that the `folder` source reads."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medfake.dicom.patients import patient_or_folder
from medfake.dicom.series import Series, find_series
from medfake.dicom.writer import SeriesTemplate, write_series
from medfake.errors import SourceError
from medfake.files import path_text, replace_folder
from medfake.progress import track
from medfake.tamper.learned import manipulations_with
from medfake.tamper.originals import require_apart
from medfake.tamper.registry import Tampering, manipulations_of
from medfake.tamper.volumes import volume_of, written_of
from medfake.vocabulary import Evidence, Modality

LABELS = "labels.csv"
_PLACES = {Modality.CT: "lung", Modality.MR: "brain", Modality.XRAY: "shadow of lungs"}
COLUMNS = ("scan", "type", "slice", "x", "y", "manipulation")


def forge(
    reals: Path,
    out: Path,
    scans_per_patient: int,
    manipulations: Sequence[str],
    seed: int,
    inpainters: Sequence[Path] = (),
    modality: Modality = Modality.CT,
) -> None:
    """Make fakes of every real series: the same headers and voxels but for one manipulated place.

    The original's PatientID stays inside the DICOM files, its relative folder where it has none: a patient's real and
    forged scans share a split group.

    Args:
        reals: Folder of real scans.
        out: Replaced; `<scan>/<n>.dcm` and labels.csv (scan, type FM or FB, 0-based slice, x, y, name of the
            manipulation).
        scans_per_patient: Forged scans a series, manipulations in turn.
        manipulations: Names in `MANIPULATIONS`, or of learned ones.
        seed: Same seed, same bytes.
        inpainters: Folders of those that learned manipulations need; of CT alone.
        modality: Of the scans; others are left alone.

    Raises:
        SourceError: No series of the modality, one without a place to manipulate, or originals that would be replaced.
        ManifestError: An inpainter is not whole.
    """
    require_apart(reals, out, "forged.<name>.reals")
    series, skipped = find_series(reals, modality=modality)
    if not series:
        raise SourceError(
            f"no {modality} series to forge from", where=reals, received=f"{len(skipped)} other files",
            remedy=f"point forged.<name>.reals at a folder of {modality} scans",
        )  # fmt: skip
    known = manipulations_with(inpainters) if modality is Modality.CT else manipulations_of(modality)
    chosen = [known[name] for name in manipulations]
    rows: list[tuple[object, ...]] = []
    with replace_folder(out) as folder:
        for number, scan in enumerate(track(series, "forging scans", len(series))):
            rows += _forge_series(scan, _patient(scan, reals), number, folder, scans_per_patient, chosen, seed)
        with (folder / LABELS).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])


def _patient(scan: Series, reals: Path) -> str:
    """What the `folder` source calls the original's patient."""
    below = scan.folder.relative_to(reals) if scan.folder.is_relative_to(reals) else Path(scan.folder.name)
    return patient_or_folder(scan.headers[0].patient_id, path_text(below))


def _template(scan: Series, patient: str, volume: NDArray[np.int16]) -> SeriesTemplate:
    """The original's header; padding read as -1024 HU may need a sign where the original's intercept is higher."""
    template = SeriesTemplate.from_series(scan)
    if scan.modality is not Modality.CT:
        return replace(template, patient_id=patient)
    return replace(template, patient_id=patient, signed=template.signed or int(volume.min()) < template.intercept)


def _forge_series(
    scan: Series, patient: str, number: int, folder: Path, count: int, manipulations: Sequence[Tampering], seed: int
) -> list[tuple[object, ...]]:
    volume = volume_of(scan)
    positions = np.array([header.position_mm for header in scan.headers])
    template = _template(scan, patient, volume)
    rows: list[tuple[object, ...]] = []
    for copy in range(count):
        manipulation = manipulations[copy % len(manipulations)]
        rng = np.random.default_rng([seed, number, copy])
        places = manipulation.places_in(scan.modality)(volume, scan.spacing_zyx_mm, rng, 4)
        if not places:
            raise SourceError(
                f"no {_PLACES[scan.modality]} to manipulate was found", where=scan.folder,
                remedy="leave this scan out of the reals",
            )  # fmt: skip
        place = places[copy // len(manipulations) % len(places)]
        name = f"{number:03d}-{copy:02d}"
        made = manipulation.apply(volume, scan.spacing_zyx_mm, place, rng)
        forged = template.storable(written_of(made, scan))
        write_series(folder / name, forged, positions, template, uid_seed=f"{seed}/{name}", synthetic=Evidence.FORGED)
        rows.append((name, manipulation.code, place.z, place.x, place.y, manipulation.name))
    return rows
