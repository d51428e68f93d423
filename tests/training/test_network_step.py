"""One update of a network whose loss goes through others, where the answer is known; the same on either backend."""

import importlib.util
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from medfake.training.keras_setup import import_keras
from medfake.training.network_step import compiled_step

keras = import_keras(0)
RATE = 0.1


def dense(weight: float, *, normalised: bool = False) -> Any:
    """A network that multiplies by one weight, and keeps a moving average of what it said where it is normalised."""
    from keras import layers

    given = layers.Input((1,))
    said = layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(weight))(given)
    if normalised:
        said = layers.BatchNormalization(momentum=0.5, center=False, scale=False)(said)
    return keras.Model(given, said)


def weights(network: Any) -> list[float]:
    return [float(one.squeeze()) for one in network.get_weights()]


def test_one_step_goes_down_the_gradient_through_another_network() -> None:
    first, second = dense(2.0), dense(3.0)
    step = compiled_step(
        first, keras.optimizers.SGD(RATE), lambda given: (keras.ops.mean(second(first(given))), {}), [second]
    )
    told = step(np.ones((4, 1), np.float32))
    assert float(told["loss"]) == pytest.approx(6.0)
    assert weights(first) == pytest.approx([2.0 - RATE * 3.0])
    assert weights(second) == [3.0]


def test_a_step_sees_what_steps_of_the_other_network_did() -> None:
    first, second = dense(2.0), dense(3.0)
    given = np.ones((4, 1), np.float32)
    both = [
        compiled_step(
            one, keras.optimizers.SGD(RATE), lambda given: (keras.ops.mean(second(first(given))), {}), [other]
        )
        for one, other in ((first, second), (second, first))
    ]
    for step in both:
        step(given)
    assert weights(first) == pytest.approx([1.7])
    assert weights(second) == pytest.approx([3.0 - RATE * 1.7])
    assert float(both[0](given)["loss"]) == pytest.approx(1.7 * (3.0 - RATE * 1.7))


def test_what_layers_note_in_training_is_noted_in_all_networks_alike() -> None:
    first, second = dense(2.0, normalised=True), dense(3.0, normalised=True)

    def losses(given: Any) -> Any:
        return keras.ops.mean(second(first(given, training=True), training=True)), {}

    compiled_step(first, keras.optimizers.SGD(RATE), losses, [second])(np.array([[1.0], [3.0]], np.float32))
    assert weights(first)[1:] == pytest.approx([2.0, 2.5])  # halfway from (0, 1) to mean 4, variance 4
    assert weights(second)[1] == pytest.approx(0.0, abs=1e-5)  # it was given what is normal already
    assert weights(second)[2] == pytest.approx(5.0, rel=1e-2)
    assert weights(second)[0] == 3.0


def test_what_the_losses_tell_comes_back_by_name_with_several_inputs() -> None:
    network = dense(2.0)

    def losses(given: Any, wanted: Any) -> Any:
        said = network(given)
        return keras.ops.mean(keras.ops.square(said - wanted)), {"said": said}

    told = compiled_step(network, keras.optimizers.SGD(RATE), losses)(
        np.ones((2, 1), np.float32), np.zeros((2, 1), np.float32)
    )
    assert sorted(told) == ["loss", "said"]
    assert np.asarray(told["said"]).ravel().tolist() == [2.0, 2.0]
    assert weights(network) == pytest.approx([2.0 - RATE * 4.0])


def test_an_optimizer_with_a_state_goes_on_where_it_was() -> None:
    network, adam = dense(2.0), keras.optimizers.Adam(RATE)
    step = compiled_step(network, adam, lambda given: (keras.ops.mean(network(given)), {}))
    for _ in range(3):
        step(np.ones((2, 1), np.float32))
    assert int(adam.iterations) == 3
    assert weights(network) == pytest.approx([2.0 - 3 * RATE], rel=1e-4)


def test_a_weight_that_the_loss_does_not_depend_on_stays() -> None:
    network, other = dense(2.0), dense(3.0)
    step = compiled_step(network, keras.optimizers.SGD(RATE), lambda given: (keras.ops.mean(other(given)), {}), [other])
    assert float(step(np.ones((2, 1), np.float32))["loss"]) == pytest.approx(3.0)
    assert weights(network) == [2.0]


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_all_of_this_is_so_on_jax() -> None:
    script = (
        "from tests.training import test_network_step as here\n"
        "assert here.keras.backend.backend() == 'jax'\n"
        "tests = [one for name, one in vars(here).items() if name.startswith('test_') and 'jax' not in name]\n"
        "assert len(tests) == 6\n"
        "[one() for one in tests]\n"
    )
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
