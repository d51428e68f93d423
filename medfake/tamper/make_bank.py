"""Make a bank of manipulated slices out of folders of real scans; a killed run goes on where it was."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray

from medfake.errors import SourceError
from medfake.files import replace_folder, work_folder, write_atomic, write_json
from medfake.progress import track
from medfake.tamper.bank import FACTS_FILE, SITE_COLUMNS, SITES_FILE, SLICE_COLUMNS, SLICES_FILE, SliceKind, shard_file
from medfake.tamper.bank_unit import Unit, UnitOfWork, make_unit
from medfake.tamper.inpainter import Inpainter
from medfake.tamper.learned import require_manipulation
from medfake.tamper.originals import require_apart
from medfake.tamper.real_scans import NamePatient, RealPatient, digest_scans, real_patients

LEAST_PATIENTS = 5
SCHEMA = 1
_SHARD = 64  # slices
_TURNS_OF_VOLUMES = 2  # units of a patient with neighbouring slices for one of a patient without
_MOST_EMPTY = 0.9  # share of a wave's units that may come out empty before the scans are given up


@dataclass(frozen=True)
class BankPlan:
    """What a bank is made of.

    Attributes:
        seed: Same plan, same bytes.
        reals: Folders of real scans.
        slices: Forged slices wanted.
        untouched: Untouched slices of a patient at most.
        scanners: Share of forged stacks that a virtual scanner makes.
        manipulations: Weights by name in MANIPULATIONS or LEARNED.
        inpainters: Folders of those that learned manipulations need.
    """

    seed: int
    reals: Sequence[Path]
    slices: int
    untouched: int
    scanners: float
    manipulations: Mapping[str, float]
    inpainters: Sequence[Path] = ()


def make_bank(plan: BankPlan, out: Path, name_patient: NamePatient, jobs: int = 1) -> None:
    """Make a bank; see `medfake.tamper.bank` for its files.

    Finished units of work are kept in a hidden folder beside `out` until the bank is whole, so that a run that was
    killed goes on; the bytes of a bank depend on the plan, the scans and this package alone. One that is up to date is
    left as it is.

    Args:
        plan: What it is made of.
        out: Folder of the bank; replaced.
        name_patient: Patient ID, or the folder of one without, -> the name that the bank shows.
        jobs: Processes.

    Raises:
        SourceError: A folder is missing, too few patients, or scans without lungs.
        ConfigError: A manipulation that there is not, or that lacks its inpainter.
        ManifestError: An inpainter is not whole.
    """
    inpainters = [Inpainter.open(folder) for folder in plan.inpainters]
    for name in plan.manipulations:
        key = f"banks.{out.name}.manipulations"
        require_manipulation(name, key, [one.kind for one in inpainters], f"banks.{out.name}.inpainters")
    for root in plan.reals:
        require_apart(root, out, f"banks.{out.name}.reals")
    patients = _patients(plan, out.name, name_patient)
    key = _key(plan, patients)
    if _key_of(out) == key:
        return
    kept = work_folder(out, key)
    units = _untouched(plan, patients, kept, jobs) + _forged(plan, patients, out.name, kept, jobs)
    with replace_folder(out) as folder:
        _write(folder, plan, patients, units, kept, key)
    shutil.rmtree(kept)


def _patients(plan: BankPlan, name: str, name_patient: NamePatient) -> list[RealPatient]:
    """Enough patients with their series."""
    found = real_patients(plan.reals, name_patient, f"banks.{name}.reals")
    if len(found) < LEAST_PATIENTS:
        raise SourceError(
            f"a bank needs at least {LEAST_PATIENTS} patients: a detector that learns from fewer knows their anatomy "
            "and their scanners, not manipulations, and none would be left to try it on",
            where=f"banks.{name}.reals", received=f"{len(found)} patient{'' if len(found) == 1 else 's'}",
            remedy=f"add folders of real scans to banks.{name}.reals in params.yaml",
        )  # fmt: skip
    return found


def _units_a_turn(patient: RealPatient) -> int:
    return _TURNS_OF_VOLUMES if any(len(series.headers) > 1 for _, series in patient.scans) else 1


def _untouched(plan: BankPlan, patients: Sequence[RealPatient], kept: Path, jobs: int) -> list[UnitOfWork]:
    if plan.untouched < 1:
        return []
    works = [
        UnitOfWork(f"untouched-{number:04d}", number, patient.scans, (plan.seed, 0, number), plan.untouched, 0.0, {})
        for number, patient in enumerate(patients)
    ]
    _do(works, kept, "reading untouched slices", jobs)
    return works


def _forged(plan: BankPlan, patients: Sequence[RealPatient], name: str, kept: Path, jobs: int) -> list[UnitOfWork]:
    """Units in waves, each as large as what is still wanted asks for, until there are slices enough."""
    endless = _turns(plan, patients)
    done: list[UnitOfWork] = []
    slices, each = 0, 2.0  # slices that a unit makes on average
    while slices < plan.slices:
        works = list(islice(endless, max(len(patients) // 4, round((plan.slices - slices) / each), 1)))
        made = _do(works, kept, "forging slices", jobs)
        for work, many in zip(works, made, strict=True):
            if slices < plan.slices:
                slices += many
                done.append(work)
        if sum(many == 0 for many in made) > _MOST_EMPTY * len(works) and len(works) >= len(patients) // 4:
            raise SourceError(
                "the scans show too little lung to forge in", where=f"banks.{name}.reals",
                received=f"{len(works)} stacks, of which {sum(many > 0 for many in made)} had room",
                remedy="leave scans without lung out of the folders",
            )  # fmt: skip
        each = max(0.5, slices / len(done))
    return done


def _turns(plan: BankPlan, patients: Sequence[RealPatient]) -> Iterator[UnitOfWork]:
    for turn in count():
        for number, patient in enumerate(patients):
            for again in range(_units_a_turn(patient)):
                yield UnitOfWork(
                    f"forged-{turn:05d}-{number:04d}-{again}", number, patient.scans,
                    (plan.seed, 1, number, turn, again), 0, plan.scanners, plan.manipulations, tuple(plan.inpainters),
                )  # fmt: skip


def _do(works: Sequence[UnitOfWork], kept: Path, label: str, jobs: int) -> list[int]:
    """Do what was not done before; how many slices of a kind each made, twins not counted."""
    run = Parallel(n_jobs=jobs if len(works) > 1 else 1, return_as="generator")
    return list(track(run(delayed(_done)(work, kept) for work in works), label, len(works)))


def _done(work: UnitOfWork, kept: Path) -> int:
    path = kept / f"{work.name}.npz"
    if not path.exists():
        make_unit(work).save(path)
    return sum(one.kind != SliceKind.TWIN for one in Unit.load(path).slices)


def _key(plan: BankPlan, patients: Sequence[RealPatient]) -> str:
    """Stands for exactly this plan, these files and this code."""
    digest = hashlib.sha256()
    digest.update(json.dumps([SCHEMA, *_facts(plan).values()], sort_keys=True).encode())
    for code in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(code.read_bytes())
    digest_scans(digest, patients)
    return digest.hexdigest()


def _key_of(out: Path) -> str | None:
    """Of a bank that is there and whole."""
    try:
        return str(json.loads((out / FACTS_FILE).read_text(encoding="utf-8"))["key"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # to be made anew


def _facts(plan: BankPlan) -> dict[str, object]:
    return {
        "seed": plan.seed, "slices": plan.slices, "untouched": plan.untouched, "scanners": plan.scanners,
        "manipulations": dict(sorted(plan.manipulations.items())),
        "inpainters": {folder.name: Inpainter.open(folder).digest for folder in plan.inpainters},
    }  # fmt: skip


def _write(
    folder: Path, plan: BankPlan, patients: Sequence[RealPatient], works: Sequence[UnitOfWork], kept: Path, key: str
) -> None:
    """Number the slices in the order of the units, and put slices of one size into shards."""
    shards = _Shards(folder)
    slices: list[tuple[object, ...]] = []
    sites: list[tuple[object, ...]] = []
    for work in track(works, "writing the bank", len(works)):
        unit = Unit.load(kept / f"{work.name}.npz")
        first = len(slices)
        for one, hu, change in zip(unit.slices, unit.hu, unit.change, strict=True):
            number = len(slices)
            shard, row = shards.add(hu, change)
            twin = first + one.twin if one.twin >= 0 else -1
            slices.append((
                number, patients[work.patient].name, one.scan, one.manufacturer, one.kernel, one.spacing_mm, one.z_mm,
                one.scanner, one.kind, twin, shard, row,
            ))  # fmt: skip
            sites += [(number, s.manipulation, s.family, s.code, s.y, s.x, s.off_mm) for s in one.sites]
    shards.close()
    _write_parquet(folder / SLICES_FILE, pd.DataFrame(slices, columns=list(SLICE_COLUMNS)))
    _write_parquet(folder / SITES_FILE, pd.DataFrame(sites, columns=list(SITE_COLUMNS)))
    kinds = Counter(str(row[SLICE_COLUMNS.index("kind")]) for row in slices)
    counts = {"patients": len({row[1] for row in slices}), "sites": len(sites), **dict(sorted(kinds.items()))}
    write_json(folder / FACTS_FILE, {"schema": SCHEMA, "key": key, "plan": _facts(plan), "counts": counts})


def _write_parquet(path: Path, table: pd.DataFrame) -> None:
    with write_atomic(path, "wb") as file:
        table.to_parquet(file, index=False)


class _Shards:
    """Files of slices of one size, each closed when it is full."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[tuple[int, ...], tuple[int, list[NDArray[np.int16]], list[NDArray[np.uint8]]]] = {}
        self._next = 0

    def add(self, hu: NDArray[np.int16], change: NDArray[np.uint8]) -> tuple[int, int]:
        """Ordinal of the shard and row in it."""
        if hu.shape not in self._open:
            self._open[hu.shape] = (self._next, [], [])
            self._next += 1
        shard, pixels, changes = self._open[hu.shape]
        pixels.append(hu)
        changes.append(change)
        row = len(pixels) - 1
        if len(pixels) == _SHARD:
            self._flush(hu.shape)
        return shard, row

    def close(self) -> None:
        """Write what is left."""
        for shape in list(self._open):
            self._flush(shape)

    def _flush(self, shape: tuple[int, ...]) -> None:
        shard, pixels, changes = self._open.pop(shape)
        for kind, planes in (("hu", pixels), ("change", changes)):
            with write_atomic(shard_file(self._folder, kind, shard), "wb") as file:
                np.save(file, np.stack(planes))
