"""Keras layers of one-class detectors, registered under "medfake"; keras.ops only.

Imported inside functions: it loads Keras.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from medfake.detectors.dense.texture_layers import ResidualTexture
from medfake.training.keras_setup import load_keras

keras = load_keras()

from keras import layers, ops  # noqa: E402  # load_keras must come first: it refuses foreign backends

_EPSILON = 1e-6
_LUNG_HU = -850.0
_USUAL_NOISE_HU = 30.0
_FARTHEST = 12.0
"""Deviations of the noise from lung: what is brighter is vessel or nodule, however bright."""


@keras.saving.register_keras_serializable(package="medfake")
class AgainstRing(layers.Layer):
    """(places, 8 x channels) features -> (places, channels - 2): means in 24 px less those in the ring.

    Brightness and its slope are content, and left out.
    """

    def call(self, features: Any) -> Any:
        """Cut out."""
        channels = features.shape[-1] // 8
        return features[..., 3 * channels : 4 * channels - 2]

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Fewer channels."""
        return (*shape[:-1], shape[-1] // 8 - 2)


@keras.saving.register_keras_serializable(package="medfake")
class LogLength(layers.Layer):
    """(places, n) -> (places, 1) log of the squared length: of whitened features, Mahalanobis' distance."""

    def call(self, white: Any) -> Any:
        """Square, add, log."""
        return ops.log(ops.sum(ops.square(white), axis=-1, keepdims=True) + _EPSILON)

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """One number a place."""
        return (*shape[:-1], 1)


@keras.saving.register_keras_serializable(package="medfake")
class NearestRemembered(layers.Layer):
    """(places, n) -> (places, 1) log of the squared distance to the k-th nearest place of a memory.

    Args:
        memory: How many places.
        neighbour: k, from 1.
    """

    def __init__(self, memory: int, neighbour: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size, self.neighbour = memory, neighbour

    def build(self, shape: tuple[Any, ...]) -> None:
        """The memory is a weight, so that every export carries it."""
        self.memory = self.add_weight(shape=(self.size, shape[-1]), trainable=False, name="memory")

    def call(self, white: Any) -> Any:
        """|x - m|^2 = |x|^2 - 2 x m + |m|^2, as a product of matrices."""
        own = ops.sum(ops.square(white), axis=-1, keepdims=True)
        theirs = ops.sum(ops.square(self.memory), axis=-1)
        nearness = 2.0 * ops.matmul(white, ops.transpose(self.memory)) - theirs
        nearest, _ = ops.top_k(nearness, self.neighbour)
        return ops.log(ops.maximum(own - nearest[..., self.neighbour - 1 :], 0.0) + _EPSILON)

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """One number a place."""
        return (*shape[:-1], 1)

    def get_config(self) -> dict[str, Any]:
        """Arguments, for saving."""
        return {**super().get_config(), "memory": self.size, "neighbour": self.neighbour}


@keras.saving.register_keras_serializable(package="medfake")
class RealLevel(layers.Layer):
    """Log distance -> logit: scale x distance + offset, both fitted on real slices."""

    def build(self, _: tuple[Any, ...]) -> None:
        """Start as it comes."""
        self.scale = self.add_weight(shape=(), initializer="ones", trainable=False, name="scale")
        self.offset = self.add_weight(shape=(), initializer="zeros", trainable=False, name="offset")

    def call(self, distance: Any) -> Any:
        """Scale, shift."""
        return self.scale * distance + self.offset

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Unchanged."""
        return shape


@keras.saving.register_keras_serializable(package="medfake")
class NoiseUnits(layers.Layer):
    """HU and lung, both (slices, rows, cols, 1) -> the slice in units of its own lung noise, around lung."""

    def call(self, hu: Any, lung: Any) -> Any:
        """Measure neighbours' differences in the lungs, divide, clip."""
        step = hu[:, :, 1:] - hu[:, :, :-1]
        inside = lung[:, :, 1:]
        level = ops.sum(ops.log(ops.abs(step) + 0.5) * inside, axis=(1, 2), keepdims=True)
        noise = ops.exp(level / ops.maximum(ops.sum(inside, axis=(1, 2), keepdims=True), 1.0))
        return ops.clip((hu - _LUNG_HU) / (noise + 0.3), -_FARTHEST, _FARTHEST)

    def compute_output_shape(self, hu_shape: tuple[Any, ...], lung_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Unchanged."""
        del lung_shape
        return hu_shape


@keras.saving.register_keras_serializable(package="medfake")
class Around(layers.Layer):
    """A convolution that does not see the middle of its kernel: (slices, rows, cols, 1) -> (slices, rows, cols, width).

    Args:
        width: Channels.
        edge: Of the kernel, px, odd.
        hole: Edge of what it does not see, px, odd.
    """

    def __init__(self, width: int, edge: int, hole: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.width, self.edge, self.hole = width, edge, hole

    def build(self, _: tuple[Any, ...]) -> None:
        """A kernel, whatever of it is masked."""
        self.kernel = self.add_weight(shape=(self.edge, self.edge, 1, self.width), name="kernel")
        self.bias = self.add_weight(shape=(self.width,), initializer="zeros", name="bias")
        seen = np.ones((self.edge, self.edge, 1, 1), np.float32)
        first = (self.edge - self.hole) // 2
        seen[first : first + self.hole, first : first + self.hole] = 0
        self.seen = seen

    def call(self, image: Any) -> Any:
        """Mirror at the border, convolve."""
        half = self.edge // 2
        flat = ops.squeeze(image, -1)  # ONNX Runtime is ten times slower where the last axis is 1
        wide = ops.expand_dims(ops.pad(flat, ((0, 0), (half, half), (half, half)), mode="reflect"), -1)
        return ops.conv(wide, self.kernel * self.seen, padding="valid") + self.bias

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """More channels."""
        return (*shape[:-1], self.width)

    def get_config(self) -> dict[str, Any]:
        """Arguments, for saving."""
        return {**super().get_config(), "width": self.width, "edge": self.edge, "hole": self.hole}


@keras.saving.register_keras_serializable(package="medfake")
class UnguessedTexture(ResidualTexture):
    """HU and lung -> texture of what a denoiser could not guess, in cells of 4 px, and their lung share.

    Args:
        denoiser: Slices in `NoiseUnits` -> guesses of every pixel, (slices, rows, cols, guesses).
        guesses: How many.
    """

    def __init__(self, denoiser: Any, guesses: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.denoiser, self.bands = denoiser, guesses
        self.correlated = self.skewed = slice(0, guesses)
        self.units = NoiseUnits()

    def build(self, *_: Any, **__: Any) -> None:
        """Nothing of its own: the denoiser has the weights."""

    def residuals(self, hu: Any, lung: Any) -> Any:
        """Every pixel less its guesses; in HU's order of size, for what describes residuals."""
        image = self.units(hu, lung)
        return (image - self.denoiser(image, training=False)) * _USUAL_NOISE_HU

    def get_config(self) -> dict[str, Any]:
        """Arguments, for saving."""
        own = {"denoiser": keras.saving.serialize_keras_object(self.denoiser), "guesses": self.bands}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "UnguessedTexture":
        """The layer with its denoiser."""
        return cls(keras.saving.deserialize_keras_object(config.pop("denoiser")), **config)


def guess(image: Any, edge: int, holes: Sequence[int], width: int) -> Any:
    """Layers from slices to one guess of every pixel for each hole."""
    guesses = []
    for hole in holes:
        hidden = layers.ReLU()(Around(width, edge, hole)(image))
        hidden = layers.Conv2D(width, 1, activation="relu")(hidden)
        guesses.append(layers.Conv2D(1, 1)(hidden))
    return layers.Concatenate()(guesses) if len(guesses) > 1 else guesses[0]
