"""Steps of networks that are trained through each other, such as the two of a GAN, on either backend of Keras."""

from collections.abc import Callable, Sequence
from typing import Any

from medfake.training.keras_setup import load_keras

Losses = Callable[..., tuple[Any, dict[str, Any]]]
"""Of batches, tensors: the loss that is lowered, a scalar, and other tensors that are told, by name."""
Step = Callable[..., dict[str, Any]]
"""Of batches: one update; what the losses told, and the loss itself as "loss", tensors."""


def compiled_step(network: Any, optimizer: Any, losses: Losses, through: Sequence[Any] = ()) -> Step:
    """One update of a network, as a function that is compiled once and called often.

    The losses call networks as Keras does, `network(batch, training=True)`, in operations of Keras. What layers change
    when they are called in training, such as moving averages of BatchNorm, changes in all networks alike; weights
    change in `network` alone.

    Args:
        network: Keras model whose trainable weights are updated.
        optimizer: Of Keras, for that network alone; built here where it is not yet.
        losses: Called with the batches that a step is given, once for every shape of them.
        through: Other Keras models that the losses call.

    Returns:
        A step: `step(noise)["loss"]`; it takes arrays or tensors, always as many.
    """
    if not optimizer.built:
        optimizer.build(network.trainable_variables)
    on_jax = load_keras().backend.backend() == "jax"
    return (_on_jax if on_jax else _on_tensorflow)(network, optimizer, losses, through)


def _on_tensorflow(network: Any, optimizer: Any, losses: Losses, through: Sequence[Any]) -> Step:
    import tensorflow as tf

    del through  # their variables are found by being used

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def step(*given: Any) -> Any:
        with tf.GradientTape() as tape:
            loss, told = losses(*given)
        variables = network.trainable_variables
        values = [variable.value for variable in variables]
        gradients = tape.gradient(loss, values, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        optimizer.apply(gradients, variables)
        return {**told, "loss": loss}

    return lambda *given: step(*(tf.convert_to_tensor(one) for one in given))


def _on_jax(network: Any, optimizer: Any, losses: Losses, through: Sequence[Any]) -> Step:
    import jax

    keras = load_keras()
    learnt = network.trainable_variables
    followed = [*network.non_trainable_variables]
    for other in through:
        followed += [*other.trainable_variables, *other.non_trainable_variables]

    def loss_of(now: Any, beside: Any, given: Any) -> Any:
        mapping = [*zip(learnt, now, strict=True), *zip(followed, beside, strict=True)]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            loss, told = losses(*given)
        return loss, (told, [scope.get_current_value(variable) for variable in followed])

    @jax.jit
    def step(now: Any, beside: Any, kept: Any, given: Any) -> Any:
        (loss, (told, beside)), gradients = jax.value_and_grad(loss_of, has_aux=True)(now, beside, given)
        now, kept = optimizer.stateless_apply(kept, gradients, now)
        return now, beside, kept, {**told, "loss": loss}

    def update(*given: Any) -> dict[str, Any]:
        groups = (learnt, followed, optimizer.variables)
        *changed, told = step(*([one.value for one in group] for group in groups), given)
        for group, values in zip(groups, changed, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        said: dict[str, Any] = told
        return said

    return update
