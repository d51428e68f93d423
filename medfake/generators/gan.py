"""Steps of a DCGAN: two networks trained against each other on slices that both see moved and cut alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from medfake.config import DcganParams
from medfake.generators.networks import build_discriminator, build_generator
from medfake.training.network_step import compiled_step

Pixels = NDArray[np.float32]
_MOMENTUM: Final = 0.5
"""Of Adam, as DCGANs have it (Radford et al. 2016)."""
_AVERAGE: Final = 0.99
"""Of the generator's weights, of which slices are made: single steps sway."""
_SETTLING = 20  # batches until BatchNorm knows the averaged weights
_VARIETY: Final = 2.0
"""Weight of what the generator loses where slices are alike, beside 1 for where it fools nobody."""
_COARSE: Final = 16
"""Parts along an edge that are compared for it: form, and no noise."""
_LEAST_APART = 1e-3  # of the scale -1..1
_BLANK = -1.0  # what moves in from outside: air


@dataclass(frozen=True)
class GanOptions:
    """Shape and rates.

    Attributes:
        size: Rows and columns of a slice.
        latent: Normal numbers that a slice is made of.
        width: Channels at half of the size.
        batch_size: Slices of a step, real and made alike.
        generator_rate: Of Adam.
        discriminator_rate: Of Adam.
        smoothing: What a real slice's target is less than 1 (Salimans et al. 2016, one-sided).
        shift: Share of the size by which both networks' slices are moved at most before they are told apart.
        cut: Share of the size that is blanked of them, rows and columns (Zhao et al. 2020, DiffAugment).
    """

    size: int
    latent: int
    width: int
    batch_size: int
    generator_rate: float
    discriminator_rate: float
    smoothing: float
    shift: float
    cut: float

    @classmethod
    def of(cls, plan: DcganParams) -> "GanOptions":
        """As a block of params.yaml says."""
        return cls(
            plan.size, plan.latent, plan.width, plan.batch_size, plan.generator_rate, plan.discriminator_rate,
            plan.smoothing, plan.shift, plan.cut,
        )  # fmt: skip


class Gan:
    """Generator, discriminator and their optimizers.

    Attributes:
        generator: noise (n, latent), nodule (n, 1) -> (n, size, size, 1), -1..1.
        discriminator: slice, nodule -> logit of being real.
        options: Shape and rates.
    """

    def __init__(self, options: GanOptions) -> None:
        """Build both networks, with weights of the backend's present seed."""
        import keras

        self.options = options
        self.generator = build_generator(options.size, options.width, options.latent)
        self.discriminator = build_discriminator(options.size, options.width)
        self._for_generator = keras.optimizers.Adam(
            options.generator_rate, beta_1=_MOMENTUM, use_ema=True, ema_momentum=_AVERAGE
        )
        self._for_discriminator = keras.optimizers.Adam(options.discriminator_rate, beta_1=_MOMENTUM)
        self._fool = compiled_step(self.generator, self._for_generator, self._fooled, [self.discriminator])
        self._tell = compiled_step(self.discriminator, self._for_discriminator, self._told, [self.generator])

    def learn(self, real: Pixels, nodule: NDArray[np.int32], rng: Generator) -> dict[str, float]:
        """One step of both.

        Args:
            real: (n, size, size, 1), -1..1.
            nodule: (n, 1), 0 or 1.
            rng: All chance comes from here.

        Returns:
            Losses of both, and the share of real and of made slices that the discriminator took for what they are.
        """
        count = len(real)
        told = self._tell(real, nodule, self.noise(rng, count), *self._move(rng), *self._move(rng))
        half = rng.permutation(nodule)[
            : -(-count // 2)
        ]  # of every class in pairs, so that noise alone makes a difference
        asked = np.concatenate([half, half])[:count]
        fooled = self._fool(real, self.noise(rng, count), asked, *self._move(rng))
        return {
            "generator_loss": float(fooled["fooled"]), "discriminator_loss": float(told["loss"]),
            "told_real": float(told["told_real"]), "told_made": float(told["told_made"]),
        }  # fmt: skip

    def noise(self, rng: Generator, count: int) -> Pixels:
        """(count, latent) of unit normal."""
        return rng.standard_normal((count, self.options.latent), dtype=np.float32)

    def averaged(self, rng: Generator) -> list[Any]:
        """The generator's averaged weights, BatchNorm settled on them; the generator itself goes on as it was."""
        before = self.generator.get_weights()
        self._for_generator.finalize_variable_values(self.generator.trainable_variables)
        for _ in range(_SETTLING):
            count = self.options.batch_size
            asked = np.arange(count, dtype=np.int32)[:, None] % 2
            self.generator([self.noise(rng, count), asked], training=True)
        after: list[Any] = self.generator.get_weights()
        self.generator.set_weights(before)
        return after

    def make(self, rng: Generator, nodule: NDArray[np.int32]) -> Pixels:
        """Slices as they are shown, with the weights as they stand.

        Args:
            rng: Of their noise.
            nodule: (n, 1), 0 or 1: what is asked for.

        Returns:
            (n, size, size, 1), -1..1.
        """
        noise, size = self.noise(rng, len(nodule)), self.options.batch_size
        parts = [
            np.asarray(self.generator([noise[at : at + size], nodule[at : at + size]], training=False))
            for at in range(0, len(nodule), size)
        ]
        return np.concatenate(parts)

    def state(self) -> dict[str, list[Any]]:
        """All that must be known to go on."""
        return {
            "generator": self.generator.get_weights(), "discriminator": self.discriminator.get_weights(),
            "generator_optimizer": [np.asarray(one) for one in self._for_generator.variables],
            "discriminator_optimizer": [np.asarray(one) for one in self._for_discriminator.variables],
        }  # fmt: skip

    def restore(self, groups: Mapping[str, list[Any]]) -> None:
        """Go on from there."""
        self.generator.set_weights(groups["generator"])
        self.discriminator.set_weights(groups["discriminator"])
        for name, optimizer in (("generator_optimizer", self._for_generator),
                                ("discriminator_optimizer", self._for_discriminator)):  # fmt: skip
            for variable, value in zip(optimizer.variables, groups[name], strict=True):
                variable.assign(value)

    def set_learning_rate(self, rate: float) -> None:
        """Of both networks, from the next step on."""
        self._for_generator.learning_rate = rate
        self._for_discriminator.learning_rate = rate

    def _told(self, real: Any, nodule: Any, noise: Any, *moves: Any) -> Any:
        """What the discriminator loses: real slices for made ones, and the other way round."""
        from keras import ops

        made = ops.stop_gradient(self.generator([noise, nodule], training=True))
        on_real = self.discriminator([moved(real, *moves[:2]), nodule], training=True)
        on_made = self.discriminator([moved(made, *moves[2:]), nodule], training=True)
        target = 1.0 - self.options.smoothing
        loss = ops.mean(ops.softplus(on_real) - target * on_real) + ops.mean(ops.softplus(on_made))
        return loss, {
            "told_real": ops.mean(ops.cast(on_real > 0, "float32")),
            "told_made": ops.mean(ops.cast(on_made < 0, "float32")),
        }

    def _fooled(self, real: Any, noise: Any, nodule: Any, *moves: Any) -> Any:
        """What the generator loses where it fools nobody, in the form that does not saturate (Goodfellow et al. 2014).

        It also loses where its slices differ less than real ones do, as Mao et al. 2019 have it, but no more once they
        differ as much: a generator of chests, which are much alike, would soon make one chest alone. Both are compared
        as they were moved: parts that lay at the same pixels in every step would show as a grid.
        """
        from keras import ops

        made = moved(self.generator([noise, nodule], training=True), *moves)
        fooled = ops.mean(ops.softplus(-self.discriminator([made, nodule], training=True)))
        alike = ops.relu(1.0 - apart(made) / (apart(moved(real, *moves)) + _LEAST_APART))
        return fooled + _VARIETY * alike, {"fooled": fooled}

    def _move(self, rng: Generator) -> tuple[NDArray[np.int32], Pixels]:
        """By how many rows and columns a batch moves, (2, 1), and what of it stays, (1, size, size, 1).

        All slices of a batch move alike: if each moved by itself, a batch of slices that are all the same would look as
        varied as a real one, and nothing would keep the generator from making one slice alone.
        """
        size = self.options.size
        farthest, edge = round(self.options.shift * size), round(self.options.cut * size)
        by = rng.integers(-farthest, farthest + 1, (2, 1))
        top, left = (max(0, int(at)) for at in rng.integers(-(edge // 2), size - edge // 2, 2))
        kept = np.ones((1, size, size, 1), np.float32)
        kept[:, top : top + edge, left : left + edge] = 0
        return by.astype(np.int32), kept


def apart(pixels: Any) -> Any:
    """Mean difference between the coarse forms of the first half of a batch and of the second, a scalar."""
    from keras import ops

    edge = pixels.shape[1] // _COARSE
    coarse = ops.mean(ops.reshape(pixels, (-1, _COARSE, edge, _COARSE, edge)), axis=(2, 4))
    half = pixels.shape[0] // 2 if pixels.shape[0] else ops.shape(pixels)[0] // 2
    return ops.mean(ops.abs(coarse[:half] - coarse[half : 2 * half]))


def moved(pixels: Any, by: Any, kept: Any) -> Any:
    """Slices moved and cut, in operations that lead gradients back.

    Args:
        pixels: (n, size, size, 1), -1..1.
        by: (2, 1) int32: so many rows down, so many columns to the right; air follows.
        kept: (1, size, size, 1): 0 where air is put, else 1.
    """
    from keras import ops

    axis = ops.arange(pixels.shape[1], dtype="int32")
    rows, cols = (
        ops.cast(ops.equal(axis[None, :, None] - ops.reshape(one, (-1, 1, 1)), axis[None, None]), "float32")
        for one in (by[0], by[1])
    )
    flat = ops.squeeze(pixels, -1) - _BLANK
    moved = ops.matmul(ops.matmul(rows, flat), ops.transpose(cols, (0, 2, 1)))
    return ops.expand_dims(moved, -1) * kept + _BLANK
