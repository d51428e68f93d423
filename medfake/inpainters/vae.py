"""The conditional 2-D VAE: an encoder tells what fills a hole in few numbers, a decoder fills the hole by them."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.random import Generator

from medfake.inpainters.material import BRIGHTEST_HU, DARKEST_HU, Material, Values, middle
from medfake.tamper.cube import PARENCHYMA_BELOW_HU
from medfake.tamper.inpainted import LATENT
from medfake.tamper.network_patch import EDGE
from medfake.training.network_step import Step, compiled_step

_LUNG_HU = -850.0
_UNIT_HU = 700.0
_MIDDLE: Final = 4.0
"""Weight of the middle of the hole in the difference, beside 1 of the rest: a nodule is a small part of a hole."""
_FINE = 8  # channels at full resolution
_KL: Final = 0.002
"""Weight of the code's divergence from unit normal, a number of it, beside the difference in the hole."""


class Vae2D:
    """Encoder, decoder and their optimizer.

    Attributes:
        generator: The decoder: hu, hole (n, 64, 64), wanted (n, 1), code (n, 32) -> HU, same shape as hu.
    """

    def __init__(self, width: int, learning_rate: float, warm_steps: int) -> None:
        """Build both networks.

        Args:
            width: Channels of the first layer.
            learning_rate: Of both.
            warm_steps: Steps over which the weight of the code's divergence grows.
        """
        import keras

        self.generator = build_decoder(width)
        self.encoder = build_encoder(width)
        self._warm = max(warm_steps, 1)
        self._optimizer = keras.optimizers.Adam(learning_rate)
        self._update = _variational_step(self.generator, self.encoder, self._optimizer)

    def chance(self, rng: Generator, count: int) -> dict[str, Values]:
        """What makes two fillings of one hole differ."""
        return {"code": rng.standard_normal((count, LATENT), dtype=np.float32)}

    def learn(self, batch: Material, step: int, rng: Generator) -> dict[str, float]:
        """One step; the losses."""
        given = {**batch.inputs(), **self.chance(rng, len(batch))}
        weight = np.float32(min(step / self._warm, 1.0))
        told = self._update(given["hu"], given["hole"], given["wanted"], given["code"], weight)
        return {"l1_hu": float(told["l1"]) * _UNIT_HU, "divergence": float(told["divergence"])}

    def state(self) -> dict[str, list[Any]]:
        """All that must be known to go on."""
        return {
            "generator": self.generator.get_weights(), "encoder": self.encoder.get_weights(),
            "optimizer": [np.asarray(variable) for variable in self._optimizer.variables],
        }  # fmt: skip

    def restore(self, groups: Mapping[str, list[Any]]) -> None:
        """Go on from there."""
        self.generator.set_weights(groups["generator"])
        self.encoder.set_weights(groups["encoder"])
        for variable, value in zip(self._optimizer.variables, groups["optimizer"], strict=True):
            variable.assign(value)

    def set_learning_rate(self, rate: float) -> None:
        """From the next step on."""
        self._optimizer.learning_rate = rate


def build_encoder(width: int) -> Any:
    """Scaled HU and hole in; mean and log variance of the code."""
    import keras
    from keras import layers, ops

    hu, hole = (keras.Input((EDGE, EDGE), name=name) for name in ("hu", "hole"))
    x = ops.stack([_scaled(hu), hole], axis=-1)
    for channels in (width, 2 * width, 2 * width, 4 * width):
        x = _conv(x, channels, 4, 2)
    x = layers.Flatten()(x)
    return keras.Model([hu, hole], [layers.Dense(LATENT)(x), layers.Dense(LATENT)(x)], name="encoder")


def build_decoder(width: int) -> Any:
    """A U-Net whose lowest level is told the code; it predicts the difference from the mean of the lung around."""
    import keras
    from keras import layers, ops

    hu, hole = (keras.Input((EDGE, EDGE), name=name) for name in ("hu", "hole"))
    wanted, code = keras.Input((1,), name="wanted"), keras.Input((LATENT,), name="code")
    known = 1.0 - hole
    scaled = _scaled(hu)
    lung = known * ops.cast(hu < PARENCHYMA_BELOW_HU, "float32")
    mean = ops.sum(scaled * lung, (1, 2), keepdims=True) / (ops.sum(lung, (1, 2), keepdims=True) + 1.0)
    seen = ops.stack([(scaled - mean) * known, hole, ops.reshape(wanted, (-1, 1, 1)) * hole * middle(EDGE, 2)], axis=-1)
    half = _conv(seen, width, 4, 2)
    quarter = _conv(half, 2 * width, 4, 2)
    eighth = _conv(quarter, 2 * width, 4, 2)
    told = layers.Dense(8 * 8 * width)(layers.Concatenate()([code, wanted]))
    deep = layers.Concatenate()([eighth, ops.reshape(told, (-1, 8, 8, width))])
    deep = _conv(deep, 4 * width)
    deep = deep + _conv(deep, 4 * width)
    x = _conv(layers.Concatenate()([_up(deep, 2 * width), quarter]), 2 * width)
    x = _conv(layers.Concatenate()([_up(x, width), half]), width)
    x = _conv(layers.Concatenate()([_up(x, _FINE), seen]), _FINE)
    change = layers.Conv2D(1, 3, padding="same", kernel_initializer=keras.initializers.RandomNormal(stddev=0.01))(x)
    filled = (mean + ops.squeeze(change, -1)) * _UNIT_HU + _LUNG_HU
    return keras.Model([hu, hole, wanted, code], hu * known + filled * hole, name="decoder")


def _scaled(hu: Any) -> Any:
    from keras import ops

    return (ops.clip(hu, DARKEST_HU, BRIGHTEST_HU) - _LUNG_HU) / _UNIT_HU


def _conv(x: Any, channels: int, size: int = 3, stride: int = 1) -> Any:
    from keras import layers

    return layers.LeakyReLU(negative_slope=0.2)(layers.Conv2D(channels, size, strides=stride, padding="same")(x))


def _up(x: Any, channels: int) -> Any:
    from keras import layers

    return _conv(layers.UpSampling2D(2)(x), channels)  # a transposed convolution leaves a chequer that an eye sees


def _variational_step(decoder: Any, encoder: Any, optimizer: Any) -> Step:
    """A step of both on the evidence lower bound with a Laplace likelihood (Kingma and Welling 2014)."""
    import keras
    from keras import ops

    near = middle(EDGE, 2)
    hu, hole, wanted, chance = (keras.Input(one.shape[1:], name=f"{one.name}_seen") for one in decoder.inputs)
    mean, log_variance = encoder([hu, hole])
    log_variance = ops.clip(log_variance, -8.0, 8.0)
    content = decoder([hu, hole, wanted, mean + ops.exp(0.5 * log_variance) * chance])
    both = keras.Model([hu, hole, wanted, chance], [content, mean, log_variance])

    def losses(hu: Any, hole: Any, wanted: Any, chance: Any, weight: Any) -> tuple[Any, dict[str, Any]]:
        content, mean, log_variance = both([hu, hole, wanted, chance], training=True)
        weights = hole * (1.0 + _MIDDLE * near)
        l1 = ops.sum(ops.abs(content - hu) * weights) / (ops.sum(weights) + 1.0) / _UNIT_HU
        code = ops.square(mean) + ops.exp(log_variance) - 1.0 - log_variance
        divergence = 0.5 * ops.mean(ops.sum(code, axis=1))
        return l1 + weight * _KL * divergence, {"l1": l1, "divergence": divergence}

    return compiled_step(both, optimizer, losses)
