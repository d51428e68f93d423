"""The conditional 3-D GAN: a small U-Net fills the middle of a cube, a small CNN tells what was filled."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.random import Generator

from medfake.inpainters.material import BRIGHTEST_HU, DARKEST_HU, Material, Values, middle
from medfake.tamper.cube import PARENCHYMA_BELOW_HU
from medfake.tamper.network_cube import EDGE

_LUNG_HU = -850.0  # what is filled in where no lung is around
_UNIT_HU = 700.0
_MOMENTUM = 0.5  # of Adam, as GANs have it
_L1: Final = 30.0
"""Weight of the difference in the hole beside the adversarial loss."""
_MARGIN = 4  # of a cube, where nothing is filled
_INSIDE = EDGE - 2 * _MARGIN
_MIDDLE: Final = 8.0
"""Weight of the middle of the hole in that difference, beside 1 of the rest: a nodule is a small part of a hole."""
_CROP = (slice(None), *(slice(_MARGIN, EDGE - _MARGIN),) * 3)  # the hole, and what is beside it
_HALVED = (slice(None), *(slice(_MARGIN // 2, (EDGE - _MARGIN) // 2),) * 3)
_DEEP = 3  # layers at a quarter of the resolution
_FINE = 8  # channels at full resolution


class Gan3D:
    """Generator, discriminator and their optimizers.

    Attributes:
        generator: hu, hole (n, 32, 32, 32), wanted (n, 1), noise (n, 32, 32, 32) -> HU, same shape as hu.
    """

    def __init__(self, width: int, learning_rate: float, warm_steps: int) -> None:
        """Build both networks.

        Args:
            width: Channels of the first layer of the generator.
            learning_rate: Of both.
            warm_steps: Before the discriminator counts, and again until it counts in full.
        """
        import keras

        self.generator = build_generator(width)
        self.discriminator = build_discriminator(width)
        self._warm = warm_steps
        self._optimizers = [keras.optimizers.Adam(learning_rate, beta_1=_MOMENTUM) for _ in range(2)]
        for optimizer, network in zip(self._optimizers, self._networks, strict=True):
            optimizer.build(network.trainable_variables)
        self._update = _adversarial_update(self.generator, self.discriminator, *self._optimizers)

    @property
    def _networks(self) -> tuple[Any, Any]:
        return self.generator, self.discriminator

    def chance(self, rng: Generator, count: int) -> dict[str, Values]:
        """What makes two fillings of one hole differ."""
        return {"noise": rng.standard_normal((count, EDGE, EDGE, EDGE), dtype=np.float32)}

    def learn(self, batch: Material, step: int, rng: Generator) -> dict[str, float]:
        """One step of both; the losses."""
        given = {**batch.inputs(), **self.chance(rng, len(batch))}
        weight = np.float32(np.clip((step - self._warm) / max(self._warm, 1), 0, 1))
        l1, fooled, told = self._update(given["hu"], given["hole"], given["wanted"], given["noise"], weight)
        losses = {"l1_hu": float(l1) * _UNIT_HU, "generator": float(fooled)}
        return {**losses, "discriminator": float(told)} if weight else losses

    def state(self) -> dict[str, list[Any]]:
        """All that must be known to go on."""
        groups = {"generator": self.generator.get_weights(), "discriminator": self.discriminator.get_weights()}
        for name, optimizer in zip(("generator_optimizer", "discriminator_optimizer"), self._optimizers, strict=True):
            groups[name] = [np.asarray(variable) for variable in optimizer.variables]
        return groups

    def restore(self, groups: Mapping[str, list[Any]]) -> None:
        """Go on from there."""
        self.generator.set_weights(groups["generator"])
        self.discriminator.set_weights(groups["discriminator"])
        for name, optimizer in zip(("generator_optimizer", "discriminator_optimizer"), self._optimizers, strict=True):
            for variable, value in zip(optimizer.variables, groups[name], strict=True):
                variable.assign(value)

    def set_learning_rate(self, rate: float) -> None:
        """Of both networks, from the next step on."""
        for optimizer in self._optimizers:
            optimizer.learning_rate = rate


def build_generator(width: int) -> Any:
    """A U-Net of two levels below half resolution; it predicts the difference from the mean of the lung around."""
    import keras
    from keras import layers, ops

    shape = (EDGE, EDGE, EDGE)
    hu, hole, noise = (keras.Input(shape, name=name) for name in ("hu", "hole", "noise"))
    wanted = keras.Input((1,), name="wanted")
    known = 1.0 - hole
    clipped = ops.clip(hu, DARKEST_HU, BRIGHTEST_HU)
    scaled = (clipped - _LUNG_HU) / _UNIT_HU
    lung = known * ops.cast(clipped < PARENCHYMA_BELOW_HU, "float32")
    mean = ops.sum(scaled * lung, (1, 2, 3), keepdims=True) / (ops.sum(lung, (1, 2, 3), keepdims=True) + 1.0)
    solid = ops.reshape(wanted, (-1, 1, 1, 1)) * hole * middle(EDGE, 3)
    seen = ops.stack([(scaled - mean) * known, hole, solid, noise * hole], axis=-1)
    half = _conv(_conv(seen, width, 4, 2), width)
    quarter = _conv(half, 2 * width, 4, 2)
    for _ in range(_DEEP):
        quarter = quarter + _conv(quarter, 2 * width)
    up = _conv(layers.Concatenate()([_up(quarter, width), half]), width)
    fine = layers.Concatenate()([_up(up[_HALVED], _FINE), seen[_CROP]])
    fine = _conv(fine, _FINE)
    change = layers.Conv3D(1, 3, padding="same", kernel_initializer=keras.initializers.RandomNormal(stddev=0.01))(fine)
    change = ops.pad(ops.squeeze(change, -1), ((0, 0), *((_MARGIN, _MARGIN),) * 3))
    filled = (mean + change) * _UNIT_HU + _LUNG_HU
    content = hu * known + filled * hole
    return keras.Model([hu, hole, wanted, noise], content, name="generator")


def build_discriminator(width: int) -> Any:
    """Scaled content, hole and wanted in; one logit for each patch of the middle of the cube."""
    import keras
    from keras import layers, ops

    content, hole = (keras.Input((_INSIDE,) * 3, name=name) for name in ("content", "hole"))
    wanted = keras.Input((1,), name="wanted")
    solid = ops.reshape(wanted, (-1, 1, 1, 1)) * hole * middle(EDGE, 3)[_CROP]
    x = ops.stack([content, hole, solid], axis=-1)
    x = _conv(x, width, 4, 2)
    x = _conv(x, 2 * width, 4, 2)
    said = layers.Conv3D(1, 3, padding="same")(x)
    return keras.Model([content, hole, wanted], said, name="discriminator")


def _conv(x: Any, channels: int, size: int = 3, stride: int = 1) -> Any:
    from keras import layers

    x = layers.Conv3D(channels, size, strides=stride, padding="same")(x)
    return layers.LeakyReLU(negative_slope=0.2)(x)


def _up(x: Any, channels: int) -> Any:
    from keras import layers

    return _conv(layers.UpSampling3D(2)(x), channels)  # a transposed convolution leaves a chequer that an eye sees


def _adversarial_update(generator: Any, discriminator: Any, for_generator: Any, for_discriminator: Any) -> Any:
    """One step of both networks with hinge losses (Lim and Ye 2017), traced once."""
    import tensorflow as tf

    near = middle(EDGE, 3)

    def scaled(hu: Any) -> Any:
        clipped = tf.clip_by_value(hu, float(DARKEST_HU), float(BRIGHTEST_HU))
        return ((clipped - _LUNG_HU) / _UNIT_HU)[_CROP]

    def update(hu: Any, hole: Any, wanted: Any, noise: Any, weight: Any) -> Any:
        inner = hole[_CROP]
        with tf.GradientTape() as tape:
            content = generator([hu, hole, wanted, noise], training=True)
            weights = hole * (1.0 + _MIDDLE * near)
            l1 = tf.reduce_sum(tf.abs(content - hu) * weights) / (tf.reduce_sum(weights) + 1.0) / _UNIT_HU
            fooled = -tf.reduce_mean(discriminator([scaled(content), inner, wanted], training=True))
            loss = _L1 * l1 + weight * fooled
        gradients = tape.gradient(loss, generator.trainable_variables)
        for_generator.apply(gradients, generator.trainable_variables)
        with tf.GradientTape() as tape:
            real = discriminator([scaled(hu), inner, wanted], training=True)
            made = discriminator([scaled(content), inner, wanted], training=True)
            told = tf.reduce_mean(tf.nn.relu(1.0 - real)) + tf.reduce_mean(tf.nn.relu(1.0 + made))
        gradients = tape.gradient(told, discriminator.trainable_variables)
        for_discriminator.apply(gradients, discriminator.trainable_variables)
        return l1, fooled, told

    traced: Any = tf.function(update)
    return traced
