"""Keras layer that tells lung from everything else in a slice; keras.ops only.

Imported inside functions: it loads Keras. Shapes are (slices, down, across, channels); cells are 4 px, places 8 px.
"""

from typing import Any

from medfake import lungs
from medfake.detectors.dense import grid
from medfake.training.keras_setup import load_keras

keras = load_keras()

from keras import layers, ops  # noqa: E402  # load_keras must come first: it refuses foreign backends

from medfake.detectors.layers import average_pool_same  # noqa: E402  # likewise


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
