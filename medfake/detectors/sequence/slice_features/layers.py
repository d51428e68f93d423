"""Keras layers of what walks over vectors of slices; keras.ops only.

Imported inside functions: it loads Keras.
"""

from typing import Any, Final

from medfake.detectors.dense import grid
from medfake.detectors.sequence.grid import NOWHERE_MM
from medfake.detectors.sequence.layers import AlongZ, Tensor
from medfake.training.keras_setup import load_keras

keras = load_keras()

from keras import layers, ops  # noqa: E402  # load_keras must come first: it refuses foreign backends

_FARTHEST: Final = 5.0
"""Deviations from the mean beyond which a feature is clipped: no slice is so odd that it drowns its neighbours."""


@keras.saving.register_keras_serializable(package="medfake")
class StandardisedVectors(layers.Layer):
    """(..., width) features -> the same less their mean over deviation, as of training slices, clipped.

    Args:
        width: Features.
    """

    def __init__(self, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.width = width
        self.mean = self.add_weight(shape=(width,), initializer="zeros", trainable=False, name="mean")
        self.deviation = self.add_weight(shape=(width,), initializer="ones", trainable=False, name="deviation")

    def call(self, features: Tensor) -> Tensor:
        """Shift, scale and clip."""
        return ops.clip((features - self.mean) / self.deviation, -_FARTHEST, _FARTHEST)

    def compute_output_shape(self, shape: Any) -> Any:
        """As given."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        return {**super().get_config(), "width": self.width}


class OfSliceWindows(layers.Layer):
    """(windows, steps, width + 2) -> (windows, 1) log odds of the middle step.

    Args:
        along: What walks along z.
        standardised: What scales features.
        noise: Deviation of what is added to scaled features in training.
    """

    def __init__(self, along: AlongZ, standardised: StandardisedVectors, noise: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.along, self.standardised, self.noise = along, standardised, layers.GaussianNoise(noise)

    def build(self, _: Any) -> None:
        """What walks along z has its weights."""

    def call(self, windows: Tensor, training: bool = False) -> Tensor:
        """Walk over the steps."""
        features = self.noise(self.standardised(windows[..., :-2]), training=training)
        steps = [(features[:, at], windows[:, at, -2], windows[:, at, -1]) for at in range(windows.shape[1])]
        return ops.expand_dims(self.along.walk(steps), -1)

    def compute_output_shape(self, shape: Any) -> Any:
        """A number a window."""
        return (shape[0], 1)


@keras.saving.register_keras_serializable(package="medfake")
class OfSlices(layers.Layer):
    """Features of slices, which count, and z -> (slices,) log odds within the scan, and (1,) of its strongest slice.

    Args:
        along: What walks along z.
        standardised: What scales features.
        reach: Slices to either side that it walks over.
    """

    def __init__(self, along: AlongZ, standardised: StandardisedVectors, reach: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.along, self.standardised, self.reach = along, standardised, reach

    def build(self, *_: Any) -> None:
        """What walks along z has its weights."""

    def call(self, features: Tensor, counts: Tensor, z_mm: Tensor) -> tuple[Tensor, Tensor]:
        """Walk to every slice; those that do not count are untouched."""
        slices, far = ops.shape(counts)[0], (self.reach, self.reach)
        known = ops.pad(self.standardised(features), (far, (0, 0)))
        seen, z_mm = ops.pad(counts, (far,)), ops.pad(z_mm, (far,), constant_values=NOWHERE_MM)
        steps = [
            (known[at : at + slices], seen[at : at + slices], z_mm[at : at + slices])
            for at in range(2 * self.reach + 1)
        ]
        said = ops.where(counts > 0, self.along.walk(steps), grid.NOWHERE)
        return said, ops.max(said, keepdims=True)

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor: on other backends than TensorFlow it is stored before it is converted."""
        kept = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in ("along", "standardised")}
        return {**super().get_config(), **kept, "reach": self.reach}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "OfSlices":
        """As it was stored; what walks along z gets its weights afterwards."""
        parts = {name: keras.saving.deserialize_keras_object(config.pop(name)) for name in ("along", "standardised")}
        return cls(**parts, **config)

    def compute_output_shape(self, features_shape: Any, counts_shape: Any, z_mm_shape: Any) -> Any:
        """Slices, and the one scan."""
        return features_shape[:1] or counts_shape or z_mm_shape, (1,)
