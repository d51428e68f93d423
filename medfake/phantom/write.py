"""The phantom as DICOM: CT as the LIDC-IDRI and the CT-GAN tree, MR and X-ray as a folder, all through one writer."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from numpy.random import SeedSequence, default_rng
from numpy.typing import NDArray

from medfake.config import PhantomParams
from medfake.dicom.series import find_series
from medfake.dicom.writer import SeriesTemplate, write_series
from medfake.errors import DataError, OutputRefusedError
from medfake.files import path_text, replace_folder
from medfake.phantom.kinds import KINDS
from medfake.phantom.outlines import write_outlines
from medfake.phantom.patient import Patient
from medfake.phantom.planned import LESIONS_OF, PlannedScan
from medfake.progress import track
from medfake.tamper.registry import require_made_for
from medfake.tamper.site import Site
from medfake.vocabulary import Evidence, LabelCode, Modality


def write_phantom(folder: Path, params: PhantomParams, jobs: int = 1, size: int | None = None) -> None:
    """Write a phantom set; the bytes depend on `params` alone.

    Scanners are dealt in turn within every class, so that the scanner says nothing about the label.

    Args:
        folder: Replaced; of CT it gets LIDC-IDRI/ and CT-GAN/ (the Kaggle layout, labels_exp1.csv and labels_exp2.csv),
            of MR and X-ray a folder a scan, and labels.csv.
        params: The set.
        jobs: Processes.
        size: Rows and columns; None for those of the modality.

    Raises:
        ConfigError: A scanner name is unknown.
    """
    kind = KINDS[params.modality]
    scanners = [kind.scanners[name] for name in params.scanners or kind.scanners]
    with replace_folder(folder) as new:
        scans = kind.plan(new, params, scanners)
        made = Parallel(n_jobs=jobs, return_as="generator")(delayed(_write)(scan, size) for scan in scans)
        places = list(track(made, "writing phantom scans", len(scans)))
        kind.label(new, zip(scans, places, strict=True))


def write_patient(
    folder: Path,
    seed: int,
    slices: int,
    manipulation: str | None,
    size: int | None = None,
    modality: Modality = Modality.CT,
) -> Site | None:
    """Write one scan of a patient that no phantom set holds.

    Args:
        folder: Made, or replaced where it is empty or holds an earlier scan of this kind and nothing else.
        seed: Of the patient; sets use other streams of the same numbers.
        slices: Axial slices; 1 of X-ray.
        manipulation: A name in `MANIPULATIONS` that is made for the modality, None for an untampered scan.
        size: Rows and columns; None for those of the modality.
        modality: Of the scan.

    Returns:
        Where it was manipulated, None when it was not.

    Raises:
        OutputRefusedError: The folder is no folder, or holds something else.
        ConfigError: The manipulation is made for other modalities.
    """
    folder = folder.resolve()  # a link stays one
    _require_own(folder)
    kind = KINDS[modality]
    scanner = list(kind.scanners.values())[seed % len(kind.scanners)]
    code = None if manipulation is None else require_made_for(modality, manipulation).code
    with replace_folder(folder) as new:
        scan = PlannedScan(
            new, f"UNSEEN-{seed}", scanner, (seed, 9), slices, LESIONS_OF.get(code, 0) if code else 0, manipulation,
            modality=modality,
        )  # fmt: skip
        place = _write(scan, size)
    return place if manipulation else None


def _require_own(folder: Path) -> None:
    if not folder.exists():
        return
    received = "no folder" if not folder.is_dir() else "the working folder" if folder == Path.cwd() else None
    if received is None and any(folder.iterdir()):
        series, others = find_series(folder, modality=None)
        headers = [header for one in series for header in one.headers]
        foreign = sum(header.synthetic != Evidence.PHANTOM or header.path.parent != folder for header in headers)
        received = f"{len(others) + foreign} other files" if others or foreign or not headers else None
    if received is not None:
        raise OutputRefusedError(
            "a phantom scan replaces nothing but an earlier one", where=path_text(folder), received=received,
            remedy=f"medfake phantom {_free(folder)} --seed 1",
        )  # fmt: skip


def _free(folder: Path) -> str:
    """A folder beside that is not there yet."""
    names = (folder.with_name(f"{folder.name}-phantom{number}") for number in ("", *range(2, 1000)))
    return path_text(next(name for name in names if not name.exists()))


def _write(scan: PlannedScan, size: int | None) -> Site | None:
    """Make one scan and write it; returns its site, if it has one."""
    kind = KINDS[scan.modality]
    patient = kind.scan(SeedSequence(scan.seed), scan.scanner, scan.slices, scan.nodules, size or kind.size)
    volume, place = patient.volume, next(iter(patient.nodules), None)
    if scan.manipulation:
        volume, place = _tampered(patient, scan)
    template = kind.template(scan.patient_id, scan.scanner, patient)
    seed = "/".join(map(str, scan.seed))
    stored = kind.stored(volume, scan.scanner)
    write_series(scan.folder, stored, patient.positions_mm, template, uid_seed=seed, synthetic=Evidence.PHANTOM)
    if scan.outlined:
        write_outlines(scan.folder, patient.outlines)
    if scan.scout:
        _write_scout(scan, patient, template, seed)
    return place


def _tampered(patient: Patient, scan: PlannedScan) -> tuple[NDArray[np.int16], Site]:
    """Something put in at a place of chance; or what there is by nature taken out, or covered."""
    rng = default_rng([*scan.seed, 1])
    places = list(patient.nodules)
    manipulation = require_made_for(scan.modality, str(scan.manipulation))
    if manipulation.code is LabelCode.FM:
        places = manipulation.places(patient.volume, patient.spacing_mm, rng, 1)
    if not places:
        raise DataError(
            "a phantom patient has no room for a site", where=f"seed {scan.seed}", remedy="choose another phantom seed"
        )
    return manipulation.apply(patient.volume, patient.spacing_mm, places[0], rng), places[0]


def _write_scout(scan: PlannedScan, patient: Patient, template: SeriesTemplate, seed: str) -> None:
    """A localizer in a folder of its own, as archives have them; importers must skip it."""
    scout = np.clip(patient.volume.mean(axis=1), -1024, 3071).astype(np.int16)[None]
    write_series(
        scan.folder.parent / "scout",
        scout,
        patient.positions_mm[:1],
        replace(template, localizer=True, padding=None),
        uid_seed=f"{seed}/scout",
        synthetic=Evidence.PHANTOM,
    )
