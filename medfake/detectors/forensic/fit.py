"""Training of the forensic detector: balanced patches, cosine decay, best validation loss kept, Platt at the end."""

from typing import Any

import numpy as np

from medfake.datasets.dataset import Dataset
from medfake.detectors.context import TrainingContext
from medfake.detectors.forensic.options import ResidualCNNOptions
from medfake.detectors.forensic.patches import PatchSource, patch_source
from medfake.detectors.registry import DetectorSpec
from medfake.log_odds import logit
from medfake.training.calibration import EDGE, fit_platt
from medfake.training.export import export_keras
from medfake.training.keras_setup import import_keras
from medfake.training.run_state import RunState, pack, unpack
from medfake.training.trained import OnEpoch, Trained

VALIDATION_PATCHES = 256
_CALIBRATION_BATCH = 4
_PHASE = "patches"

ForensicContext = TrainingContext[DetectorSpec, ResidualCNNOptions]


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
    train, val = patch_source(dataset, "train", rng), patch_source(dataset, "val", rng)
    patch_model, slice_model = build_residual_cnn(options.top_places)
    steps = max(1, options.presentations // options.batch_size)
    rate = keras.optimizers.schedules.CosineDecay(options.learning_rate, steps)
    loss = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=options.label_smoothing)
    patch_model.compile(optimizer=keras.optimizers.Adam(rate), loss=loss)
    _fit(patch_model, train, val, steps, options, rng, context.on_epoch, context.state)
    a, b = _calibrate(slice_model, dataset)
    sample = dataset.slices(dataset.split("val").iloc[:4])
    return Trained(
        save=lambda folder: export_keras(slice_model, folder, sample),
        parameters=int(slice_model.count_params()),
        calibration={"a": a, "b": b},
    )


def _fit(
    model: Any,
    train: PatchSource,
    val: PatchSource,
    steps: int,
    options: ResidualCNNOptions,
    rng: np.random.Generator,
    on_epoch: OnEpoch,
    state: RunState,
) -> None:
    val_patches, val_labels = val.draw(np.random.default_rng(0), VALIDATION_PATCHES, 0)
    every = max(1, options.validate_every // options.batch_size)
    model.optimizer.build(model.trainable_variables)
    saved = state.restored(_PHASE)
    done, best, best_weights, losses = 0, np.inf, model.get_weights(), []
    if saved is not None:
        done, best, best_weights = int(state.position["step"]), float(state.position["best"]), unpack(model, saved)
        rng.bit_generator.state = state.position["rng"]
    for step in range(done + 1, steps + 1):
        patches, labels = train.draw(rng, options.batch_size, options.jitter_px)
        model.reset_metrics()  # or the loss told is a running mean
        losses.append(float(model.train_on_batch(patches, labels)))
        if step % every == 0 or step == steps:
            val_loss = float(model.evaluate(val_patches, val_labels, batch_size=64, verbose=0))
            on_epoch(-(-step // every), {"train_loss": float(np.mean(losses)), "val_loss": val_loss})
            losses = []
            if val_loss < best:
                best, best_weights = val_loss, model.get_weights()
            if state.due():
                position = {"phase": _PHASE, "step": step, "best": best, "rng": rng.bit_generator.state}
                state.save(position, pack(model, best_weights))
    model.set_weights(best_weights)


def _calibrate(slice_model: Any, dataset: Dataset) -> tuple[float, float]:
    """Fit Platt's a and b on whole validation slices and store them in the graph."""
    rows = dataset.split("val")
    batches = dataset.batches(rows, _CALIBRATION_BATCH)
    parts = [slice_model.predict_on_batch(batch)["p_tampered"].reshape(-1) for batch in batches]
    a, b = fit_platt(logit(np.concatenate(parts), EDGE), rows.label.to_numpy())
    slice_model.get_layer("calibration").set_weights([np.float32(a), np.float32(b)])
    return a, b
