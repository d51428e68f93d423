"""The training of a generator of slices as one MLflow run, and the deepfakes that it makes."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

import medfake.generators as room
from medfake.config import DcganParams
from medfake.datasets.dataset import Dataset
from medfake.experiments.origin import Origin, run_tags
from medfake.files import replace_folder, work_folder, write_atomic, write_json
from medfake.generators.deepfakes import write_deepfakes
from medfake.generators.distances import Judge
from medfake.generators.features import NAME, features_of
from medfake.generators.fit import Outcome, Schedule, look_samples, train_gan
from medfake.generators.gan import Gan, GanOptions
from medfake.generators.material import Material, Pixels
from medfake.generators.originals import require_own_folders
from medfake.generators.pictures import beside
from medfake.generators.stored import (
    FACTS_FILE,
    GRAPH_FILE,
    SAMPLES_FOLDER,
    SCHEMA,
    StoredGenerator,
    store_generator,
)
from medfake.locks import exclusive_lock
from medfake.project import Project, block
from medfake.tracking.runs import Run, training_run
from medfake.tracking.store import Store
from medfake.tracking.tags import KIND_TAG, SETTING, Kind
from medfake.training.hardware import describe_hardware
from medfake.training.keras_setup import import_keras, named_backend, require_backend
from medfake.training.run_state import RunState
from medfake.vocabulary import Split

GRID_FILE: Final = "samples.png"
_SHOWN = 16  # real slices beside samples
_CODE_BESIDE: Final = ("training/keras_setup.py", "training/network_step.py", "package/keras_to_onnx.py")
_MAIN_CURVE: Final = "kid"
"""First among the charts of MLflow's page."""


def generate(project: Project, name: str) -> dict[str, Any]:
    """Train a generator, unless it is up to date, and write its deepfakes and what the report says of it.

    A training that was cut short, even by a kill, goes on where it was, in the same MLflow run.

    Args:
        project: Its params say how, its data set gives the slices.
        name: Key under `generators`.

    Returns:
        What generator.json says.

    Raises:
        OutputRefusedError: Originals, or files of somebody else, are where it would write.
        TrainingError: The data set does not do, or the training came to nothing.
        BusyError: The same training is under way.
    """
    plan = block(project.params.generators, name, "generators")
    out, deepfakes = project.generators / name, project.raw / name
    require_own_folders(project.params, name, out, deepfakes)
    require_backend()
    with exclusive_lock(project.private / f"generator-{name}.lock", f"the training of generator {name}"):
        _train(project, name, plan, out)
        trained = StoredGenerator.open(out)
        require_own_folders(project.params, name, out, deepfakes)  # training took long: files may have come since
        write_deepfakes(trained, deepfakes, plan.images)
        _write_report(trained, project.generator_reports / name)
    return trained.facts


def losses_file(project: Project, name: str) -> Path:
    """Losses of a generator's training for `dvc plots`."""
    return project.generator_reports / f"{name}-losses.json"


def _train(project: Project, name: str, plan: DcganParams, out: Path) -> None:
    dataset = Dataset.open(project.slices / plan.dataset)
    told = _told(plan)
    key = _key(told, dataset)
    if _is_up_to_date(out, key):
        shutil.rmtree(work_folder(out, key))  # of a run that was killed after it had stored all
        return
    learnt = Material.of(dataset, Split.TRAIN, plan.size, name)
    held_out = Material.of(dataset, Split.VAL, plan.size, name)
    pictured = project.params.datasets[plan.dataset].identifiers == "public"
    import_keras(plan.seed)
    work = work_folder(out, key)
    state = RunState(work / "state.npz", {"key": key})
    tags = {**run_tags(project, Origin.here(project, dataset), describe_hardware(network=True)),
            KIND_TAG: Kind.GENERATOR}  # fmt: skip
    settings = {f"{SETTING}{option}": told[option] for option in told if option not in ("dataset", "seed")}
    facts = {"dataset": dataset.name, "generator": name, "seed": plan.seed, **settings}
    with (
        training_run(Store(project.params.tracking), name, facts, tags, state.run_id) as run,
        state.begun(run.run_id),
    ):
        run.log_dataset(dataset.name, dataset.digest, dataset.counts())
        run.expect_metric(_MAIN_CURVE)
        slices = learnt.scaled(plan.window_hu)
        features = features_of(slices)
        judge = Judge(features, learnt.patients, features_of(held_out.scaled(plan.window_hu)), plan.seed)
        grids = work / SAMPLES_FOLDER
        grids.mkdir(exist_ok=True)
        rng = np.random.default_rng(plan.seed)
        shown = slices[rng.permutation(len(slices))[:_SHOWN]]

        def draw(epoch: int, samples: Pixels) -> None:
            _write_png(grids / f"epoch-{epoch:04d}.png", beside(samples, shown))

        gan = Gan(GanOptions.of(plan))
        outcome = train_gan(
            gan, slices, learnt.nodule, judge, Schedule(plan.epochs, plan.look_every, plan.seed), state, name,
            run.log_epoch, draw,
        )  # fmt: skip
        known = {
            "schema": SCHEMA, "key": key, "kind": plan.kind, "plan": told, "evidence": dataset.evidence,
            "dataset_sha256": dataset.digest, "spacing_mm": learnt.spacing_mm, "pictured": pictured,
            "learnt_from": _counts(learnt), "held_out": _counts(held_out),
        }  # fmt: skip
        found = _found(outcome, judge, look_samples(gan, plan.seed))
        _store(gan, plan, {**known, **found}, grids, out)
        _log_outcome(run, out, found, pictured=pictured)
    shutil.rmtree(work)


def _store(gan: Gan, plan: DcganParams, facts: Mapping[str, Any], grids: Path, out: Path) -> None:
    with replace_folder(out) as folder:
        store_generator(gan.generator, plan.window_hu, plan.latent, folder, out.name)
        shutil.copytree(grids, folder / SAMPLES_FOLDER)
        write_json(folder / FACTS_FILE, facts)


def _found(outcome: Outcome, judge: Judge, samples: Pixels) -> dict[str, Any]:
    """What came of a training, values that JSON knows."""
    features = features_of(samples)
    nearest = judge.nearest(features)
    return {
        "epochs_done": outcome.epochs,
        "epoch_of_kept_weights": outcome.kept_epoch,
        "stopped": outcome.reason,
        "distance": {
            "features": NAME, "samples": len(samples), "kid": judge.kid(features), "fid": judge.fid(features),
            "kid_floor": judge.floor, "spread": judge.spread(features),
        },
        "nearest": {"generated": nearest.generated, "real": nearest.real, "closer": nearest.closer},
        "curves": [{name: value if np.isfinite(value) else None for name, value in row.items()}
                   for row in outcome.curves],
    }  # fmt: skip


def _log_outcome(run: Run, out: Path, found: Mapping[str, Any], *, pictured: bool) -> None:
    run.log_metrics(
        {
            "final/kid": found["distance"]["kid"], "final/kid_floor": found["distance"]["kid_floor"],
            "final/fid": found["distance"]["fid"], "final/spread": found["distance"]["spread"],
            "final/nearest_train": found["nearest"]["generated"],
            "final/closer_than_patients": found["nearest"]["closer"],
            "final/epoch": float(found["epoch_of_kept_weights"]),
        }
    )  # fmt: skip
    run.log_tag("stopped", found["stopped"] or "no")
    run.log_text(FACTS_FILE, (out / FACTS_FILE).read_text(encoding="utf-8"))
    if pictured:
        run.log_folder(out / SAMPLES_FOLDER, SAMPLES_FOLDER)


def _write_report(trained: StoredGenerator, folder: Path) -> None:
    """What the report says: facts, losses for DVC, and the last grid where patients are public."""
    facts = trained.facts
    with replace_folder(folder) as new:
        write_json(new / FACTS_FILE, facts)
        grid = trained.folder / SAMPLES_FOLDER / f"epoch-{facts['epoch_of_kept_weights']:04d}.png"
        if facts["pictured"]:
            shutil.copyfile(grid, new / GRID_FILE)
    rows = [
        {"curve": curve, "epoch": row["epoch"], "loss": round(row[f"{curve}_loss"], 6)}
        for curve in ("generator", "discriminator")
        for row in facts["curves"]
        if row[f"{curve}_loss"] is not None
    ]
    write_json(folder.with_name(f"{folder.name}-losses.json"), rows)


def _write_png(path: Path, content: bytes) -> None:
    with write_atomic(path, "wb") as file:
        file.write(content)


def _counts(material: Material) -> dict[str, int]:
    return {
        "slices": len(material), "nodule": int(material.nodule.sum()),
        "patients": len(set(material.patients.tolist())),
    }  # fmt: skip


def _told(plan: DcganParams) -> dict[str, Any]:
    """What the training follows from; how many slices are made of it comes after."""
    return plan.model_dump(mode="json", exclude={"images"})


def _key(told: Mapping[str, Any], dataset: Dataset) -> str:
    """Stands for exactly this plan, these slices, this backend and the code that trains and stores."""
    told_of = [SCHEMA, told, dataset.digest, named_backend()[0]]
    digest = hashlib.sha256(json.dumps(told_of, sort_keys=True).encode())
    code = Path(str(room.__file__)).parent
    for path in sorted([*code.glob("*.py"), *(code.parent / name for name in _CODE_BESIDE)]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _is_up_to_date(out: Path, key: str) -> bool:
    try:
        facts = json.loads((out / FACTS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False  # to be made anew
    whole = (out / GRAPH_FILE).is_file() and (out / SAMPLES_FOLDER).is_dir()
    return whole and isinstance(facts, dict) and facts.get("key") == key
