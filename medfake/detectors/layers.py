"""Keras layers that families of detectors share, registered under "medfake"; keras.ops only.

Imported inside functions: it loads Keras.
"""

from typing import Any

import numpy as np

from medfake.training.keras_setup import load_keras

keras = load_keras()

from keras import layers, ops  # noqa: E402  # load_keras must come first: it refuses foreign backends


def average_pool_same(maps: Any, size: int, step: int = 1) -> Any:
    """Average over windows that may reach beyond the border, where nothing counts.

    What `keras.ops.average_pool` gives with padding "same". On JAX it has XLA count the pixels of every window while it
    compiles, which takes minutes for large windows; here they are counted before.

    Args:
        maps: (slices, rows, cols, channels).
        size: Edge of the window.
        step: From window to window.
    """
    if keras.backend.backend() != "jax":
        return ops.average_pool(maps, size, step, padding="same")
    (before, counts), (left, across) = (_windows_same(length, size, step) for length in maps.shape[1:3])
    ends = [(first, max((len(shares) - 1) * step + size - first - length, 0))
            for first, shares, length in ((before, counts, maps.shape[1]), (left, across, maps.shape[2]))]  # fmt: skip
    pooled = ops.average_pool(ops.pad(maps, ((0, 0), *ends, (0, 0))), size, step, padding="valid")
    return pooled / ops.cast(counts[:, None, None] * across[None, :, None], pooled.dtype)


def _windows_same(length: int, size: int, step: int) -> tuple[int, np.ndarray[Any, np.dtype[np.float32]]]:
    """Pixels that are padded in front of an axis, and the share of each window that lies on it."""
    count = -(-length // step)
    before = max((count - 1) * step + size - length, 0) // 2
    first = np.arange(count) * step - before
    inside = np.minimum(first + size, length) - np.maximum(first, 0)
    return before, (inside / size).astype(np.float32)


@keras.saving.register_keras_serializable(package="medfake")
class Hounsfield(layers.Layer):
    """(slices, rows, cols) int16 HU -> (slices, rows, cols, 1) float32 HU."""

    def call(self, hu: Any) -> Any:
        """Cast and add the channel axis."""
        return ops.expand_dims(ops.cast(hu, "float32"), -1)


@keras.saving.register_keras_serializable(package="medfake")
class Window(layers.Layer):
    """(slices, rows, cols, 1) HU -> (slices, size, size, 3) in the input range of a backbone.

    Args:
        low: HU that becomes 0.
        high: HU that becomes the top of the range.
        size: Edge in px; slices of another size are resized bilinearly.
        contract: "raw" 0..255, "tf" -1..1, "torch" ImageNet mean and deviation, "caffe" mean-free BGR.
    """

    def __init__(self, low: float, high: float, size: int, contract: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.low, self.high, self.size, self.contract = low, high, size, contract

    def call(self, hu: Any) -> Any:
        """Window, resize, scale."""
        share = 6.0 / (self.high - self.low)
        flat = ops.squeeze(hu, -1)  # ONNX Runtime is ten times slower where the last axis is 1
        grey = ops.expand_dims(ops.relu6(flat * share - self.low * share) * (255.0 / 6.0), -1)  # relu6 clips in one go
        grey = ops.image.resize(grey, (self.size, self.size), interpolation="bilinear")
        image = ops.concatenate([grey, grey, grey], axis=-1)
        if self.contract == "tf":
            return image / 127.5 - 1.0
        if self.contract == "torch":
            return (image / 255.0 - ops.array([0.485, 0.456, 0.406])) / ops.array([0.229, 0.224, 0.225])
        if self.contract == "caffe":
            return image - ops.array([103.939, 116.779, 123.68])  # three equal channels: BGR is RGB
        return image

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """(slices, size, size, 3)."""
        return (shape[0], self.size, self.size, 3)

    def get_config(self) -> dict[str, Any]:
        """Arguments, for saving."""
        own = {"low": self.low, "high": self.high, "size": self.size, "contract": self.contract}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="medfake")
class Calibration(layers.Layer):
    """Logit -> probability: sigmoid(a logit + b), a and b fitted on validation slices (Platt 1999)."""

    def build(self, _: tuple[Any, ...]) -> None:
        """Start as the plain sigmoid."""
        self.a = self.add_weight(shape=(), initializer="ones", trainable=False, name="a")
        self.b = self.add_weight(shape=(), initializer="zeros", trainable=False, name="b")

    def call(self, logit: Any) -> Any:
        """Scale, shift, squash."""
        return ops.sigmoid(self.a * logit + self.b)

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Unchanged."""
        return shape
