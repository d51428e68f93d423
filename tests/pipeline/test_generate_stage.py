"""Stage `generate` on drawn chests: a network, deepfakes as DICOM, an MLflow run, and what ends badly."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import yaml
from click.testing import CliRunner

from medfake.dicom.reader import read_volume
from medfake.dicom.series import find_series
from medfake.errors import BusyError, ConfigError, OutputRefusedError, TrainingError
from medfake.experiments.generator_run import generate
from medfake.generators import fit
from medfake.generators.gan import Gan
from medfake.generators.stored import StoredGenerator
from medfake.locks import exclusive_lock
from medfake.project import Project
from medfake.tracking.store import Store
from medfake.training.run_state import RunState
from pipelines.generate import main
from tests.fixtures.generated import write_chests

PROJECT = Path(__file__).resolve().parents[2]
TOY: dict[str, Any] = {
    "kind": "dcgan", "dataset": "nodules", "seed": 1, "size": 64, "latent": 8, "width": 2, "epochs": 6,
    "batch_size": 16, "generator_rate": 2.0e-3, "discriminator_rate": 2.0e-3, "look_every": 2, "images": 6,
}  # fmt: skip


def write_project(root: Path, database: Path, **options: Any) -> None:
    params = yaml.safe_load((PROJECT / "params.yaml").read_text())
    source = {"kind": "lidc", "path": "data/raw/LIDC-IDRI"}
    nodules = params["datasets"]["chest"] | {
        "reals": source, "fakes": source, "labelling": {"rule": "nodules", "ignore_mm": 5.0},
        "view": {"name": "resized", "size": 64},
    }  # fmt: skip
    params |= {"phantom": {}, "datasets": {"nodules": nodules}, "generators": {"toy": TOY | options}}
    params["train"]["datasets"] = ["nodules"]
    params["tracking"]["uri"] = f"sqlite:///{root}/mlflow.db"
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    (root / "dvc.yaml").write_text("stages: {}\n")
    if not (root / "mlflow.db").exists():
        shutil.copyfile(database, root / "mlflow.db")
        write_chests(root / "data/slices/nodules")


def run(root: Path) -> str:
    os.chdir(root)
    return CliRunner().invoke(main, ["--name", "toy"], catch_exceptions=False).output


def facts(root: Path) -> dict[str, Any]:
    return json.loads((root / "data/generators/toy/generator.json").read_text())


def runs(root: Path) -> list[Any]:
    return list(Store(Project(root).params.tracking).client.search_runs(["1"], "tags.kind = 'generator'"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Path:
    """A project whose generator is trained; nobody changes it."""
    root, before = tmp_path_factory.mktemp("made"), Path.cwd()
    write_project(root, empty_database)
    try:
        (root / "said.txt").write_text(run(root))
    finally:
        os.chdir(before)
    return root


@pytest.fixture
def project(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_project(tmp_path, empty_database)
    return tmp_path


def test_it_says_how_far_samples_are_and_from_whom_it_learnt(made: Path) -> None:
    said, found = (made / "said.txt").read_text(), facts(made)
    assert f"KID on Gabor energies {found['distance']['kid']:.3f} to held-out slices" in said
    assert "learnt from 80 slices of 8 patients" in said
    assert found["learnt_from"] == {"slices": 80, "nodule": 40, "patients": 8}
    assert found["held_out"] == {"slices": 30, "nodule": 15, "patients": 3}
    assert (found["epochs_done"], found["stopped"]) == (6, "")
    assert [row["epoch"] for row in found["curves"] if "kid" in row] == [2, 4, 6]
    assert found["evidence"] == "phantom"


def test_a_grid_is_drawn_at_every_look_and_losses_are_rows_for_dvc(made: Path) -> None:
    grids = sorted(path.name for path in (made / "data/generators/toy/samples").iterdir())
    assert grids == ["epoch-0002.png", "epoch-0004.png", "epoch-0006.png"]
    kept = f"epoch-{facts(made)['epoch_of_kept_weights']:04d}.png"
    shown = (made / "reports/generators/toy/samples.png").read_bytes()
    assert shown == (made / "data/generators/toy/samples" / kept).read_bytes()
    rows = json.loads((made / "reports/generators/toy-losses.json").read_text())
    assert [(row["curve"], row["epoch"]) for row in rows] == [
        (curve, epoch) for curve in ("generator", "discriminator") for epoch in range(1, 7)
    ]


def test_deepfakes_are_marked_single_slices_half_of_each_class(made: Path) -> None:
    with (made / "data/raw/toy/generated.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["file"], row["nodule"], row["generator"]) for row in rows] == [
        (f"{number:04d}/0.dcm", str(number % 2), "dcgan") for number in range(6)
    ]
    series, skipped = find_series(made / "data/raw/toy")
    assert len(series) == len({one.headers[0].patient_id for one in series}) == 6
    assert [one.path.name for one in skipped] == ["generated.csv"]
    header = series[0].headers[0]
    assert (header.rows, header.cols, header.spacing_mm, header.synthetic) == (64, 64, (5.5, 5.5), "phantom")
    file = pydicom.dcmread(header.path)
    assert file.ImageType[0] == "DERIVED"
    assert "made by a generative network" in file.DerivationDescription
    volume = np.concatenate([read_volume(one.headers) for one in series])
    assert volume.min() >= -1000
    assert volume.max() <= 400


def test_the_stored_generator_makes_the_same_slices_again_whatever_their_number(made: Path) -> None:
    stored = StoredGenerator.open(made / "data/generators/toy")
    fewer, more = stored.slices(1, 3), stored.slices(1, 6)
    for (one, nodule), (other, same) in zip(fewer, more[:3], strict=True):
        np.testing.assert_array_equal(one, other)
        assert nodule == same
    assert (stored.slices(2, 1)[0][0] != fewer[0][0]).any()
    written = read_volume(find_series(made / "data/raw/toy/0001")[0][0].headers)[0]
    np.testing.assert_array_equal(written, more[1][0])


def test_the_run_has_both_losses_an_epoch_the_distance_a_look_and_the_grids(made: Path) -> None:
    (found,) = runs(made)
    client = Store(Project(made).params.tracking).client
    assert found.info.status == "FINISHED"
    assert found.data.tags["stopped"] == "no"
    assert found.data.params["setting.width"] == "2"
    for name, points in (("generator_loss", 6), ("discriminator_loss", 6), ("spread", 3), ("fid", 3)):
        assert len(client.get_metric_history(found.info.run_id, name)) == points
    assert found.data.metrics["final/kid"] == pytest.approx(facts(made)["distance"]["kid"], abs=1e-5)
    grids = [one.path for one in client.list_artifacts(found.info.run_id, "samples")]
    assert grids == ["samples/epoch-0002.png", "samples/epoch-0004.png", "samples/epoch-0006.png"]


def test_one_that_is_up_to_date_is_not_trained_again_and_more_images_need_no_training(
    project: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path
) -> None:
    run(project)
    first = (project / "data/raw/toy/0003/0.dcm").read_bytes()
    left = project / "data/generators/.toy.work-ended"  # by a kill after all was stored
    left.mkdir()
    monkeypatch.setattr(Gan, "learn", lambda *_: pytest.fail("it is trained again"))
    write_project(project, empty_database, images=8)
    run(project)
    assert len(list((project / "data/raw/toy").glob("*/0.dcm"))) == 8
    assert (project / "data/raw/toy/0003/0.dcm").read_bytes() == first
    assert len(runs(project)) == 1
    assert [one.name for one in (project / "data/generators").iterdir()] == ["toy"]


def test_a_rate_that_tears_the_networks_apart_keeps_the_last_good_weights_and_says_so(
    project: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path
) -> None:
    learn = Gan.learn
    steps = []

    def torn(self: Gan, *given: Any) -> dict[str, float]:
        steps.append(1)
        if len(steps) > 5 * 4:  # five steps an epoch: after the look at the fourth
            self.set_learning_rate(1e3)
        return learn(self, *given)

    monkeypatch.setattr(Gan, "learn", torn)
    write_project(project, empty_database, epochs=20)
    said, found = run(project), facts(project)
    assert found["stopped"].startswith("it diverged")
    assert found["epoch_of_kept_weights"] in (2, 4)
    assert found["epochs_done"] < 20
    assert f"was stopped after {found['epochs_done']} of 20 epochs: it diverged" in said
    assert f"the weights of epoch {found['epoch_of_kept_weights']} are kept" in said
    assert runs(project)[0].data.tags["stopped"] == found["stopped"]
    assert (project / "data/raw/toy/0005/0.dcm").exists()


def test_losses_that_are_no_numbers_keep_the_last_good_weights_too(
    project: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path
) -> None:
    learn, steps = Gan.learn, []

    def broken(self: Gan, *given: Any) -> dict[str, float]:
        steps.append(1)
        found = learn(self, *given)
        return found if len(steps) <= 5 * 4 else dict.fromkeys(found, float("nan"))

    monkeypatch.setattr(Gan, "learn", broken)
    write_project(project, empty_database, epochs=20)
    said, found = run(project), facts(project)
    assert "it diverged" in said
    assert found["curves"][-1]["generator_loss"] is None
    assert found["epoch_of_kept_weights"] in (2, 4)
    rows = json.loads((project / "reports/generators/toy-losses.json").read_text())
    assert {row["epoch"] for row in rows} == set(range(1, found["epochs_done"]))


def test_one_that_was_torn_apart_from_the_start_leaves_nothing_and_says_what_to_lower(
    project: Path, empty_database: Path
) -> None:
    write_project(project, empty_database, generator_rate=1e3, discriminator_rate=1e3)
    with pytest.raises(TrainingError, match="nothing is kept") as caught:
        run(project)
    assert "diverged" in str(caught.value.received)
    assert caught.value.remedy == "lower generators.toy.generator_rate and discriminator_rate"
    assert not (project / "data/generators/toy").exists()
    assert not (project / "data/raw/toy").exists()
    assert [one.info.status for one in runs(project)] == ["FAILED"]


def test_one_that_makes_a_single_image_collapsed(
    project: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path
) -> None:
    looks: list[int] = []
    samples = fit.look_samples

    def alike(gan: Gan, seed: int) -> np.ndarray:
        looks.append(1)
        found = samples(gan, seed)
        return found if len(looks) < 3 else np.repeat(found[:1], len(found), axis=0)

    monkeypatch.setattr(fit, "look_samples", alike)
    write_project(project, empty_database, epochs=30)
    said, found = run(project), facts(project)
    assert "it collapsed: samples are alike" in said
    assert found["epochs_done"] < 30
    assert found["epoch_of_kept_weights"] <= 4


def test_a_data_set_of_another_task_is_none_to_learn_from(project: Path) -> None:
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["datasets"]["nodules"]["labelling"] = {"rule": "extent", "tampered_mm": 16.0, "ignore_mm": 25.0}
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(ConfigError, match=r"generators.toy.dataset.*labelling.rule nodules"):
        run(project)


def test_a_data_set_that_is_not_there_is_named_with_the_nearest(project: Path) -> None:
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["generators"]["toy"]["dataset"] = "nodule"
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(ConfigError, match="did you mean 'nodules'"):
        run(project)


def test_originals_where_deepfakes_would_go_stay(project: Path) -> None:
    scan = project / "data/raw/toy/scan.dcm"
    scan.parent.mkdir(parents=True)
    scan.write_bytes(b"original")
    with pytest.raises(OutputRefusedError):
        run(project)
    assert scan.read_bytes() == b"original"


def test_private_patients_leave_no_picture(project: Path) -> None:
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["datasets"]["nodules"]["identifiers"] = "private"
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    run(project)
    assert not (project / "reports/generators/toy/samples.png").exists()
    client = Store(Project(project).params.tracking).client
    assert [one.path for one in client.list_artifacts(runs(project)[0].info.run_id)] == ["generator.json"]


def test_an_interrupted_training_goes_on_in_its_run_and_ends_with_the_same_figures(
    project: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RunState, "due", lambda _: True)
    learn, steps = Gan.learn, []

    def interrupted(self: Gan, *given: Any) -> dict[str, float]:
        steps.append(1)
        if len(steps) == 5 * 4 + 3:
            raise KeyboardInterrupt
        return learn(self, *given)

    monkeypatch.setattr(Gan, "learn", interrupted)
    with pytest.raises(KeyboardInterrupt):
        generate(Project(project), "toy")
    assert not (project / "data/generators/toy").exists()
    run(project)
    one, other = facts(made), facts(project)
    assert other["distance"]["kid"] == pytest.approx(one["distance"]["kid"], rel=1e-2)
    assert other["epoch_of_kept_weights"] == one["epoch_of_kept_weights"]
    for before, after in zip(one["curves"], other["curves"], strict=True):
        assert after == pytest.approx(before, rel=1e-2)
    assert len(runs(project)) == 1
    assert sorted(path.name for path in (project / "data/generators").iterdir()) == ["toy"]


@pytest.mark.slow(minutes=1)
def test_a_kill_costs_a_few_seconds_of_work(project: Path, empty_database: Path) -> None:
    write_project(project, empty_database, epochs=60, width=4, look_every=20)
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "pipelines.generate", "--name", "toy"]
    process = subprocess.Popen(command, cwd=project, env=environment, start_new_session=True)
    until = time.monotonic() + 300
    while not list((project / "data/generators").glob(".toy.work-*/state.npz")) or not _saved(project):
        assert time.monotonic() < until
        assert process.poll() is None, "it was over before it was killed"
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (project / "data/generators/toy").exists()
    run(project)
    killed = facts(project)
    assert len(killed["curves"]) == 60
    assert len(runs(project)) == 1
    shutil.rmtree(project / "data/generators")
    run(project)
    whole = facts(project)
    assert killed["distance"]["kid"] == pytest.approx(whole["distance"]["kid"], rel=0.05, abs=0.05)
    assert killed["epoch_of_kept_weights"] == whole["epoch_of_kept_weights"]


def _saved(root: Path) -> bool:
    (path,) = (root / "data/generators").glob(".toy.work-*/state.npz")
    with np.load(path) as state:
        return any(name.startswith("generator/") for name in state.files)


def test_the_same_training_is_not_done_twice_at_once(project: Path) -> None:
    lock = Project(project).private / "generator-toy.lock"
    with exclusive_lock(lock, "somebody's training"), pytest.raises(BusyError):
        main.main(["--name", "toy"], standalone_mode=False)
