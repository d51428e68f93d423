"""The phantom as DICOM: the LIDC-IDRI tree and the CT-GAN tree with its label files, through one writer."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from numpy.random import SeedSequence, default_rng
from numpy.typing import NDArray
from pydicom.uid import generate_uid

from medfake.config import PhantomParams
from medfake.dicom.series import find_series
from medfake.dicom.writer import SeriesTemplate, write_series
from medfake.errors import DataError, OutputRefusedError
from medfake.files import path_text, replace_folder
from medfake.phantom.chest import SIZE, Patient, scan_patient
from medfake.phantom.outlines import write_outlines
from medfake.phantom.scanners import SCANNERS, Scanner
from medfake.progress import track
from medfake.tamper.places import injection_places
from medfake.tamper.registry import MANIPULATIONS
from medfake.tamper.site import Site
from medfake.vocabulary import Evidence, LabelCode

LABEL_COLUMNS = ("type", "uuid", "slice", "x", "y")
_EXPERIMENTS = {1: ("EXP1_blind", "labels_exp1.csv"), 2: ("EXP2_open", "labels_exp2.csv")}
_SHARE_OF_EXPERIMENT_1 = 0.7
_MANIPULATION_OF = {LabelCode.FM: "injection", LabelCode.FB: "removal"}
_NODULES_OF = {LabelCode.FM: 0, LabelCode.FB: 1, LabelCode.TM: 1, LabelCode.TB: 0}


@dataclass(frozen=True)
class _Scan:
    """One scan to be made; `type` is None in the LIDC-like tree."""

    folder: Path
    patient_id: str
    scanner: Scanner
    seed: tuple[int, ...]
    slices: int
    nodules: int
    manipulation: str | None
    scout: bool
    type: LabelCode | None
    experiment: int
    uuid: str
    outlined: bool = False


def write_phantom(folder: Path, params: PhantomParams, jobs: int = 1, size: int = SIZE) -> None:
    """Write a phantom set; the bytes depend on `params` alone.

    Scanners are dealt in turn within every class, so that the scanner says nothing about the label.

    Args:
        folder: Replaced; gets LIDC-IDRI/ and CT-GAN/ (the Kaggle layout, labels_exp1.csv and labels_exp2.csv).
        params: The set.
        jobs: Processes.
        size: Rows and columns.

    Raises:
        ConfigError: A scanner name is unknown.
    """
    scanners = _scanners(params)
    with replace_folder(folder) as new:
        scans = [*_lidc_scans(new / "LIDC-IDRI", params, scanners), *_ct_gan_scans(new / "CT-GAN", params, scanners)]
        made = Parallel(n_jobs=jobs, return_as="generator")(delayed(_write)(scan, size) for scan in scans)
        places = list(track(made, "writing phantom scans", len(scans)))
        _write_labels(new / "CT-GAN", zip(scans, places, strict=True))


def write_patient(folder: Path, seed: int, slices: int, manipulation: str | None, size: int = SIZE) -> Site | None:
    """Write one scan of a patient that no phantom set holds.

    Args:
        folder: Made, or replaced where it is empty or holds an earlier scan of this kind and nothing else.
        seed: Of the patient; sets use other streams of the same numbers.
        slices: Axial slices.
        manipulation: A name in `MANIPULATIONS`, None for an untampered scan.
        size: Rows and columns.

    Returns:
        Where it was manipulated, None when it was not.

    Raises:
        OutputRefusedError: The folder is no folder, or holds something else.
    """
    folder = folder.resolve()  # a link stays one
    _require_own(folder)
    scanner = list(SCANNERS.values())[seed % len(SCANNERS)]
    nodules = 1 if manipulation == "removal" else 0
    with replace_folder(folder) as new:
        scan = _Scan(
            new, f"UNSEEN-{seed}", scanner, (seed, 9), slices, nodules, manipulation, False, None, 0, ""
        )  # fmt: skip
        place = _write(scan, size)
    return place if manipulation else None


def _require_own(folder: Path) -> None:
    if not folder.exists():
        return
    received = "no folder" if not folder.is_dir() else "the working folder" if folder == Path.cwd() else None
    if received is None and any(folder.iterdir()):
        series, others = find_series(folder)
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


def _scanners(params: PhantomParams) -> list[Scanner]:
    return [SCANNERS[name] for name in params.scanners or SCANNERS]


def _lidc_scans(folder: Path, params: PhantomParams, scanners: list[Scanner]) -> Iterable[_Scan]:
    for index in range(params.reals):
        patient = f"LIDC-IDRI-{index + 1:04d}"
        uids = [str(generate_uid(entropy_srcs=[str(params.seed), patient, level])) for level in ("study", "series")]
        place = folder.joinpath(patient, *uids)
        scanner = scanners[index % len(scanners)]
        yield _Scan(
            place, patient, scanner, (params.seed, 1, index), params.slices,
            index // len(scanners) % 2 * params.nodules, None, index % 5 == 0, None, 0, "", params.outlines,
        )  # fmt: skip


def _ct_gan_scans(folder: Path, params: PhantomParams, scanners: list[Scanner]) -> Iterable[_Scan]:
    count = sum(params.fakes.values())
    uuids = iter(default_rng([params.seed, 2]).choice(np.arange(1000, 10_000), size=count, replace=False))
    dealt = Counter({False: params.reals, True: 0})  # each class goes on where its last type stopped
    for stream, (kind, number) in enumerate(sorted(params.fakes.items())):
        for index in range(number):
            uuid = str(next(uuids))
            experiment = 1 if index < round(number * _SHARE_OF_EXPERIMENT_1) else 2
            place = folder / "CT_Scans" / _EXPERIMENTS[experiment][0] / uuid
            scanner = scanners[dealt[kind.tampered] % len(scanners)]
            dealt[kind.tampered] += 1
            yield _Scan(
                place, "CT-GAN", scanner, (params.seed, 3 + stream, index), params.slices, _NODULES_OF[kind],
                _MANIPULATION_OF.get(kind), False, kind, experiment, uuid,
            )  # fmt: skip


def _write(scan: _Scan, size: int) -> Site | None:
    """Make one scan and write it; returns its site, if it has one."""
    patient = scan_patient(SeedSequence(scan.seed), scan.scanner, scan.slices, scan.nodules, size)
    volume, place = patient.volume, next(iter(patient.nodules), None)
    if scan.manipulation:
        volume, place = _tampered(patient, scan)
    template = SeriesTemplate(
        patient_id=scan.patient_id,
        manufacturer=scan.scanner.name,
        model="medfake phantom",
        kernel=scan.scanner.kernel,
        thickness_mm=scan.scanner.step_mm,
        spacing_mm=patient.spacing_mm[1:],
        intercept=scan.scanner.intercept,
        signed=scan.scanner.signed,
        padding=None if scan.scanner.padding_hu is None else scan.scanner.padding_hu - scan.scanner.intercept,
    )
    seed = "/".join(map(str, scan.seed))
    write_series(scan.folder, volume, patient.positions_mm, template, uid_seed=seed, synthetic=Evidence.PHANTOM)
    if scan.outlined:
        write_outlines(scan.folder, patient.outlines)
    if scan.scout:
        _write_scout(scan, patient, template, seed)
    return place


def _tampered(patient: Patient, scan: _Scan) -> tuple[NDArray[np.int16], Site]:
    rng = default_rng([*scan.seed, 1])
    places = list(patient.nodules)
    if scan.manipulation == "injection":
        places = injection_places(patient.volume, patient.spacing_mm, rng, 1)
    if not places:
        raise DataError(
            "a phantom patient has no room for a site", where=f"seed {scan.seed}", remedy="choose another phantom seed"
        )
    manipulation = MANIPULATIONS[str(scan.manipulation)]
    return manipulation.apply(patient.volume, patient.spacing_mm, places[0], rng), places[0]


def _write_scout(scan: _Scan, patient: Patient, template: SeriesTemplate, seed: str) -> None:
    """A localizer in a folder of its own, as archives have them; importers must skip it."""
    from dataclasses import replace

    scout = np.clip(patient.volume.mean(axis=1), -1024, 3071).astype(np.int16)[None]
    write_series(
        scan.folder.parent / "scout",
        scout,
        patient.positions_mm[:1],
        replace(template, localizer=True, padding=None),
        uid_seed=f"{seed}/scout",
        synthetic=Evidence.PHANTOM,
    )


def _write_labels(folder: Path, made: Iterable[tuple[_Scan, Site | None]]) -> None:
    rows: dict[int, list[tuple[object, ...]]] = defaultdict(list)
    for scan, place in made:
        if scan.type:
            where = (0, 0, 0) if place is None else (place.z, place.x, place.y)
            rows[scan.experiment].append((scan.type, scan.uuid, *where))
    for experiment, (_, name) in _EXPERIMENTS.items():
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([LABEL_COLUMNS, *rows[experiment]])
