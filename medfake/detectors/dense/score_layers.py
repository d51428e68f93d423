"""Keras layers from features of places to scores of places, slices and scans; keras.ops only.

Imported inside functions: it loads Keras. Shapes are (slices, down, across, channels); cells are 4 px, places 8 px.
"""

from typing import Any

import numpy as np

from medfake.detectors.dense import grid
from medfake.training.keras_setup import load_keras

keras = load_keras()

from keras import layers, ops  # noqa: E402  # load_keras must come first: it refuses foreign backends


@keras.saving.register_keras_serializable(package="medfake")
class PlaneScores(layers.Layer):
    """Logits of places and which count -> (slices, places, places) logits of each slice alone, with shrinkage."""

    def call(self, logits: Any, counts: Any) -> Any:
        """Average over neighbours that count; where few do, the score falls towards "untouched"."""
        total, number = grid_sums(logits * counts), grid_sums(counts)
        full = float(grid.NEIGHBOURS**2)
        return shrunk(total, number, full)

    def compute_output_shape(self, logits_shape: tuple[Any, ...], counts_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """As the logits."""
        return logits_shape[:1] + counts_shape[1:]


def grid_sums(maps: Any) -> Any:
    """(slices, places, places) -> sums over 3 x 3 places."""
    edge = grid.NEIGHBOURS // 2
    wide = ops.pad(maps, ((0, 0), (edge, edge), (edge, edge)))
    rows, cols = ops.shape(maps)[1], ops.shape(maps)[2]
    return sum(wide[:, y : y + rows, x : x + cols] for y in range(3) for x in range(3))


def shrunk(total: Any, number: Any, full: Any) -> Any:
    """Mean of `number` logits that sum to `total`, drawn towards "untouched" where `number` is below `full`."""
    prior = grid.SHRINKAGE * full
    return (total + prior * grid.UNTOUCHED) / (number + prior)


@keras.saving.register_keras_serializable(package="medfake")
class Strongest(layers.Layer):
    """Scores of places and which count -> slice's logit, and row and column of its strongest place, px."""

    def call(self, scores: Any, counts: Any) -> tuple[Any, Any, Any]:
        """Rank."""
        masked = ops.where(counts > 0, scores, grid.NOWHERE)
        flat = ops.reshape(masked, (-1, ops.shape(masked)[1] * ops.shape(masked)[2]))
        best, place = ops.top_k(flat, 1)
        across = ops.shape(masked)[2]
        y, x = (ops.cast(one[:, 0], "float32") * float(grid.STEP_PX) for one in (place // across, place % across))
        return best[:, 0], y, x

    def compute_output_shape(self, scores_shape: tuple[Any, ...], counts_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Three times (slices,)."""
        return ((scores_shape[0] or counts_shape[0],),) * 3


@keras.saving.register_keras_serializable(package="medfake")
class ScanScores(layers.Layer):
    """Logits of places, which count, and z of the slices, mm -> (slices, places, places) logits within their scan.

    Where most slices of a scan look tampered it is more likely how the scan looks: half of that counts for nothing.
    """

    def call(self, logits: Any, counts: Any, z_mm: Any) -> tuple[Any, Any, Any]:
        """Half of this slice alone, half of all slices near it, less half of the scan's own level."""
        rows, cols = ops.shape(logits)[1], ops.shape(logits)[2]
        total, number = grid_sums(logits * counts), grid_sums(counts)
        apart = ops.abs(ops.expand_dims(z_mm, 0) - ops.expand_dims(z_mm, 1))
        near = ops.cast(apart <= grid.WINDOW_MM + 1e-3, "float32")
        slices = ops.reshape(ops.sum(near, axis=1), (-1, 1, 1))

        def over(maps: Any) -> Any:
            return ops.reshape(ops.matmul(near, ops.reshape(maps, (-1, rows * cols))), (-1, rows, cols))

        full = float(grid.NEIGHBOURS**2)
        scores = 0.5 * shrunk(total, number, full) + 0.5 * shrunk(over(total), over(number), full * slices)
        strongest = ops.max(ops.where(counts > 0, scores, grid.NOWHERE), axis=(1, 2))
        places = ops.where(counts > 0, scores - grid.LEVEL_COUNTS * _level(strongest), grid.NOWHERE)
        strongest = ops.max(places, axis=(1, 2))
        return places, strongest, ops.max(strongest, keepdims=True)

    def compute_output_shape(
        self, logits_shape: tuple[Any, ...], counts_shape: tuple[Any, ...], z_mm_shape: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        """Places, slices, and the one scan."""
        return (z_mm_shape[0], *counts_shape[1:]), logits_shape[:1], (1,)


def _level(strongest: Any) -> Any:
    """How far the median slice of a scan lies above that of others; of few slices it is not known, of one it is 0.

    Args:
        strongest: (slices,) logits; NOWHERE where a slice has no place.
    """
    known = ops.sum(ops.cast(strongest > grid.NOWHERE, "int32"))
    ascending = ops.sort(strongest)
    median = ops.take(ascending, ops.shape(strongest)[0] - 1 - known // 2)
    more = ops.cast(ops.maximum(known - 1, 0), "float32")
    return (median - grid.USUAL_LEVEL) * more / (more + grid.LEVEL_SLICES)


@keras.saving.register_keras_serializable(package="medfake")
class Everywhere(layers.Layer):
    """Features of places and which count -> their mean logit of all judges, (slices, down, across), and which count.

    Args:
        judges: (places, features) -> (places, members) logits.
    """

    def __init__(self, judges: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.judges = judges

    def call(self, features: Any, counts: Any) -> tuple[Any, Any]:
        """Judge every place; no judge outvotes the others by being sure."""
        flat = ops.reshape(features, (-1, ops.shape(features)[-1]))
        said = ops.clip(self.judges(flat, training=False), -grid.HIGHEST_LOGIT, grid.HIGHEST_LOGIT)
        counted = ops.squeeze(counts, -1)
        return ops.reshape(ops.mean(said, axis=-1), ops.shape(counted)), counted

    def compute_output_shape(self, features_shape: tuple[Any, ...], counts_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Two alike."""
        return features_shape[:3], counts_shape[:3]

    def get_config(self) -> dict[str, Any]:
        """Arguments, for saving."""
        return {**super().get_config(), "judges": keras.saving.serialize_keras_object(self.judges)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Everywhere":
        """The layer with its judges."""
        return cls(keras.saving.deserialize_keras_object(config.pop("judges")), **config)


@keras.saving.register_keras_serializable(package="medfake")
class Standardised(layers.Layer):
    """Features less their mean in training, divided by their deviation + 0.01, clipped to +-6.

    Args:
        mean: (features,).
        deviation: (features,).
    """

    def __init__(self, mean: Any, deviation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mean, self.deviation = (np.asarray(one, np.float32) for one in (mean, deviation))

    def call(self, features: Any) -> Any:
        """Shift, scale, clip."""
        return ops.clip((features - self.mean) / (self.deviation + 0.01), -6.0, 6.0)

    def get_config(self) -> dict[str, Any]:
        """Arguments, for saving."""
        return {**super().get_config(), "mean": self.mean.tolist(), "deviation": self.deviation.tolist()}
