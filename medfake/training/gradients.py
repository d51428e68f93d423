"""Gradients by the backend that Keras runs on: the one place that knows how each of them does it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.training.keras_setup import load_keras

Loss = Callable[[Any, Any], Any]
"""Of labels and of what a network says, tensors; any shape."""
Derive = Callable[[NDArray[np.float32], NDArray[Any]], Any]
"""Of inputs and labels: how the loss changes with each input, a tensor of the inputs' shape."""


def gradient_of_sum(function: Callable[[Any], Any], at: NDArray[np.float32]) -> NDArray[np.float32]:
    """How the sum of what a function gives changes with each value that goes in.

    Args:
        function: Of a float32 tensor, in operations of Keras; its result has any shape.
        at: Where it is differentiated.

    Returns:
        float32 of the shape of `at`; 0 where the function does not depend on a value.
    """
    backend = load_keras().backend.backend()
    by = _on_jax if backend == "jax" else _on_tensorflow
    return np.asarray(by(function, at), np.float32)


def compiled_gradient(network: Any, loss: Loss) -> Derive:
    """How a network's loss changes with its inputs, as a function that is compiled once and called often.

    Args:
        network: Keras model of one input; its weights are those of the moment of each call.
        loss: Of labels and of what it says.
    """
    on_jax = load_keras().backend.backend() == "jax"
    return (_compiled_on_jax if on_jax else _compiled_on_tensorflow)(network, loss)


def _on_tensorflow(function: Callable[[Any], Any], at: NDArray[np.float32]) -> Any:
    import tensorflow as tf

    given = tf.convert_to_tensor(at)
    with tf.GradientTape() as tape:
        tape.watch(given)
        total = tf.reduce_sum(function(given))
    return tape.gradient(total, given, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def _on_jax(function: Callable[[Any], Any], at: NDArray[np.float32]) -> Any:
    import jax

    return jax.grad(lambda given: function(given).sum())(jax.numpy.asarray(at))


def _compiled_on_tensorflow(network: Any, loss: Loss) -> Derive:
    import tensorflow as tf

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def derive(real: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(real)
            value = loss(labels, network(real, training=False))
        return tape.gradient(value, real, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    return lambda real, labels: derive(tf.constant(real), tf.constant(labels))


def _compiled_on_jax(network: Any, loss: Loss) -> Derive:
    import jax

    def value(real: Any, labels: Any, trainable: Any, fixed: Any) -> Any:
        said, _ = network.stateless_call(trainable, fixed, real, training=False)
        return loss(labels, said).sum()

    derive = jax.jit(jax.grad(value))

    def now(real: NDArray[np.float32], labels: NDArray[Any]) -> Any:
        state = ([one.value for one in part] for part in (network.trainable_variables, network.non_trainable_variables))
        return derive(real, labels, *state)

    return now
