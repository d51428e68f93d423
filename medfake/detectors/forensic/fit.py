"""Training of the forensic detector: balanced patches, cosine decay, best validation loss kept, Platt at the end."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from medfake.datasets.dataset import Dataset
from medfake.detectors.context import TrainingContext
from medfake.detectors.forensic.options import ResidualCNNOptions
from medfake.detectors.forensic.patches import PatchSource, patch_source
from medfake.detectors.registry import DetectorSpec
from medfake.log_odds import logit
from medfake.package.export import export_keras
from medfake.training.adversarial import against_attacks
from medfake.training.calibration import EDGE, TEMPERATURE, fit_platt, fit_temperature
from medfake.training.keras_setup import import_keras
from medfake.training.pace import read_ahead
from medfake.training.phase import Batch, BatchSource, Phase, train_phase
from medfake.training.precision import SINGLE, computing_in
from medfake.training.trained import Trained
from medfake.vocabulary import Split

VALIDATION_PATCHES = 256
_CALIBRATION_BATCH = 4
_VALIDATION_BATCH = 64

ForensicContext = TrainingContext[DetectorSpec, ResidualCNNOptions]


@dataclass(frozen=True)
class DrawnPatches:
    """Batches drawn at random, so that the generator's state is where a training stands.

    Attributes:
        steps: Batches of all epochs.
        every: Batches of an epoch; the last may have fewer.
    """

    source: PatchSource
    rng: np.random.Generator
    steps: int
    every: int
    batch_size: int
    jitter_px: int

    def epoch(self, number: int) -> Iterator[Batch]:
        """The next batches, drawn ahead."""
        count = min(self.every, self.steps - number * self.every)
        return read_ahead(self.source.draw(self.rng, self.batch_size, self.jitter_px) for _ in range(count))

    def position(self) -> Mapping[str, Any]:
        """State of the generator."""
        return {"rng": self.rng.bit_generator.state}

    def restore(self, position: Mapping[str, Any]) -> None:
        """Draw on from there."""
        self.rng.bit_generator.state = position["rng"]


def train_forensic(context: ForensicContext) -> Trained:
    """Train ResidualCNN; the val split chooses the weights and the calibration.

    An epoch is `validate_every` presentations.

    Raises:
        TrainingError: A split shows no site, or no lung, or its slices are smaller than a patch.
    """
    options, dataset, seed = context.options, context.dataset, context.seed
    keras = import_keras(seed)
    from medfake.detectors.forensic.residual_cnn import build_residual_cnn

    rng = np.random.default_rng(seed)
    train, val = patch_source(dataset, Split.TRAIN, rng), patch_source(dataset, Split.VAL, rng)
    patch_model, slice_model = build_residual_cnn(options.top_places)
    learner = patch_model
    if options.precision != SINGLE:
        with computing_in(options.precision):
            learner, _ = build_residual_cnn(options.top_places)
        learner.set_weights(patch_model.get_weights())
    steps = max(1, options.presentations // options.batch_size)
    rate = keras.optimizers.schedules.CosineDecay(options.learning_rate, steps)
    loss = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=options.label_smoothing)
    learner.compile(optimizer=keras.optimizers.Adam(rate), loss=loss)
    every = max(1, options.validate_every // options.batch_size)
    drawn = DrawnPatches(train, rng, steps, every, options.batch_size, options.jitter_px)
    patches = against_attacks(drawn, options.adversarial, learner, seed)
    val_patches, val_labels = val.draw(np.random.default_rng(0), VALIDATION_PATCHES, 0)
    looks = BatchSource(val_patches.__getitem__, val_labels, _VALIDATION_BATCH)
    phase = Phase("patches", -(-steps // every), start_counts=False)
    train_phase(learner, patches, looks, phase, context.state, context.on_epoch)
    patch_model.set_weights(learner.get_weights())
    calibration = _calibrate(slice_model, dataset, options.calibration)
    sample = dataset.slices(dataset.split(Split.VAL).iloc[:4])
    return Trained(
        save=lambda folder: export_keras(slice_model, folder, sample),
        parameters=int(slice_model.count_params()),
        calibration=calibration,
    )


def _calibrate(slice_model: Any, dataset: Dataset, how: Literal["platt", "temperature"]) -> dict[str, float]:
    """Fit Platt's a and b, or a temperature, on whole validation slices and store them in the graph."""
    rows = dataset.split(Split.VAL)
    batches = dataset.batches(rows, _CALIBRATION_BATCH)
    parts = [slice_model.predict_on_batch(batch)["p_tampered"].reshape(-1) for batch in batches]
    logits, labels = logit(np.concatenate(parts), EDGE), rows.label.to_numpy()
    if how == "temperature":
        temperature = fit_temperature(logits[:, None], labels)
        a, b, found = 1 / temperature, 0.0, {TEMPERATURE: temperature}
    else:
        a, b = fit_platt(logits, labels)
        found = {"a": a, "b": b}
    slice_model.get_layer("calibration").set_weights([np.float32(a), np.float32(b)])
    return found
