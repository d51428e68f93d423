"""What a phantom of each modality is: its scanners, how a patient is scanned, how files and sets are laid out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import SeedSequence
from numpy.typing import NDArray

from medfake.by_name import Registry
from medfake.config import PhantomParams
from medfake.dicom.projection import Projection
from medfake.dicom.writer import SeriesTemplate
from medfake.phantom import chest, chest_radiograph, head_scan, radiograph
from medfake.phantom.mr_scanners import MR_SCANNERS, MRScanner
from medfake.phantom.one_folder import label_folder, plan_folder
from medfake.phantom.patient import Patient
from medfake.phantom.planned import PlannedScan
from medfake.phantom.scanners import SCANNERS, Scanner
from medfake.phantom.trees import label_trees, plan_trees
from medfake.phantom.xray_scanners import XRAY_SCANNERS, XRayScanner, encoded
from medfake.tamper.site import Site
from medfake.vocabulary import Modality

Volume = NDArray[np.int16]
_MODEL = "medfake phantom"


@dataclass(frozen=True)
class Kind:
    """A modality's phantom.

    Attributes:
        scanners: By name, see `medfake.phantom.scanners` and its neighbours.
        size: Rows and columns.
        scan: Seed, scanner, slices, real nodules or lesions, size -> a patient as scanned.
        template: Patient ID, scanner, patient -> what the files share.
        stored: What `scan` gave, manipulated or not, and the scanner -> what the writer takes, voxel by voxel.
        plan: Folder, params, scanners -> the scans of a set.
        label: Folder, scans with their places -> writes the label files.
    """

    scanners: Registry[Any]
    size: int
    scan: Callable[[SeedSequence, Any, int, int, int], Patient]
    template: Callable[[str, Any, Patient], SeriesTemplate]
    stored: Callable[[Volume, Any], Volume]
    plan: Callable[[Path, PhantomParams, list[Any]], list[PlannedScan]]
    label: Callable[[Path, Iterable[tuple[PlannedScan, Site | None]]], None]


def _ct(patient_id: str, scanner: Scanner, patient: Patient) -> SeriesTemplate:
    return SeriesTemplate(
        patient_id=patient_id,
        manufacturer=scanner.name,
        model=_MODEL,
        kernel=scanner.kernel,
        thickness_mm=scanner.step_mm,
        spacing_mm=patient.spacing_mm[1:],
        intercept=scanner.intercept,
        signed=scanner.signed,
        padding=None if scanner.padding_hu is None else scanner.padding_hu - scanner.intercept,
    )


def _mr(patient_id: str, scanner: MRScanner, patient: Patient) -> SeriesTemplate:
    return SeriesTemplate(
        patient_id=patient_id,
        manufacturer=scanner.name,
        model=_MODEL,
        kernel="",
        thickness_mm=scanner.step_mm,
        spacing_mm=patient.spacing_mm[1:],
        signed=False,
        modality=Modality.MR,
        body_part="HEAD",
        echo_ms=scanner.echo_ms,
    )


def _radiograph(patient_id: str, scanner: XRayScanner, patient: Patient) -> SeriesTemplate:
    return SeriesTemplate(
        patient_id=patient_id,
        manufacturer=scanner.name,
        model=_MODEL,
        kernel="",
        thickness_mm=1.0,
        spacing_mm=patient.spacing_mm[1:],
        signed=False,
        modality=Modality.XRAY,
        body_part="CHEST",
        bits_stored=scanner.bits,
        projection=Projection(
            intent="FOR PRESENTATION", relationship="LOG" if scanner.logarithmic else "LIN",
            sign=1 if scanner.inverted else -1, view="PA",
        ),
        monochrome1=scanner.inverted,
    )  # fmt: skip


def _as_it_is(volume: Volume, scanner: Any) -> Volume:  # noqa: ARG001  # radiographs are turned as the scanner says
    return volume


KINDS: dict[Modality, Kind] = {
    Modality.CT: Kind(SCANNERS, chest.SIZE, chest.scan_patient, _ct, _as_it_is, plan_trees, label_trees),
    Modality.MR: Kind(MR_SCANNERS, head_scan.SIZE, head_scan.scan_head, _mr, _as_it_is, plan_folder, label_folder),
    Modality.XRAY: Kind(
        XRAY_SCANNERS, radiograph.SIZE, chest_radiograph.take_radiograph, _radiograph, encoded, plan_folder,
        label_folder,
    ),
}  # fmt: skip
