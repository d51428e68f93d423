"""Inpainters trained for some steps on small chests."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from medfake.errors import SourceError, TrainingError
from medfake.inpainters import fit as module
from medfake.inpainters.fit import Schedule, train_inpainter
from medfake.inpainters.make import make_inpainter
from medfake.inpainters.material import Material
from medfake.inpainters.vae import Vae2D
from medfake.tamper.inpainter import Inpainter, InpainterKind
from medfake.training.keras_setup import import_keras
from medfake.training.run_state import RunState
from tests.fixtures.inpainters import ToyInpainters, toy_plan

KINDS = [pytest.param(InpainterKind.GAN_3D, marks=pytest.mark.slow(minutes=1)), InpainterKind.VAE_2D]


def name(patient: str) -> str:
    return f"p-{patient}"


def facts(folder: Path) -> dict:
    return json.loads((folder / "inpainter.json").read_text())


def test_what_is_stored_tells_how_far_it_came_and_whom_it_knows(toy_inpainters: ToyInpainters) -> None:
    for folder, kind, patients, left_out in (
        (toy_inpainters.gan, "gan-3d", {"p-P0", "p-P1"}, 1),
        (toy_inpainters.vae, "vae-2d", {"p-P0", "p-P1", "p-SINGLE"}, 0),
    ):
        assert sorted(path.name for path in folder.iterdir()) == ["generator.onnx", "inpainter.json"]
        said = facts(folder)
        assert said["kind"] == kind
        assert said["steps_done"] == said["steps_planned"] == said["plan"]["steps"]
        assert (said["diverged"], said["reason"]) == (False, "")
        assert 0 < said["held_out"]["difference_hu"] < said["held_out"]["trivial_fill_hu"]
        assert said["held_out"]["trivial_fill_hu"] > 40  # of noise alone 12: there was something to learn
        assert set(said["held_out"]["patients"]) | set(said["learnt_from"]["patients"]) == patients
        assert not set(said["held_out"]["patients"]) & set(said["learnt_from"]["patients"])
        assert said["learnt_from"]["series_left_out"] == left_out


def test_one_that_is_up_to_date_is_not_trained_again(
    toy_inpainters: ToyInpainters, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("medfake.inpainters.make.train_inpainter", never)
    plan = toy_plan(InpainterKind.GAN_3D, toy_inpainters.reals)
    assert make_inpainter(plan, toy_inpainters.gan, name) == facts(toy_inpainters.gan)
    with pytest.raises(AssertionError):
        make_inpainter(toy_plan(InpainterKind.GAN_3D, toy_inpainters.reals, seed=3), toy_inpainters.gan, name)


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_training_goes_on_and_ends_with_the_same_figures(
    kind: InpainterKind, tmp_path: Path, toy_inpainters: ToyInpainters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RunState, "due", lambda _: True)
    steps: list[int] = []
    draw = Material.draw

    def killed(self: Material, rng: np.random.Generator, count: int) -> Material:
        steps.append(len(steps))
        if len(steps) == 8:
            raise KeyboardInterrupt
        return draw(self, rng, count)

    monkeypatch.setattr(Material, "draw", killed)
    plan, out = toy_plan(kind, toy_inpainters.reals), tmp_path / "again"
    with pytest.raises(KeyboardInterrupt):
        make_inpainter(plan, out, name)
    assert not out.exists()
    make_inpainter(plan, out, name)
    assert len(steps) == plan.steps + 1  # the step that the kill met was done again, nothing else
    first = toy_inpainters.gan if kind is InpainterKind.GAN_3D else toy_inpainters.vae
    one, other = facts(first)["held_out"], facts(out)["held_out"]
    assert other["difference_hu"] == pytest.approx(one["difference_hu"], rel=1e-3)
    assert other["trivial_fill_hu"] == one["trivial_fill_hu"]
    assert [path.name for path in tmp_path.iterdir()] == ["again"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_rate_that_tears_the_networks_apart_ends_with_what_to_do(
    kind: InpainterKind, tmp_path: Path, toy_inpainters: ToyInpainters
) -> None:
    plan = toy_plan(kind, toy_inpainters.reals, learning_rate=1e3)
    with pytest.raises(TrainingError, match="never came nearer") as caught:
        make_inpainter(plan, tmp_path / "wild", name)
    assert caught.value.where == "inpainters.wild"
    assert not (tmp_path / "wild").exists()


@pytest.fixture
def material() -> Material:
    """Lung that is brighter downward, with holes: easy to learn."""
    rng = np.random.default_rng(1)
    hu = np.broadcast_to(np.linspace(-950, -650, 64)[:, None], (40, 64, 64)) + rng.normal(0, 10, (40, 64, 64))
    hole = np.zeros(hu.shape, bool)
    hole[:, 20:44, 20:44] = True
    return Material(hu.astype(np.int16), hole, np.zeros(40, np.float32), np.repeat(["a", "b"], 20))


def test_one_that_diverges_late_keeps_the_last_good_weights_and_says_so(
    tmp_path: Path, material: Material, caplog: pytest.LogCaptureFixture
) -> None:
    import_keras(1)
    network = Vae2D(4, 3e-3, 10)
    told: dict[int, float] = {}
    kept: list[list[np.ndarray]] = []

    def tear(step: int, figures: Mapping[str, float]) -> None:
        told[step] = figures["held_out_hu"]
        if step == 60:
            kept.append(network.generator.get_weights())
            network.set_learning_rate(1e3)

    learned, held_out = material.where(material.patients == "a"), material.where(material.patients == "b")
    schedule = Schedule(100, 4, 1)
    with caplog.at_level(logging.WARNING, logger=module.__name__):
        outcome = train_inpainter(network, learned, held_out, schedule, RunState(tmp_path / "s", {}), "torn", tear)
    assert outcome.diverged
    assert outcome.steps < 100
    assert outcome.kept_step == 60
    assert outcome.held_out_hu == told[60] < outcome.trivial_hu
    assert "torn diverged after" in caplog.text
    assert "the weights of step 60 are kept" in caplog.text
    for one, other in zip(network.generator.get_weights(), kept[0], strict=True):
        np.testing.assert_array_equal(one, other)


def test_one_that_learnt_too_little_says_to_raise_its_steps(tmp_path: Path, material: Material) -> None:
    import_keras(1)
    network = Vae2D(4, 1e-9, 10)
    noise = np.random.default_rng(1).normal(-850, 10, material.hu.shape).astype(np.int16)
    plain = Material(noise, material.hole, material.wanted, material.patients)
    with pytest.raises(TrainingError, match="never came nearer") as caught:
        train_inpainter(network, plain, plain, Schedule(2, 2, 1), RunState(tmp_path / "s", {}), "short")
    assert caught.value.remedy == "raise inpainters.short.steps"


def test_single_slices_make_no_cubes(tmp_path: Path, toy_inpainters: ToyInpainters) -> None:
    with pytest.raises(SourceError, match="stacks of at least 24 mm that show lung") as caught:
        make_inpainter(toy_plan(InpainterKind.GAN_3D, toy_inpainters.reals / "single"), tmp_path / "none", name)
    assert caught.value.received == "1 series"


def test_the_graph_fills_holes_and_leaves_what_is_known(toy_inpainters: ToyInpainters) -> None:
    rng = np.random.default_rng(1)
    for folder, edge, axes, chance in ((toy_inpainters.gan, 32, 3, {"noise": (1, 32, 32, 32)}),
                                       (toy_inpainters.vae, 64, 2, {"code": (1, 32)})):  # fmt: skip
        hu = rng.normal(-850, 20, (1, *(edge,) * axes)).astype(np.float32)
        hole = np.zeros_like(hu)
        middle = (slice(None), *(slice(edge // 2 - 5, edge // 2 + 5),) * axes)
        hole[middle] = 1
        given = {key: rng.standard_normal(shape).astype(np.float32) for key, shape in chance.items()}
        made = Inpainter.open(folder).fill(hu=hu, hole=hole, wanted=np.zeros((1, 1), np.float32), **given)
        np.testing.assert_array_equal(made[hole == 0], hu[hole == 0])
        assert (made[hole == 1] != hu[hole == 1]).all()
        assert np.isfinite(made).all()
