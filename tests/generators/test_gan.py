"""Steps of a DCGAN on either backend, where what they do can be told."""

import importlib.util
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from medfake.generators.gan import Gan, GanOptions, apart, moved
from medfake.training.keras_setup import import_keras

keras = import_keras(1)
OPTIONS = GanOptions(
    size=64, latent=4, width=2, batch_size=4, generator_rate=1e-3, discriminator_rate=1e-3, smoothing=0.1, shift=0.1,
    cut=0.2,
)  # fmt: skip
NODULE = np.array([[0], [1], [0], [1]], np.int32)


def real() -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (4, 64, 64, 1)).astype(np.float32)


def test_a_step_changes_both_networks_and_tells_both_losses() -> None:
    keras.utils.set_random_seed(1)
    gan = Gan(OPTIONS)
    before = gan.state()
    told = gan.learn(real(), NODULE, np.random.default_rng(1))
    after = gan.state()
    assert sorted(told) == ["discriminator_loss", "generator_loss", "told_made", "told_real"]
    assert all(np.isfinite(list(told.values())))
    assert 0.5 < told["generator_loss"] < 1.0, "log 2 where nobody knows anything"
    for name in ("generator", "discriminator"):
        assert any((one != other).any() for one, other in zip(before[name], after[name], strict=True))


def test_a_training_that_goes_on_makes_the_same_steps() -> None:
    keras.utils.set_random_seed(1)
    one = Gan(OPTIONS)
    one.learn(real(), NODULE, np.random.default_rng(1))
    kept = one.state()
    there = one.learn(real(), NODULE, np.random.default_rng(2))
    other = Gan(OPTIONS)
    other.restore(kept)
    here = other.learn(real(), NODULE, np.random.default_rng(2))
    assert here == pytest.approx(there, rel=1e-4)


def test_averaged_weights_lie_between_those_of_the_steps_and_the_generator_goes_on_as_it_was() -> None:
    keras.utils.set_random_seed(1)
    gan = Gan(replace(OPTIONS, generator_rate=0.1))
    for _ in range(2):
        gan.learn(real(), NODULE, np.random.default_rng(1))
    before = gan.generator.get_weights()
    averaged = gan.averaged(np.random.default_rng(1))
    assert all((one == other).all() for one, other in zip(before, gan.generator.get_weights(), strict=True))
    largest = max(np.abs(one - other).max() for one, other in zip(before, averaged, strict=True))
    assert largest > 0.05


def test_slices_move_with_air_behind_them_and_a_part_is_blanked() -> None:
    pixels = np.zeros((1, 8, 8, 1), np.float32)
    pixels[0, 3, 4] = 0.5
    kept = np.ones((1, 8, 8, 1), np.float32)
    kept[0, :, 6:] = 0
    there = np.asarray(moved(pixels, np.array([[2], [-1]], np.int32), kept))[0, ..., 0]
    assert there[5, 3] == 0.5
    assert (there[:2] == -1).all(), "rows came in from above"
    assert (there[:, 6:] == -1).all()
    assert (there[2:, :6] == 0).sum() == 6 * 6 - 1


def test_slices_are_apart_as_their_forms_are_and_noise_is_no_form() -> None:
    same = np.zeros((4, 64, 64, 1), np.float32)
    assert float(apart(same)) == 0
    assert float(apart(same + np.array([0, 1, 0, 1], np.float32)[:, None, None, None])) == 0, "one is set beside one"
    assert float(apart(same + np.array([0, 1, 1, 1], np.float32)[:, None, None, None])) == pytest.approx(0.5)
    chequer = same + np.where(np.add.outer(np.arange(64), np.arange(64)) % 2, 1, -1)[None, ..., None]
    chequer[2:] *= -1
    assert float(apart(chequer.astype(np.float32))) == pytest.approx(0, abs=1e-6)
    assert float(apart(same[:3])) == 0, "of an odd number the last is left over"


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
@pytest.mark.slow
def test_all_of_this_is_so_on_jax() -> None:
    script = (
        "from tests.generators import test_gan as here\n"
        "assert here.keras.backend.backend() == 'jax'\n"
        "tests = [one for name, one in vars(here).items() if name.startswith('test_') and 'jax' not in name]\n"
        "assert len(tests) == 5\n"
        "[one() for one in tests]\n"
    )
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
