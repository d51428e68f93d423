"""Keras layers from Hounsfield units to features of places: residuals, cells, a place against its surroundings.

Imported inside functions: it loads Keras. Shapes are (slices, down, across, channels); cells are 4 px, places 8 px.
"""

from typing import Any

from medfake.detectors.dense import filters, grid
from medfake.training.keras_setup import load_keras

keras = load_keras()

from keras import layers, ops  # noqa: E402  # load_keras must come first: it refuses foreign backends

from medfake.detectors.layers import average_pool_same  # noqa: E402  # likewise

_EPSILON = 1e-6


@keras.saving.register_keras_serializable(package="medfake")
class ResidualTexture(layers.Layer):
    """HU and lung -> (slices, rows / 4, cols / 4, 55) texture of residuals in cells of 4 px, and their lung share.

    Residuals of every filter are divided by the slice's own lung noise in that filter, so that scans of all doses and
    kernels look alike.

    Attributes:
        bands: How many residuals there are.
        correlated: Those that are compared with their neighbours.
        skewed: Those whose mean tells the sign of what sticks out; none before the first correlated one.
    """

    bands = len(filters.NAMES)
    correlated = filters.FINEST
    skewed = filters.SKEWED

    def build(self, *_: Any, **__: Any) -> None:
        """The filter bank is a weight, so that every export carries it."""
        bank = filters.filter_bank()
        self.bank = self.add_weight(
            shape=bank.shape, initializer=keras.initializers.Constant(bank), trainable=False, name="bank"
        )

    def call(self, hu: Any, lung: Any) -> tuple[Any, Any]:
        """Filter, scale, describe."""
        residuals = self.residuals(hu, lung)
        some, of_lung = residuals[:, ::2, ::2], lung[:, ::2, ::2]  # a quarter tells the noise as well
        level = ops.sum(ops.log(ops.abs(some) + 0.5) * of_lung, axis=(1, 2), keepdims=True)
        noise = ops.exp(level / ops.maximum(ops.sum(of_lung, axis=(1, 2), keepdims=True), 1.0))
        z = residuals * (0.53 / (noise + 0.3))
        size = ops.abs(z)
        cells = [_cells(ops.minimum(size, limit)) * (1.0 / limit) for limit in grid.QUANTILES]
        near = ops.clip(z[..., self.correlated.start :], -3.0, 3.0)
        cells += self._neighbours(near[..., : self.correlated.stop - self.correlated.start])
        skewed = self.skewed.start - self.correlated.start
        cells += [_cells(near)[..., skewed:][..., : self.skewed.stop - self.skewed.start]]
        flat = ops.squeeze(hu, -1)  # as above
        brightness = _cells(ops.expand_dims(ops.clip(flat, -1024.0, 200.0), -1)) / 300.0
        return ops.concatenate([*cells, brightness, _slope(brightness)], axis=-1), _cells(lung)

    def residuals(self, hu: Any, lung: Any) -> Any:
        """What the filters leave of a slice, (slices, rows, cols, filters)."""
        del lung
        half = filters.EDGE_PX // 2
        flat = ops.squeeze(hu, -1)  # as above
        mirrored = ops.pad(ops.clip(flat, -1024.0, 1500.0), ((0, 0), (half, half), (half, half)), mode="reflect")
        return ops.conv(ops.expand_dims(mirrored, -1), self.bank, padding="valid")

    @property
    def channels(self) -> int:
        """How many describe a cell; the last two are brightness and its slope."""
        correlated, skewed = (one.stop - one.start for one in (self.correlated, self.skewed))
        return self.bands * len(grid.QUANTILES) + correlated * len(grid.SHIFTS) + skewed + 2

    @staticmethod
    def _neighbours(near: Any) -> list[Any]:
        """Products with pixels a little further down and across, in cells: 5 shifts of some filters."""
        rows, cols = ops.shape(near)[1], ops.shape(near)[2]
        far = ops.pad(near, ((0, 0), (0, 2), (0, 2), (0, 0)))
        return [_cells(near * far[:, y : y + rows, x : x + cols]) for y, x in grid.SHIFTS]

    def compute_output_shape(self, hu_shape: tuple[Any, ...], lung_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Two: texture and lung share."""
        cells = [None if n is None else n // grid.CELL_PX for n in hu_shape[1:3]]
        return (hu_shape[0], *cells, self.channels), (lung_shape[0], *cells, 1)


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
    """Texture and lung share of cells -> (slices, places, places, 8 x channels) features, and where places count.

    A place's centre against a ring around it, and against all lung of the slice; moments are weighted with lung.
    There are 55 channels, 440 features, of the fixed filters; the last but one is brightness, whatever the others are.
    """

    def call(self, texture: Any, lung: Any) -> tuple[Any, Any, Any]:
        """Pool windows, take differences."""
        weighted = texture * lung
        stack = ops.concatenate([lung, weighted, weighted * texture], axis=-1)
        small = _windows(stack[..., : texture.shape[-1] + 1], grid.CENTRE_CELLS, grid.STEP_CELLS)
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
        bright = m2[..., -2:-1] * 300.0
        return ops.concatenate(features, axis=-1), counts, counts * ops.cast(bright < grid.BRIGHTEST_HU, "float32")

    @staticmethod
    def _mean(sums: Any) -> Any:
        return sums[..., 1:] / ops.maximum(sums[..., :1], 1e-3)

    @staticmethod
    def _moments(sums: Any) -> tuple[Any, Any]:
        channels = sums.shape[-1] // 2
        mean = Comparison._mean(sums[..., : channels + 1])
        square = sums[..., channels + 1 :] / ops.maximum(sums[..., :1], 1e-3)
        return mean, ops.sqrt(ops.maximum(square - ops.square(mean), 0.0) + 1e-4)

    def compute_output_shape(self, texture_shape: tuple[Any, ...], lung_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Three: features, lung places, and those of them that are not too bright."""
        places = [None if n is None else n // grid.STEP_CELLS + 1 for n in texture_shape[1:3]]
        one = (lung_shape[0], *places, 1)
        return (texture_shape[0], *places, 8 * texture_shape[-1]), one, one


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
