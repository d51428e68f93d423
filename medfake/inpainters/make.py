"""Make an inpainter out of folders of real scans; a killed run goes on where it was."""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.random import Generator, default_rng

from medfake.dicom.series import Series
from medfake.errors import ExportMismatchError, SourceError
from medfake.files import replace_folder, sha256_file, work_folder, write_atomic, write_json
from medfake.inpainters.cut import LEAST_DEPTH_MM, cut_cubes, cut_patches
from medfake.inpainters.fit import Network, Schedule, fill, train_inpainter
from medfake.inpainters.material import Material, held_apart
from medfake.package.keras_to_onnx import write_onnx
from medfake.progress import track
from medfake.tamper import inpainter as stored
from medfake.tamper.inpainter import Inpainter, InpainterKind
from medfake.tamper.real_scans import NamePatient, RealPatient, digest_scans, real_patients
from medfake.training.keras_setup import import_keras
from medfake.training.run_state import RunState

SCHEMA = 1
_LARGEST_DIFFERENCE_HU: Final = 0.5  # between Keras and ONNX; less than pixels are rounded by
_COMPARED = 4  # places
_WARM = 0.25  # share of the steps
_ROOMS = (Path(__file__).parent, Path(stored.__file__).parent)

Cut = Callable[[Series, str, int, Generator], Material | None]


@dataclass(frozen=True)
class InpainterPlan:
    """What an inpainter is made of.

    Attributes:
        kind: See `InpainterKind`.
        seed: Same plan, same scans: the same inpainter but for the machine's arithmetic.
        reals: Folders of real scans.
        places: That it learns from, in all; patients have equal parts.
        steps: Of the training.
        batch_size: Places of a step.
        learning_rate: Of Adam.
        width: Channels of the first layer.
    """

    kind: InpainterKind
    seed: int
    reals: Sequence[Path]
    places: int
    steps: int
    batch_size: int
    learning_rate: float
    width: int


def make_inpainter(plan: InpainterPlan, out: Path, name_patient: NamePatient) -> dict[str, Any]:
    """Make an inpainter: generator.onnx and inpainter.json.

    What was cut and how far the training is are kept in a hidden folder beside `out` until it is whole. One that is up
    to date is left as it is.

    Args:
        plan: What it is made of.
        out: Folder of the inpainter; replaced.
        name_patient: Patient ID, or the folder of one without, -> the name that it shows.

    Returns:
        What inpainter.json says.

    Raises:
        SourceError: No scan that this kind learns from.
        TrainingError: The training came to nothing.
        ExportMismatchError: The graph differs from the trained generator.
    """
    patients = real_patients(plan.reals, name_patient, f"inpainters.{out.name}.reals")
    key = _key(plan, patients)
    facts = _facts_of(out)
    if facts.get("key") == key and (out / stored.GENERATOR_FILE).is_file():
        return facts
    import_keras(plan.seed)
    work = work_folder(out, key)
    material, series = _material(plan, patients, out.name, work / "material.npz")
    learned, held_out, apart = held_apart(material, plan.seed)
    network = _network(plan)
    schedule = Schedule(plan.steps, plan.batch_size, plan.seed)
    outcome = train_inpainter(
        network, learned, held_out, schedule, RunState(work / "state.npz", {"key": key}), out.name
    )
    facts = {
        "schema": SCHEMA, "key": key, "kind": str(plan.kind), "plan": _told(plan),
        "steps_planned": plan.steps, "steps_done": outcome.steps, "steps_of_kept_weights": outcome.kept_step,
        "diverged": outcome.diverged, "reason": outcome.reason,
        "held_out": {
            "difference_hu": outcome.held_out_hu, "trivial_fill_hu": outcome.trivial_hu, "places": len(held_out),
            "patients": sorted(set(held_out.patients.tolist())) if apart else [],
        },
        "learnt_from": {"patients": sorted(set(learned.patients.tolist())), "places": len(learned), **series},
    }  # fmt: skip
    with replace_folder(out) as folder:
        _write(network, plan.kind, held_out, folder, out.name, plan.seed)
        write_json(folder / stored.FACTS_FILE, facts)
    shutil.rmtree(work)
    return facts


def _network(plan: InpainterPlan) -> Network:
    from medfake.inpainters.gan import Gan3D
    from medfake.inpainters.vae import Vae2D

    built = Gan3D if plan.kind is InpainterKind.GAN_3D else Vae2D
    network: Network = built(plan.width, plan.learning_rate, round(_WARM * plan.steps))
    return network


def _material(
    plan: InpainterPlan, patients: Sequence[RealPatient], name: str, kept: Path
) -> tuple[Material, dict[str, int]]:
    """Places of all patients, and how many series gave some and how many were left out."""
    if kept.exists():
        with np.load(kept, allow_pickle=False) as file:
            names = Material.__dataclass_fields__
            return Material(**{one: file[one] for one in names}), {
                one: int(file[one]) for one in file.files if one not in names
            }
    cut: Cut = cut_cubes if plan.kind is InpainterKind.GAN_3D else cut_patches
    each = -(-plan.places // max(len(patients), 1))
    parts: list[Material] = []
    left_out = 0
    for number, patient in enumerate(track(patients, f"cutting places for {name}", len(patients))):
        share = -(-each // len(patient.scans))
        for ordinal, series in patient.scans:
            part = cut(series, patient.name, share, default_rng([plan.seed, number, ordinal]))
            left_out += part is None
            parts += [part] if part is not None else []
    if not parts:
        needed = f"stacks of at least {LEAST_DEPTH_MM:g} mm" if plan.kind is InpainterKind.GAN_3D else "slices"
        raise SourceError(
            f"an inpainter of kind {plan.kind} learns from {needed} that show lung, and there is none",
            where=f"inpainters.{name}.reals", received=f"{left_out} series",
            remedy=f"add folders of real chest CT to inpainters.{name}.reals in params.yaml",
        )  # fmt: skip
    material, series_counts = Material.of(parts), {"series": len(parts), "series_left_out": left_out}
    with write_atomic(kept, "wb") as file:
        arrays: dict[str, Any] = {**vars(material), **series_counts}
        np.savez(file, **arrays)
    return material, series_counts


def _write(network: Network, kind: InpainterKind, held_out: Material, folder: Path, name: str, seed: int) -> None:
    """Write the graph, and compare it with the trained generator on held-out places."""
    some = held_out.where(np.arange(min(_COMPARED, len(held_out))))
    expected = fill(network, some, default_rng(seed))
    given = {**some.inputs(), **network.chance(default_rng(seed), len(some))}
    path = folder / stored.GENERATOR_FILE
    write_onnx(network.generator, path, [given[one.name][:1] for one in network.generator.inputs])
    opened = Inpainter(folder, kind, sha256_file(path))
    difference = float(np.abs(opened.fill(**given) - expected).max())
    if not difference <= _LARGEST_DIFFERENCE_HU:
        raise ExportMismatchError(
            f"the ONNX form differs from the trained generator by more than {_LARGEST_DIFFERENCE_HU} HU",
            where=f"inpainters.{name}", received=f"{difference:.2e} HU on {len(some)} places",
            remedy="report the inpainter and its options; nothing was stored",
        )  # fmt: skip


def _told(plan: InpainterPlan) -> dict[str, object]:
    """The plan without folders, whose names may tell of patients."""
    return {name: value for name, value in asdict(plan).items() if name != "reals"}


def _key(plan: InpainterPlan, patients: Sequence[RealPatient]) -> str:
    """Stands for exactly this plan, these files and this code."""
    digest = hashlib.sha256(json.dumps([SCHEMA, _told(plan)], sort_keys=True).encode())
    for room in _ROOMS:
        for code in sorted(room.glob("*.py")):
            digest.update(code.read_bytes())
    digest_scans(digest, patients)
    return digest.hexdigest()


def _facts_of(out: Path) -> dict[str, Any]:
    """Of an inpainter that is there and whole; nothing of another."""
    try:
        facts: dict[str, Any] = json.loads((out / stored.FACTS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # to be made anew
    return facts if isinstance(facts, dict) else {}
