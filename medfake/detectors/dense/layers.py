"""Keras layers of dense detectors, from Hounsfield units to scores of places; keras.ops only.

Imported inside functions: it loads Keras. Shapes are (slices, down, across, channels); cells are 4 px, places 8 px.
"""

from typing import Any

import numpy as np

from medfake import lungs
from medfake.detectors.dense import filters, grid
from medfake.training.keras_setup import load_keras

keras = load_keras()

from keras import layers, ops  # noqa: E402  # load_keras must come first: it refuses foreign backends

from medfake.detectors.layers import average_pool_same  # noqa: E402  # likewise

_EPSILON = 1e-6


@keras.saving.register_keras_serializable(package="medfake")
class LungField(layers.Layer):
    """(slices, rows, cols, 1) HU -> (slices, rows, cols, 1) 1 in the lungs, vessels inside them included.

    Looked for on every second row and column; open air is told from lung as in `medfake.lungs.lung_pixels`.
    """

    def call(self, hu: Any) -> Any:
        """Threshold, keep what the body surrounds, fill."""
        flat = ops.squeeze(hu, -1)  # ONNX Runtime is ten times slower where the last axis is 1
        clipped = ops.clip(flat, float(lungs.DARKEST_HU), float(lungs.BRIGHTEST_HU))
        coarse = _pooled(clipped, 2, 2)
        dark = ops.cast(coarse < float(lungs.AIR_BELOW_HU), "float32")
        tissue = _widened(_narrowed(1.0 - dark, grid.FIELD_TABLE_PX), grid.FIELD_TABLE_PX)
        inside = _surrounded(tissue)
        closed = ops.cast(_pooled(coarse, grid.FIELD_AVERAGED_PX, 1) > float(lungs.OPEN_AIR_HU), "float32")
        air = dark * inside * closed
        solid = _widened(_narrowed(air, grid.FIELD_THIN_PX), grid.FIELD_THIN_PX)
        filled = _narrowed(_widened(solid, grid.FIELD_VESSEL_PX), grid.FIELD_VESSEL_PX)
        held = [_spanned(filled, size) for size in ((1, grid.FIELD_NODULE_PX), (grid.FIELD_NODULE_PX, 1))]
        filled = ops.minimum(*held) * inside
        fine = ops.repeat(ops.repeat(filled, 2, axis=1), 2, axis=2)[:, : ops.shape(hu)[1], : ops.shape(hu)[2]]
        return ops.expand_dims(fine, -1)

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Unchanged."""
        return shape


def _pooled(image: Any, px: int, step: int) -> Any:
    """(slices, rows, cols) averaged over squares; what lies beyond the border does not count."""
    return ops.squeeze(average_pool_same(ops.expand_dims(image, -1), px, step), -1)


def _widened(mask: Any, px: int) -> Any:
    """Dilation of (slices, rows, cols) by a square of so many px."""
    wide = ops.expand_dims(mask, -1)
    wide = ops.max_pool(ops.max_pool(wide, (px, 1), 1, padding="same"), (1, px), 1, padding="same")
    return ops.squeeze(wide, -1)


def _narrowed(mask: Any, px: int) -> Any:
    """Erosion by a square; what lies beyond the border does not narrow."""
    return 1.0 - _widened(1.0 - mask, px)


def _spanned(mask: Any, size: tuple[int, int]) -> Any:
    """Closing along rows or columns: gaps that are shorter than so many px are filled."""

    def widest(values: Any) -> Any:
        return ops.squeeze(ops.max_pool(ops.expand_dims(values, -1), size, 1, padding="same"), -1)

    return 1.0 - widest(1.0 - widest(mask))


def _surrounded(tissue: Any) -> Any:
    """1 where tissue lies to all four sides in the same row and column; three would let in the air between breasts."""
    left, above = (ops.cumsum(tissue, axis=axis) for axis in (2, 1))
    right, below = (ops.flip(ops.cumsum(ops.flip(tissue, axis=axis), axis=axis), axis=axis) for axis in (2, 1))
    return ops.cast(ops.minimum(ops.minimum(left, right), ops.minimum(above, below)) > 0, "float32")


@keras.saving.register_keras_serializable(package="medfake")
class ResidualTexture(layers.Layer):
    """HU and lung -> (slices, rows / 4, cols / 4, 55) texture of residuals in cells of 4 px, and their lung share.

    Residuals of every filter are divided by the slice's own lung noise in that filter, so that scans of all doses and
    kernels look alike.
    """

    def build(self, *_: Any, **__: Any) -> None:
        """The filter bank is a weight, so that every export carries it."""
        bank = filters.filter_bank()
        self.bank = self.add_weight(
            shape=bank.shape, initializer=keras.initializers.Constant(bank), trainable=False, name="bank"
        )

    def call(self, hu: Any, lung: Any) -> tuple[Any, Any]:
        """Filter, scale, describe."""
        half = filters.EDGE_PX // 2
        flat = ops.squeeze(hu, -1)  # as above
        mirrored = ops.pad(ops.clip(flat, -1024.0, 1500.0), ((0, 0), (half, half), (half, half)), mode="reflect")
        residuals = ops.conv(ops.expand_dims(mirrored, -1), self.bank, padding="valid")
        some, of_lung = residuals[:, ::2, ::2], lung[:, ::2, ::2]  # a quarter tells the noise as well
        level = ops.sum(ops.log(ops.abs(some) + 0.5) * of_lung, axis=(1, 2), keepdims=True)
        noise = ops.exp(level / ops.maximum(ops.sum(of_lung, axis=(1, 2), keepdims=True), 1.0))
        z = residuals * (0.53 / (noise + 0.3))
        size = ops.abs(z)
        cells = [_cells(ops.minimum(size, limit)) * (1.0 / limit) for limit in grid.QUANTILES]
        near = ops.clip(z[..., filters.FINEST.start :], -3.0, 3.0)
        cells += self._neighbours(near[..., : filters.FINEST.stop - filters.FINEST.start])
        cells += [_cells(near)[..., filters.SKEWED.start - filters.FINEST.start :][..., :2]]
        brightness = _cells(ops.expand_dims(ops.clip(flat, -1024.0, 200.0), -1)) / 300.0
        return ops.concatenate([*cells, brightness, _slope(brightness)], axis=-1), _cells(lung)

    @staticmethod
    def _neighbours(near: Any) -> list[Any]:
        """Products with pixels a little further down and across, in cells: 5 shifts of 3 filters."""
        rows, cols = ops.shape(near)[1], ops.shape(near)[2]
        far = ops.pad(near, ((0, 0), (0, 2), (0, 2), (0, 0)))
        return [_cells(near * far[:, y : y + rows, x : x + cols]) for y, x in grid.SHIFTS]

    def compute_output_shape(self, hu_shape: tuple[Any, ...], lung_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Two: texture and lung share."""
        cells = [None if n is None else n // grid.CELL_PX for n in hu_shape[1:3]]
        return (hu_shape[0], *cells, grid.CHANNELS), (lung_shape[0], *cells, 1)


def _cells(pixels: Any) -> Any:
    return ops.average_pool(pixels, grid.CELL_PX, grid.CELL_PX, padding="valid")


def _slope(brightness: Any) -> Any:
    """Coarse gradient of the cells' brightness."""
    smooth = average_pool_same(brightness, 3)
    wide = ops.pad(smooth, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="symmetric")
    down, across = wide[:, 2:, 1:-1] - wide[:, :-2, 1:-1], wide[:, 1:-1, 2:] - wide[:, 1:-1, :-2]
    return ops.sqrt(ops.square(down) + ops.square(across) + _EPSILON)


@keras.saving.register_keras_serializable(package="medfake")
class Comparison(layers.Layer):
    """Texture and lung share of cells -> (slices, places, places, 440) features of places, and where they count.

    A place's centre against a ring around it, and against all lung of the slice; moments are weighted with lung.
    """

    def call(self, texture: Any, lung: Any) -> tuple[Any, Any, Any]:
        """Pool windows, take differences."""
        weighted = texture * lung
        stack = ops.concatenate([lung, weighted, weighted * texture], axis=-1)
        small = _windows(stack[..., : grid.CHANNELS + 1], grid.CENTRE_CELLS, grid.STEP_CELLS)
        steps = ops.average_pool(stack, grid.STEP_CELLS, grid.STEP_CELLS, padding="valid") * float(grid.STEP_CELLS**2)
        middle = _windows(steps, grid.PLACE_CELLS // grid.STEP_CELLS)
        m1 = self._mean(small)
        m2, s2 = self._moments(middle)
        mr, sr = self._moments(_rings(steps))
        share_1 = small[..., :1] / grid.CENTRE_CELLS**2
        share_2 = middle[..., :1] / grid.PLACE_CELLS**2
        counts = ops.cast(
            ops.logical_and(share_2 > grid.LEAST_LUNG_IN_PLACE, share_1 > grid.LEAST_LUNG_IN_CENTRE), "float32"
        )
        places = ops.maximum(ops.sum(counts, axis=(1, 2), keepdims=True), 1.0)
        mean = ops.sum(m2 * counts, axis=(1, 2), keepdims=True) / places
        spread = ops.sqrt(ops.sum(ops.square(m2 - mean) * counts, axis=(1, 2), keepdims=True) / places + 1e-4)
        usual = ops.sum(s2 * counts, axis=(1, 2), keepdims=True) / places
        features = [m1, m2, s2, m1 - mr, m2 - mr, s2 - sr, 0.3 * (m2 - mean) / spread, s2 - usual]
        bright = m2[..., grid.BRIGHTNESS : grid.BRIGHTNESS + 1] * 300.0
        return ops.concatenate(features, axis=-1), counts, counts * ops.cast(bright < grid.BRIGHTEST_HU, "float32")

    @staticmethod
    def _mean(sums: Any) -> Any:
        return sums[..., 1 : grid.CHANNELS + 1] / ops.maximum(sums[..., :1], 1e-3)

    @staticmethod
    def _moments(sums: Any) -> tuple[Any, Any]:
        mean = Comparison._mean(sums)
        square = sums[..., grid.CHANNELS + 1 :] / ops.maximum(sums[..., :1], 1e-3)
        return mean, ops.sqrt(ops.maximum(square - ops.square(mean), 0.0) + 1e-4)

    def compute_output_shape(self, texture_shape: tuple[Any, ...], lung_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Three: features, lung places, and those of them that are not too bright."""
        places = [None if n is None else n // grid.STEP_CELLS + 1 for n in texture_shape[1:3]]
        one = (lung_shape[0], *places, 1)
        return (texture_shape[0], *places, grid.FEATURES), one, one


def _windows(sums: Any, width: int, step: int = 1) -> Any:
    """Sums over windows of so many cells around every place, or every `step`-th; beyond the border is nothing."""
    wide = _bordered(sums, width // 2)
    down = ops.average_pool(wide, (width, 1), (step, 1), padding="valid")
    return ops.average_pool(down, (1, width), (1, step), padding="valid") * float(width**2)


def _rings(steps: Any) -> Any:
    """Sums over the ring around every place, of four bands.

    An outer window less an inner one would leave rounding where the ring holds a pixel of lung, which means magnify.

    Args:
        steps: (slices, down, across, channels) sums over the cells between places.
    """
    hole, outer = grid.HOLE_CELLS // grid.STEP_CELLS, grid.RING_CELLS // grid.STEP_CELLS
    band = (outer - hole) // 2
    wide = _bordered(steps, outer // 2)
    flat = ops.average_pool(wide, (band, 1), 1, padding="valid")
    ends = ops.average_pool(flat[:, : -hole - band] + flat[:, hole + band :], (1, outer), 1, padding="valid")
    tall = ops.average_pool(wide, (hole, 1), 1, padding="valid")[:, band:-band]
    tall = ops.average_pool(tall, (1, band), 1, padding="valid")
    sides = tall[:, :, : -hole - band] + tall[:, :, hole + band :]
    return ends * float(band * outer) + sides * float(hole * band)


def _bordered(sums: Any, width: int) -> Any:
    """With zeros around; a bare pad before a pool the converter would melt into the pool, which then is none."""
    more = width + 1
    return ops.pad(sums, ((0, 0), (more, more), (more, more), (0, 0)))[:, 1:-1, 1:-1]


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
