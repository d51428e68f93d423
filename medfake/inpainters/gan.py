"""The conditional 3-D GAN: a small U-Net fills the middle of a cube, a small CNN tells what was filled."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.random import Generator

from medfake.inpainters.material import BRIGHTEST_HU, DARKEST_HU, Material, Values, middle
from medfake.tamper.cube import PARENCHYMA_BELOW_HU
from medfake.tamper.network_cube import EDGE
from medfake.training.network_step import Step, compiled_step

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
        self._fill, self._tell = _adversarial_steps(self.generator, self.discriminator, self._optimizers)

    def chance(self, rng: Generator, count: int) -> dict[str, Values]:
        """What makes two fillings of one hole differ."""
        return {"noise": rng.standard_normal((count, EDGE, EDGE, EDGE), dtype=np.float32)}

    def learn(self, batch: Material, step: int, rng: Generator) -> dict[str, float]:
        """One step of both; the losses."""
        given = {**batch.inputs(), **self.chance(rng, len(batch))}
        weight = np.float32(np.clip((step - self._warm) / max(self._warm, 1), 0, 1))
        filled = self._fill(given["hu"], given["hole"], given["wanted"], given["noise"], weight)
        told = self._tell(given["hu"], given["hole"], given["wanted"], filled["content"])
        losses = {"l1_hu": float(filled["l1"]) * _UNIT_HU, "generator": float(filled["fooled"])}
        return {**losses, "discriminator": float(told["loss"])} if weight else losses

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


def _adversarial_steps(generator: Any, discriminator: Any, optimizers: Sequence[Any]) -> tuple[Step, Step]:
    """A step of each network with hinge losses (Lim and Ye 2017); the second is given what the first filled in."""
    from keras import ops

    near = middle(EDGE, 3)

    def scaled(hu: Any) -> Any:
        clipped = ops.clip(hu, float(DARKEST_HU), float(BRIGHTEST_HU))
        return ((clipped - _LUNG_HU) / _UNIT_HU)[_CROP]

    def fill(hu: Any, hole: Any, wanted: Any, noise: Any, weight: Any) -> tuple[Any, dict[str, Any]]:
        content = generator([hu, hole, wanted, noise], training=True)
        weights = hole * (1.0 + _MIDDLE * near)
        l1 = ops.sum(ops.abs(content - hu) * weights) / (ops.sum(weights) + 1.0) / _UNIT_HU
        fooled = -ops.mean(discriminator([scaled(content), hole[_CROP], wanted], training=True))
        return _L1 * l1 + weight * fooled, {"l1": l1, "fooled": fooled, "content": content}

    def tell(hu: Any, hole: Any, wanted: Any, content: Any) -> tuple[Any, dict[str, Any]]:
        inner = hole[_CROP]
        real = discriminator([scaled(hu), inner, wanted], training=True)
        made = discriminator([scaled(content), inner, wanted], training=True)
        return ops.mean(ops.relu(1.0 - real)) + ops.mean(ops.relu(1.0 + made)), {}

    for_generator, for_discriminator = optimizers
    return (
        compiled_step(generator, for_generator, fill, through=[discriminator]),
        compiled_step(discriminator, for_discriminator, tell),
    )
