"""A set of CT as the two trees that the public data has: LIDC-IDRI, and CT-GAN with its label files."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.random import default_rng
from pydicom.uid import generate_uid

from medfake.config import PhantomParams
from medfake.phantom.planned import LESIONS_OF, PlannedScan
from medfake.tamper.site import Site
from medfake.vocabulary import LabelCode

LABEL_COLUMNS: Final = ("type", "uuid", "slice", "x", "y")
_EXPERIMENTS = {1: ("EXP1_blind", "labels_exp1.csv"), 2: ("EXP2_open", "labels_exp2.csv")}
_SHARE_OF_EXPERIMENT_1 = 0.7
_MANIPULATION_OF = {LabelCode.FM: "injection", LabelCode.FB: "removal"}


def plan_trees(folder: Path, params: PhantomParams, scanners: list[Any]) -> list[PlannedScan]:
    """Patients of LIDC-IDRI/, none tampered with, and scans of CT-GAN/ (the Kaggle layout), below a folder."""
    return [
        *_lidc_scans(folder / "LIDC-IDRI", params, scanners),
        *_ct_gan_scans(folder / "CT-GAN", params, scanners),
    ]


def _lidc_scans(folder: Path, params: PhantomParams, scanners: list[Any]) -> Iterable[PlannedScan]:
    for index in range(params.reals):
        patient = f"LIDC-IDRI-{index + 1:04d}"
        uids = [str(generate_uid(entropy_srcs=[str(params.seed), patient, level])) for level in ("study", "series")]
        place = folder.joinpath(patient, *uids)
        scanner = scanners[index % len(scanners)]
        yield PlannedScan(
            place, patient, scanner, (params.seed, 1, index), params.slices,
            index // len(scanners) % 2 * params.nodules, None, index % 5 == 0, outlined=params.outlines,
        )  # fmt: skip


def _ct_gan_scans(folder: Path, params: PhantomParams, scanners: list[Any]) -> Iterable[PlannedScan]:
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
            yield PlannedScan(
                place, "CT-GAN", scanner, (params.seed, 3 + stream, index), params.slices, LESIONS_OF[kind],
                _MANIPULATION_OF.get(kind), False, kind, experiment, uuid,
            )  # fmt: skip


def label_trees(folder: Path, made: Iterable[tuple[PlannedScan, Site | None]]) -> None:
    """Write labels_exp1.csv and labels_exp2.csv beside the scans of CT-GAN/.

    Args:
        folder: Of both trees.
        made: Scans with their places.
    """
    folder = folder / "CT-GAN"
    rows: dict[int, list[tuple[object, ...]]] = defaultdict(list)
    for scan, place in made:
        if scan.type:
            where = (0, 0, 0) if place is None else (place.z, place.x, place.y)
            rows[scan.experiment].append((scan.type, scan.uuid, *where))
    for experiment, (_, name) in _EXPERIMENTS.items():
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([LABEL_COLUMNS, *rows[experiment]])
