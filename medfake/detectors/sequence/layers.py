"""Keras layers of sequence detectors: plane by plane, then along z; keras.ops only.

Imported inside functions: it loads Keras. A step is one slice of those around the slice that is judged.
"""

from collections.abc import Sequence
from typing import Any, Final

from medfake.detectors.dense import grid
from medfake.detectors.dense.score_layers import grid_sums, shrunk
from medfake.detectors.sequence.grid import NOWHERE_MM, PLANE_FEATURES, PLANE_STEP, TOLERANCE_MM
from medfake.training.keras_setup import load_keras

keras = load_keras()

from keras import layers, ops  # noqa: E402  # load_keras must come first: it refuses foreign backends

_MM: Final = 10.0
"""Gaps are told in such units."""

Tensor = Any
Step = tuple[Tensor, Tensor, Tensor]
"""Features (places, width), 1 or 0 whether there is anything to see (places,), and z in mm (places,), of one slice."""


@keras.saving.register_keras_serializable(package="medfake")
class PlaneFeatures(layers.Layer):
    """Logits of places and which count -> what a sequence knows of places 16 px apart, and where there is any to see.

    (slices, down, across) twice -> (slices, down / 2, across / 2, 3) and (slices, down / 2, across / 2). There is
    something to see where one of 3 x 3 places counts, so that every place that counts has a sequence beside it.
    """

    def call(self, logits: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """Smooth over 3 x 3 places with shrinkage, then take every second place down and across."""
        total, number = grid_sums(logits * counts), grid_sums(counts)
        full = float(grid.NEIGHBOURS**2)
        seen = [shrunk(total, number, full), logits * counts, number / full]
        some = [one[:, ::PLANE_STEP, ::PLANE_STEP] for one in (*seen, ops.minimum(number, 1.0))]
        scale = (1.0 / grid.HIGHEST_LOGIT, 1.0 / grid.HIGHEST_LOGIT, 1.0)
        return ops.stack([one * by for one, by in zip(some[:3], scale, strict=True)], axis=-1), some[3]

    def compute_output_shape(self, logits_shape: Any, counts_shape: Any) -> Any:
        """Features and which count."""
        places = [None if n is None else -(-n // PLANE_STEP) for n in logits_shape[1:3]]
        return (counts_shape[0], *places, PLANE_FEATURES), (counts_shape[0], *places)


@keras.saving.register_keras_serializable(package="medfake")
class WindowRule(layers.Layer):
    """Logits of places, which count, and z -> (slices, down, across) logits, half own slice, half all within 8 mm.

    Sums over 3 x 3 places, drawn towards "untouched" where few places count: the rule of dense detectors, without what
    a scan looks like as a whole.
    """

    def call(self, logits: Tensor, counts: Tensor, z_mm: Tensor) -> Tensor:
        """Sum in plane, then along z."""
        rows, cols = ops.shape(logits)[1], ops.shape(logits)[2]
        total, number = grid_sums(logits * counts), grid_sums(counts)
        apart = ops.abs(ops.expand_dims(z_mm, 0) - ops.expand_dims(z_mm, 1))
        near = ops.cast(apart <= grid.WINDOW_MM + TOLERANCE_MM, "float32")
        slices = ops.reshape(ops.sum(near, axis=1), (-1, 1, 1))

        def over(maps: Tensor) -> Tensor:
            return ops.reshape(ops.matmul(near, ops.reshape(maps, (-1, rows * cols))), (-1, rows, cols))

        full = float(grid.NEIGHBOURS**2)
        return 0.5 * shrunk(total, number, full) + 0.5 * shrunk(over(total), over(number), full * slices)

    def compute_output_shape(self, logits_shape: Any, counts_shape: Any, z_mm_shape: Any) -> Any:
        """As the logits."""
        return (z_mm_shape[0], *counts_shape[1:]) if logits_shape else counts_shape


@keras.saving.register_keras_serializable(package="medfake")
class AlongZ(layers.Layer):
    """Two gated recurrent units (Cho et al. 2014) that walk from either side to the slice that is judged.

    Slices on which there is nothing to see are passed over, and nothing is carried over a gap wider than `bridge_mm`:
    the walk begins anew behind it.

    Args:
        units: Of either unit.
        reach_mm: What lies farther from the slice that is judged is passed over, too.
        bridge_mm: Widest gap between neighbours.
        decay: L2 on the kernels.
    """

    def __init__(self, units: int, reach_mm: float, bridge_mm: float, decay: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.reach_mm, self.bridge_mm, self.decay = units, reach_mm, bridge_mm, decay
        weighed = {name: keras.regularizers.L2(decay) for name in ("kernel_regularizer", "recurrent_regularizer")}
        self.cells = [layers.GRUCell(units, name=f"from_{side}", **weighed) for side in ("below", "above")]
        self.judge = layers.Dense(1, kernel_initializer="zeros", name="judge")

    def build(self, width: int) -> None:
        """Weights for steps of so many features."""
        for cell in self.cells:
            cell.build((None, width + 2))
        self.judge.build((None, 2 * self.units))
        self.built = True

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor."""
        own = {name: getattr(self, name) for name in ("units", "reach_mm", "bridge_mm", "decay")}
        return {**super().get_config(), **own}

    def walk(self, steps: Sequence[Step]) -> Tensor:
        """Judge the middle one of an odd number of steps.

        Args:
            steps: In order of z.

        Returns:
            (places,) log odds, 0 before anything is learnt.
        """
        half = len(steps) // 2
        sides = steps[: half + 1], [*reversed(steps[half:])]
        ends = [self._arrive(cell, side) for cell, side in zip(self.cells, sides, strict=True)]
        return ops.squeeze(self.judge(ops.concatenate(ends, axis=-1)), -1)

    def _arrive(self, cell: Any, steps: Sequence[Step]) -> Tensor:
        middle_mm = steps[-1][2]
        nothing = ops.zeros_like(steps[-1][1])
        state = ops.repeat(ops.expand_dims(nothing, -1), self.units, axis=-1)
        last_mm, begun = nothing, nothing
        for features, counts, z_mm in steps:
            far_mm = ops.abs(z_mm - middle_mm)
            seen = counts * ops.cast(far_mm <= self.reach_mm + TOLERANCE_MM, "float32")
            gap_mm = ops.abs(z_mm - last_mm) * begun
            carried = begun * ops.cast(gap_mm <= self.bridge_mm + TOLERANCE_MM, "float32")
            way = ops.stack([gap_mm * carried, far_mm * seen], axis=-1) / _MM
            before = state * ops.expand_dims(carried, -1)
            moved, _ = cell(ops.concatenate([features, way], axis=-1), [before])
            here = ops.expand_dims(seen, -1)
            state = here * moved + (1.0 - here) * state
            last_mm = seen * z_mm + (1.0 - seen) * last_mm
            begun = ops.maximum(begun, seen)
        return state


@keras.saving.register_keras_serializable(package="medfake")
class BesideRule(AlongZ):
    """What such units say is added to the log odds of the window rule: a training that finds nothing leaves that rule.

    Args:
        arguments: As of `AlongZ`.
    """

    def build(self, width: int) -> None:
        """Weights for steps of so many features, and the scale of the rule."""
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")
        super().build(width)

    def start_from(self, scale: float, shift: float) -> None:
        """Begin with the log odds of the window rule, scaled and shifted."""
        self.scale.assign(scale)
        self.judge.bias.assign([shift])


class OfWindows(layers.Layer):
    """(windows, steps, width + 2) -> (windows, 1) log odds of the middle step, by the window rule and along z.

    Args:
        along: What walks along z.
        noise: Deviation of what is added to features in training.
    """

    def __init__(self, along: BesideRule, noise: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.along, self.noise = along, layers.GaussianNoise(noise)

    def build(self, _: Any) -> None:
        """What walks along z has its weights."""

    def call(self, windows: Tensor, training: bool = False) -> Tensor:
        """Walk over the steps."""
        features = self.noise(windows[..., :-2], training=training)
        steps = [(features[:, at], windows[:, at, -2], windows[:, at, -1]) for at in range(windows.shape[1])]
        return ops.expand_dims(self.along.scale * rule_of_windows(windows) + self.along.walk(steps), -1)

    def compute_output_shape(self, shape: Any) -> Any:
        """A number a window."""
        return (shape[0], 1)


def rule_of_windows(windows: Tensor) -> Tensor:
    """(windows, steps, width + 2) -> (windows,) what `WindowRule` says of the middle step."""
    full, half = float(grid.NEIGHBOURS**2), windows.shape[1] // 2
    smooth, share, z_mm = windows[..., 0] * grid.HIGHEST_LOGIT, windows[..., 2], windows[..., -1]
    prior = grid.SHRINKAGE * full
    number = share * full
    near = ops.cast(ops.abs(z_mm - z_mm[:, half : half + 1]) <= grid.WINDOW_MM + TOLERANCE_MM, "float32")
    total = smooth * (number + prior) - prior * grid.UNTOUCHED
    total, number = (ops.sum(one * near, axis=1) for one in (total, number))
    return 0.5 * smooth[:, half] + 0.5 * shrunk(total, number, full * ops.sum(near, axis=1))


@keras.saving.register_keras_serializable(package="medfake")
class OfScan(layers.Layer):
    """Logits of places, which count, and z -> (slices, down, across) log odds within the scan.

    Args:
        along: What walks along z; None for the window rule alone.
        reach: Slices to either side that it walks over.
    """

    def __init__(self, along: BesideRule | None, reach: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.along, self.reach = along, reach
        self.plane, self.rule = PlaneFeatures(), WindowRule()

    def build(self, *_: Any) -> None:
        """What walks along z has its weights."""

    def call(self, logits: Tensor, counts: Tensor, z_mm: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Apply the rule, walk, and take the strongest place of every slice and of the scan."""
        said = self.rule(logits, counts, z_mm)
        if self.along is not None:
            said = self.along.scale * said + self._walked(self.along, logits, counts, z_mm)
        places = ops.where(counts > 0, said, grid.NOWHERE)
        strongest = ops.max(places, axis=(1, 2))
        return places, strongest, ops.max(strongest, keepdims=True)

    def _walked(self, along: AlongZ, logits: Tensor, counts: Tensor, z_mm: Tensor) -> Tensor:
        features, seen = self.plane(logits, counts)
        slices, down, across = (ops.shape(seen)[axis] for axis in range(3))
        far = (self.reach, self.reach)
        z_mm = ops.reshape(ops.pad(z_mm, far, constant_values=NOWHERE_MM), (-1, 1, 1))
        features = ops.reshape(ops.pad(features, (far, (0, 0), (0, 0), (0, 0))), (-1, PLANE_FEATURES))
        seen = ops.pad(seen, (far, (0, 0), (0, 0)))
        known = features, ops.reshape(seen, (-1,)), ops.reshape(z_mm + ops.zeros_like(seen), (-1,))
        places = down * across  # of all slices one after the other: cells take no more axes
        starts = [at * places for at in range(2 * self.reach + 1)]
        steps = [tuple(one[at : at + slices * places] for one in known) for at in starts]
        more = ops.reshape(along.walk(steps), (-1, down, across))
        wide = ops.repeat(ops.repeat(more, PLANE_STEP, axis=1), PLANE_STEP, axis=2)
        return wide[:, : ops.shape(logits)[1], : ops.shape(logits)[2]]

    def get_config(self) -> dict[str, Any]:
        """Arguments of the constructor: on other backends than TensorFlow it is stored before it is converted."""
        along = None if self.along is None else keras.saving.serialize_keras_object(self.along)
        return {**super().get_config(), "along": along, "reach": self.reach}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "OfScan":
        """As it was stored; what walks along z gets its weights afterwards."""
        along = config.pop("along")
        return cls(None if along is None else keras.saving.deserialize_keras_object(along), **config)

    def compute_output_shape(self, logits_shape: Any, counts_shape: Any, z_mm_shape: Any) -> Any:
        """Places, slices, and the one scan."""
        return (z_mm_shape[0], *counts_shape[1:]), logits_shape[:1], (1,)
