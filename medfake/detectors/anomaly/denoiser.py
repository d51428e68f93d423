"""A blind-spot denoiser learnt on crops of real lungs: noisy slices are all it needs (Krull et al. 2019)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medfake.detectors.anomaly.one_class import Learning
from medfake.detectors.anomaly.options import DenoiserOptions
from medfake.detectors.anomaly.real_slices import RealSlice
from medfake.errors import TrainingError
from medfake.training.keras_setup import import_keras
from medfake.training.phase import Batch, BatchSource, Phase, train_phase

CROP_PX: Final = 48
_OF_A_SLICE: Final = 12  # crops
_LEAST_LUNG: Final = 0.6
_VALIDATION_CROPS: Final = 400

Crops = NDArray[np.float32]


def train_denoiser(
    train: Sequence[RealSlice], val: Sequence[RealSlice], options: DenoiserOptions, learning: Learning
) -> Any:
    """Train a denoiser; the one that guesses the val slices best is kept.

    Args:
        train: Learnt from.
        val: Of other patients.
        options: Of the detector.
        learning: How.

    Returns:
        Keras model, slices in units of their noise (slices, rows, cols, 1) -> (slices, rows, cols, holes).

    Raises:
        TrainingError: No slice shows as much lung as a crop.
    """
    keras = import_keras(learning.seed)
    rng = np.random.default_rng([learning.seed, 1])
    shown, checked = crops_of(train, rng), crops_of(val, rng)[:_VALIDATION_CROPS]
    if not len(shown) or not len(checked):
        raise TrainingError(
            f"a denoiser learns from squares of {CROP_PX} px of lung, and real slices show none",
            received=f"{len(shown)} squares to learn from, {len(checked)} to validate on",
            remedy="take whole slices (view: {name: whole}), and scans of the chest",
        )  # fmt: skip
    denoiser = build_denoiser(options)
    steps = options.epochs * -(-options.crops // options.batch_size)
    rate = keras.optimizers.schedules.CosineDecay(options.learning_rate, steps)
    denoiser.compile(optimizer=keras.optimizers.Adam(rate), loss="mse")
    batches = _DrawnCrops(shown, np.random.default_rng([learning.seed, 2]), options)
    looks = BatchSource(lambda rows: checked[rows], _targets(checked, options), options.batch_size)
    phase = Phase("denoiser", options.epochs, start_counts=False)
    train_phase(denoiser, batches, looks, phase, learning.state, learning.on_epoch)
    return denoiser


def build_denoiser(options: DenoiserOptions) -> Any:
    """One small network a hole; none sees the pixel that it guesses."""
    from medfake.training.keras_setup import load_keras

    keras = load_keras()

    from medfake.detectors.anomaly.layers import guess

    image = keras.layers.Input((None, None, 1))
    return keras.Model(image, guess(image, options.edge, options.holes, options.width), name="denoiser")


@dataclass(frozen=True)
class _DrawnCrops:
    """Batches of crops, turned and mirrored by chance."""

    crops: Crops
    rng: np.random.Generator
    options: DenoiserOptions

    def epoch(self, number: int) -> Iterator[Batch]:
        """As many crops as an epoch has."""
        del number
        for at in range(0, self.options.crops, self.options.batch_size):
            size = min(self.options.batch_size, self.options.crops - at)
            drawn = self.crops[self.rng.integers(len(self.crops), size=size)]
            if self.rng.random() < 0.5:
                drawn = drawn[:, ::-1]
            if self.rng.random() < 0.5:
                drawn = drawn.transpose(0, 2, 1, 3)
            yield np.ascontiguousarray(drawn), _targets(drawn, self.options)

    def position(self) -> Mapping[str, Any]:
        """State of the generator."""
        return {"rng": self.rng.bit_generator.state}

    def restore(self, position: Mapping[str, Any]) -> None:
        """Draw on from there."""
        self.rng.bit_generator.state = position["rng"]


def _targets(crops: Crops, options: DenoiserOptions) -> Crops:
    return np.repeat(crops, len(options.holes), axis=-1)


def crops_of(slices: Sequence[RealSlice], rng: np.random.Generator) -> Crops:
    """(crops, 48, 48, 1) of lung, in units of their slices' noise."""
    from medfake.detectors.anomaly.layers import NoiseUnits
    from medfake.detectors.dense.lung_layers import LungField

    units, field, found = NoiseUnits(), LungField(), []
    for one in slices:
        hu = one.read().astype(np.float32)[None, ..., None]
        lung = np.asarray(field(hu))
        corners = _corners(lung[0, ..., 0], rng)
        if corners:
            image = np.asarray(units(hu, lung))[0]
            found += [image[y : y + CROP_PX, x : x + CROP_PX] for y, x in corners]
    return np.stack(found) if found else np.empty((0, CROP_PX, CROP_PX, 1), np.float32)


def _corners(lung: NDArray[np.float32], rng: np.random.Generator) -> list[tuple[int, int]]:
    """Of squares that are lung for the most part, some by chance."""
    from medfake.lungs import square_sums

    if min(lung.shape) < CROP_PX:
        return []
    share = square_sums(lung > 0, CROP_PX, 8) / CROP_PX**2
    places = np.argwhere(share > _LEAST_LUNG) * 8
    return [(int(y), int(x)) for y, x in places[rng.permutation(len(places))[:_OF_A_SLICE]]]
