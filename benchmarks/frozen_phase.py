"""The frozen phase on cached features against plain Keras `fit` of the same head on the same slices.

Plain epochs all take the same time, so a tenth of them is measured and counted ten times; the validation losses of both
ways are compared after those.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.material import report
from benchmarks.training_set import noise_set, small_network

TRAIN, VAL, EPOCHS, PLAIN_EPOCHS = 1000, 250, 80, 8


def main() -> None:
    """Print wall times, validation losses and the ratio."""
    dataset = noise_set(TRAIN, VAL)
    cached_s, ours = _cached(dataset)
    plain_s, theirs = _plain(dataset)
    print(f"frozen: {EPOCHS} epochs cached {cached_s:.1f} s, {PLAIN_EPOCHS} plain epochs {plain_s:.1f} s")
    print(f"frozen: validation loss after {PLAIN_EPOCHS} epochs {ours:.5f} cached, {theirs:.5f} plain")
    report("frozen", plain_s * EPOCHS / PLAIN_EPOCHS / cached_s, "Keras fit on slices", ">=40")


def _cached(dataset: Any) -> tuple[float, float]:
    """Seconds for all epochs, features, storing and checks included; validation loss after the first few."""
    from medfake.detectors.backbone.fit import train_two_phase
    from medfake.detectors.context import TrainingContext
    from medfake.training.run_state import RunState

    spec, options = small_network()
    options = options.model_copy(update={"epochs": EPOCHS})
    folder, losses = Path(tempfile.mkdtemp(prefix="medfake-bench-")), []
    started = time.perf_counter()
    context = TrainingContext(
        spec=spec, options=options, dataset=dataset, seed=1, features=folder / "features",
        state=RunState(folder / "state", {}), on_epoch=lambda _, losses_now: losses.append(losses_now["val_loss"]),
    )  # fmt: skip
    train_two_phase(context)
    return time.perf_counter() - started, losses[PLAIN_EPOCHS - 1]


def _plain(dataset: Any) -> tuple[float, float]:
    """Seconds for some epochs, slices already in memory; validation loss after them."""
    import numpy as np

    from medfake.detectors.backbone.features import BACKBONE_SEED
    from medfake.detectors.backbone.graph import build_extractor, build_head
    from medfake.detectors.backbone.normalisation import measure_normalisation
    from medfake.detectors.backbone.weights import build_backbone, find_weights
    from medfake.training.keras_setup import import_keras
    from medfake.vocabulary import Split

    spec, options = small_network()
    keras = import_keras(BACKBONE_SEED)
    weights = find_weights(spec, options.weights)
    backbone = build_backbone(spec, (options.input_size, options.input_size, 3), weights)
    extractor, images = build_extractor(backbone, options, spec.contract)
    if weights.kind == "none":
        measure_normalisation(images, backbone, dataset)
    backbone.trainable = False
    keras = import_keras(1)
    head = build_head(256, options.head)
    model = keras.Model(extractor.input, head(extractor.output))
    model.compile(optimizer=keras.optimizers.Adam(options.learning_rate), loss=keras.losses.BinaryCrossentropy())
    rows = {name: dataset.split(name) for name in (Split.TRAIN, Split.VAL)}
    slices = {name: dataset.slices(one) for name, one in rows.items()}
    labels = {name: one.label.to_numpy("float32") for name, one in rows.items()}
    started, loss = time.perf_counter(), 0.0
    for epoch in range(PLAIN_EPOCHS):
        order = np.random.default_rng((1, epoch)).permutation(len(labels[Split.TRAIN]))  # as the cached way shuffles
        history = model.fit(
            slices[Split.TRAIN][order], labels[Split.TRAIN][order],
            batch_size=options.batch_size, shuffle=False, verbose=0,
            validation_data=(slices[Split.VAL], labels[Split.VAL]),
        )  # fmt: skip
        loss = history.history["val_loss"][0]
    return time.perf_counter() - started, float(loss)
