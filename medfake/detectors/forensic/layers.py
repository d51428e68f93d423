"""Keras layers of the forensic detector, from residuals to places, registered under "medfake"; keras.ops only.

Imported inside functions: it loads Keras.
"""

from typing import Any, NamedTuple

import numpy as np

from medfake import lungs, regions
from medfake.training.keras_setup import load_keras
from medfake.vocabulary import Modality

keras = load_keras()

from keras import layers, ops  # noqa: E402  # load_keras must come first: it refuses foreign backends

from medfake.detectors.layers import average_pool_same  # noqa: E402  # likewise

HIGHEST_Z = 4.0  # residuals beyond four times the local noise are clipped


def srm_filters() -> np.ndarray[Any, np.dtype[np.float32]]:
    """(5, 5, 1, 7) fixed high-pass filters of unit norm, from the Spatial Rich Model (Fridrich and Kodovsky 2012)."""
    first_x = np.zeros((5, 5))
    first_x[2, 2], first_x[2, 3] = -1, 1
    second_x = np.zeros((5, 5))
    second_x[2, 1:4] = 1, -2, 1
    third_x = np.zeros((5, 5))
    third_x[2, 1:5] = 1, -3, 3, -1
    square_3 = np.zeros((5, 5))
    square_3[1:4, 1:4] = [[-1, 2, -1], [2, -4, 2], [-1, 2, -1]]
    square_5 = np.array(
        [[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2], [-1, 2, -2, 2, -1]], float
    )
    bank = [first_x, first_x.T, second_x, second_x.T, third_x, square_3, square_5]
    return np.stack([one / np.linalg.norm(one) for one in bank], axis=-1)[:, :, None, :].astype(np.float32)


@keras.saving.register_keras_serializable(package="medfake")
class NoiseScaledResiduals(layers.Layer):
    """(slices, rows, cols, 1) HU -> (slices, rows, cols, 7) high-pass residuals over the local noise, clipped.

    The local noise is the mean absolute residual of the surrounding 97 px, all filters together.
    """

    _CELL, _CELLS = 8, 12

    def build(self, _: tuple[Any, ...]) -> None:
        """The filter bank is a weight, so that every export carries it."""
        bank = srm_filters()
        self.bank = self.add_weight(
            shape=bank.shape, initializer=keras.initializers.Constant(bank), trainable=False, name="bank"
        )

    def call(self, hu: Any) -> Any:
        """Filter, measure, divide."""
        mirrored = ops.pad(hu, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")  # no edge where the image ends
        residuals = ops.conv(mirrored, self.bank, padding="valid")
        level = ops.mean(ops.abs(ops.clip(residuals, -200.0, 200.0)), axis=-1, keepdims=True)
        cells = average_pool_same(level, self._CELL, self._CELL)
        smooth = average_pool_same(cells, self._CELLS + 1)
        noise = ops.repeat(ops.repeat(smooth, self._CELL, axis=1), self._CELL, axis=2)
        noise = noise[:, : ops.shape(hu)[1], : ops.shape(hu)[2]]
        return ops.clip(residuals / (noise + 1.0), -HIGHEST_Z, HIGHEST_Z)

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """(slices, rows, cols, 7)."""
        return (*shape[:3], 7)


@keras.saving.register_keras_serializable(package="medfake")
class CentreAgainstRing(layers.Layer):
    """Feature maps at stride 4 -> mean and deviation of a centre, and their difference to the surrounding ring.

    (slices, h, w, c) -> (slices, places, places, 4 c) on a grid of 16 px: a centre of 48 px against the ring between 64
    and 96 px.
    """

    _CENTRE, _GAP, _RING, _STEP = 12, 16, 24, 4  # cells of 4 px

    def call(self, maps: Any) -> Any:
        """Pool three concentric windows and take differences."""
        centre, gap, ring = (self._moments(maps, window) for window in (self._CENTRE, self._GAP, self._RING))
        whole, hole = float(self._RING**2), float(self._GAP**2)
        around = [(big * whole - small * hole) / (whole - hole) for big, small in zip(ring, gap, strict=True)]
        mean, deviation = centre[0], self._deviation(*centre)
        return ops.concatenate(
            [mean, deviation, mean - around[0], deviation - self._deviation(around[0], around[1])], axis=-1
        )

    def _moments(self, maps: Any, window: int) -> tuple[Any, Any]:
        edge = (self._RING - window) // 2
        inner = maps[:, edge:-edge, edge:-edge] if edge else maps
        return (
            ops.average_pool(inner, window, self._STEP, padding="valid"),
            ops.average_pool(ops.square(inner), window, self._STEP, padding="valid"),
        )

    @staticmethod
    def _deviation(mean: Any, square: Any) -> Any:
        return ops.sqrt(ops.maximum(square - ops.square(mean), 0.0) + 1e-4)

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """(slices, places, places, 4 c)."""
        grid = [None if n is None else (n - self._RING) // self._STEP + 1 for n in shape[1:3]]
        return (shape[0], *grid, shape[3] * 4)


class RegionShare(layers.Layer):
    """(slices, rows, cols, 1) -> (slices, places, places, 1) share of a region in the 96 px around places 16 px apart.

    The rule of `Region.pixels`, as a graph has it.
    """

    PLACE_PX, STEP_PX = lungs.PLACE_PX, lungs.PLACE_STEP_PX

    def call(self, image: Any) -> Any:
        """Average over each place."""
        region = ops.cast(self.inside(image), "float32")
        return ops.average_pool(region, self.PLACE_PX, self.STEP_PX, padding="valid")

    def inside(self, image: Any) -> Any:
        """(slices, rows, cols, 1) True where the region is."""
        raise NotImplementedError

    def compute_output_shape(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """(slices, places, places, 1)."""
        grid = [None if n is None else (n - self.PLACE_PX) // self.STEP_PX + 1 for n in shape[1:3]]
        return (shape[0], *grid, 1)


def _smaller(one: Any, other: Any) -> Any:
    """The smaller of two sizes, which may be unknown while a graph is traced; off the 16 px grid they differ by 1."""
    known = isinstance(one, int) and isinstance(other, int)
    return min(one, other) if known else ops.minimum(one, other)


@keras.saving.register_keras_serializable(package="medfake")
class LungShare(RegionShare):
    """Of lung in Hounsfield units, see `medfake.lungs.lung_pixels`."""

    def inside(self, image: Any) -> Any:
        """Darker than soft tissue, in surroundings brighter than open air."""
        clipped = ops.clip(image, float(lungs.DARKEST_HU), float(lungs.BRIGHTEST_HU))
        average = average_pool_same(clipped, lungs.AVERAGED_PX)
        dark, inside = clipped < float(lungs.AIR_BELOW_HU), average > float(lungs.OPEN_AIR_HU)
        return ops.logical_and(dark, inside)


def _smoothed(logits: Any, lung: Any) -> tuple[Any, Any]:
    """Logits averaged over neighbouring places, and lung shares, of the places that both have."""
    height, width = (_smaller(ops.shape(logits)[axis], ops.shape(lung)[axis]) for axis in (1, 2))
    return average_pool_same(logits[:, :height, :width], 3), lung[:, :height, :width]


@keras.saving.register_keras_serializable(package="medfake")
class StrongestPlaces(layers.Layer):
    """Logits on a grid and lung shares -> logit of the slice; row, column (px) and logit of its strongest place.

    Args:
        top: Places that are averaged into the slice's logit.
        least_lung: Share of lung below which a place does not count.
    """

    PLACE_PX, STEP_PX = lungs.PLACE_PX, lungs.PLACE_STEP_PX
    NOWHERE = -12.0  # logit of a place outside the lungs, and so of a slice without any

    def __init__(self, top: int, least_lung: float = lungs.LEAST_LUNG_IN_PLACE, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.top, self.least_lung = top, least_lung

    def call(self, logits: Any, lung: Any) -> tuple[Any, Any, Any, Any]:
        """Mask, smooth over neighbouring places, rank."""
        smooth, lung = _smoothed(logits, lung)
        inside = lung >= self.least_lung
        masked = ops.where(inside, smooth, self.NOWHERE)
        flat = ops.reshape(masked, (ops.shape(masked)[0], -1))
        filled = ops.pad(flat, ((0, 0), (0, self.top - 1)), constant_values=self.NOWHERE)  # one place at least
        best, where = ops.top_k(filled, self.top)
        places = ops.shape(masked)[2]
        first = where[:, 0]
        step, middle = float(self.STEP_PX), self.PLACE_PX / 2
        y = ops.cast(first // places, "float32") * step + middle
        x = ops.cast(first % places, "float32") * step + middle
        found = ops.cast(best > self.NOWHERE, "float32")  # a slice with little lung has fewer places
        strongest = ops.sum(best * found, axis=-1) / ops.maximum(ops.sum(found, axis=-1), 1.0)
        logit = ops.where(found[:, 0] > 0, strongest, self.NOWHERE)
        return logit, y, x, best[:, 0]

    def compute_output_shape(self, logits_shape: tuple[Any, ...], lung_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Four times (slices,)."""
        return ((logits_shape[0] or lung_shape[0],),) * 4

    def get_config(self) -> dict[str, Any]:
        """Arguments, for saving."""
        return {**super().get_config(), "top": self.top, "least_lung": self.least_lung}


@keras.saving.register_keras_serializable(package="medfake")
class PlacesOfMap(layers.Layer):
    """Logits on a grid and lung shares -> both on the grid that maps of all packages have: 8 px from row and column 0.

    (slices, places, places, 1) -> place_logit and place_counts, (slices, down, across). Halfway between two places
    their mean stands; places nearer to the border than the first do not count.

    Args:
        least_lung: Share of lung below which a place does not count.
    """

    _HALVES = 2  # places of 8 px to one of 16
    _BEFORE = lungs.PLACE_PX // 2 * _HALVES // lungs.PLACE_STEP_PX  # places of 8 px from the border to the first

    def __init__(self, least_lung: float = lungs.LEAST_LUNG_IN_PLACE, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.least_lung = least_lung

    def call(self, logits: Any, lung: Any) -> tuple[Any, Any]:
        """Smooth as the score does, double the grid, fill up to the border."""
        smooth, lung = _smoothed(logits, lung)
        counts = ops.cast(lung >= self.least_lung, "float32")
        before = ((0, 0), (self._BEFORE, 0), (self._BEFORE, 0))
        on_grid = ops.floor(self._gridded(counts))  # between two that count
        return ops.pad(self._gridded(smooth), before), ops.pad(on_grid, before)

    def _gridded(self, values: Any) -> Any:
        """(slices, places, places, 1) -> without the last axis, and 8 px apart."""
        flat = ops.squeeze(values, -1)
        for axis in (1, 2):
            twice = ops.repeat(flat, self._HALVES, axis=axis)
            first, second = (twice[:, :-1], twice[:, 1:]) if axis == 1 else (twice[:, :, :-1], twice[:, :, 1:])
            flat = (first + second) / 2.0
        return flat

    def compute_output_shape(self, logits_shape: tuple[Any, ...], lung_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Twice (slices, down, across)."""
        grid = [None if n is None else self._HALVES * n - 1 + self._BEFORE for n in lung_shape[1:3]]
        return ((logits_shape[0] or lung_shape[0], *grid),) * 2

    def get_config(self) -> dict[str, Any]:
        """Arguments, for saving."""
        return {**super().get_config(), "least_lung": self.least_lung}


@keras.saving.register_keras_serializable(package="medfake")
class TissueAgainstRing(CentreAgainstRing):
    """A centre of 24 px against the ring between 32 and 48 px, on a grid of 8 px."""

    _CENTRE, _GAP, _RING, _STEP = 6, 8, 12, 2


@keras.saving.register_keras_serializable(package="medfake")
class TissueShare(RegionShare):
    """Of tissue in normalised units, in the 48 px around places 8 px apart; see `medfake.regions.tissue_pixels`."""

    PLACE_PX, STEP_PX = regions.TISSUE_PLACE_PX, regions.TISSUE_STEP_PX

    def inside(self, image: Any) -> Any:
        """Surroundings brighter than air, and not all of one value."""
        average = average_pool_same(image, regions.AVERAGED_PX)
        steps = ops.pad(ops.abs(image[:, :, 1:] - image[:, :, :-1]), ((0, 0), (0, 0), (0, 1), (0, 0)))
        varies = average_pool_same(steps, regions.AVERAGED_PX) > 0.0
        return ops.logical_and(average > float(regions.LEAST_UNITS), varies)


@keras.saving.register_keras_serializable(package="medfake")
class StrongestTissuePlaces(StrongestPlaces):
    """Of places 8 px apart, the first of them 24 px from the border."""

    PLACE_PX, STEP_PX = regions.TISSUE_PLACE_PX, regions.TISSUE_STEP_PX


@keras.saving.register_keras_serializable(package="medfake")
class TissuePlacesOfMap(PlacesOfMap):
    """Places are 8 px apart already, and only filled up to the border."""

    _BEFORE = regions.TISSUE_PLACE_PX // 2 // regions.TISSUE_STEP_PX

    def _gridded(self, values: Any) -> Any:
        return ops.squeeze(values, -1)

    def compute_output_shape(self, logits_shape: tuple[Any, ...], lung_shape: tuple[Any, ...]) -> tuple[Any, ...]:
        """Twice (slices, down, across)."""
        grid = [None if n is None else n + self._BEFORE for n in lung_shape[1:3]]
        return ((logits_shape[0] or lung_shape[0], *grid),) * 2


class Forms(NamedTuple):
    """Classes of the layers that know how wide the places of a modality are."""

    against_ring: Any
    share: Any
    strongest: Any
    of_map: Any


_LUNG = Forms(CentreAgainstRing, LungShare, StrongestPlaces, PlacesOfMap)
_TISSUE = Forms(TissueAgainstRing, TissueShare, StrongestTissuePlaces, TissuePlacesOfMap)
FORMS = {Modality.CT: _LUNG, Modality.MR: _TISSUE, Modality.XRAY: _TISSUE}
