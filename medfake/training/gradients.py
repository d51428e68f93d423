"""Gradients by the backend that Keras runs on: the one place that knows how each of them does it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.training.keras_setup import load_keras


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
