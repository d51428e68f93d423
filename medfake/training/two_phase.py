"""Backbones in two phases (Alsabbagh and Al-Kadi, section 4): the head on frozen features, then everything, gently."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.datasets.dataset import Dataset
from medfake.detectors.heads import assemble, build_head
from medfake.detectors.options import BackboneOptions
from medfake.detectors.registry import DetectorSpec
from medfake.detectors.weights import build_backbone
from medfake.errors import ExportMismatchError
from medfake.progress import track
from medfake.training.export import export_keras
from medfake.training.keras_setup import import_keras
from medfake.training.normalisation import measure_normalisation, require_spread
from medfake.training.trained import OnEpoch, Trained

_FEATURE_BATCH = 8
_CHECKED_SLICES = 4
_LARGEST_FEATURE_DIFFERENCE = 1e-4


def train_two_phase(
    spec: DetectorSpec, options: BackboneOptions, dataset: Dataset, seed: int, on_epoch: OnEpoch
) -> Trained:
    """Train a backbone with its head.

    While the backbone is frozen its pooled features are constant: they are computed once and the head trains on them.
    A backbone without weights stays at its random ones, with batch statistics measured on training slices.

    Args:
        spec: Of the backbone.
        options: From params.yaml.
        dataset: Learnt from its train split; val chooses the weights of both phases.
        seed: Of the head's weights and of the order of slices.
        on_epoch: Told train_loss and val_loss of every epoch, the second phase counting on.

    Raises:
        WeightsError: The weights are not there.
        TrainingError: The backbone gives the same features for every slice.
        ExportMismatchError: The assembled model differs from head(features).
    """
    keras = import_keras(seed)
    backbone, weights = build_backbone(spec, (options.input_size, options.input_size, 3), options.weights)
    head = build_head(int(spec.feature_width or 0), options.head)
    model, features, images = assemble(backbone, head, options, str(spec.contract))
    if weights.kind == "none":
        measure_normalisation(images, backbone, dataset)
    backbone.trainable = False
    train, val = dataset.split("train"), dataset.split("val")
    known = {name: _features(features, dataset, rows, name) for name, rows in (("train", train), ("val", val))}
    require_spread(known["train"], spec.name)
    labels = {"train": train.label.to_numpy("float32"), "val": val.label.to_numpy("float32")}
    _compile(keras, head, options.learning_rate)
    _fit(keras, head, known, labels, options.batch_size, options.epochs, 0, on_epoch)
    _require_same(model, head, dataset.slices(val.iloc[:_CHECKED_SLICES]), known["val"][:_CHECKED_SLICES])
    if options.fine_tune.epochs:
        _fine_tune(keras, backbone, model, dataset, options, on_epoch)
    sample = dataset.slices(val.iloc[:_CHECKED_SLICES])
    return Trained(
        save=lambda folder: export_keras(model, folder, sample),
        parameters=int(model.count_params()),
        weights={"kind": weights.kind, "sha256": weights.sha256},
    )


def _features(extractor: Any, dataset: Dataset, rows: Any, name: str) -> NDArray[np.float32]:
    batches = dataset.batches(rows, _FEATURE_BATCH)
    about = -(-len(rows) // _FEATURE_BATCH)
    parts = [extractor.predict_on_batch(batch) for batch in track(batches, f"features of the {name} split", about)]
    return np.concatenate(parts)


def _compile(keras: Any, model: Any, learning_rate: float) -> None:
    optimizer = keras.optimizers.Adam(learning_rate, beta_1=0.9, beta_2=0.999)
    model.compile(optimizer=optimizer, loss=keras.losses.BinaryCrossentropy())


def _fit(
    keras: Any,
    model: Any,
    inputs: dict[str, NDArray[Any]],
    labels: dict[str, NDArray[np.float32]],
    batch_size: int,
    epochs: int,
    first_epoch: int,
    on_epoch: OnEpoch,
) -> None:
    """Train with the best validation loss kept, the starting weights included."""
    start = float(model.evaluate(inputs["val"], labels["val"], batch_size=batch_size, verbose=0))
    keeper = _best_keeper(keras, model, start, first_epoch, on_epoch)
    model.fit(
        inputs["train"],
        labels["train"],
        validation_data=(inputs["val"], labels["val"]),
        batch_size=batch_size,
        epochs=epochs,
        verbose=0,
        callbacks=[keeper],
    )
    model.set_weights(keeper.weights)


def _best_keeper(keras: Any, model: Any, start: float, first_epoch: int, on_epoch: OnEpoch) -> Any:
    """A callback that reports each epoch and remembers the weights with the lowest validation loss."""

    class BestKeeper(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
        best = start
        weights = model.get_weights()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            on_epoch(first_epoch + epoch + 1, {"train_loss": float(logs["loss"]), "val_loss": float(logs["val_loss"])})
            if logs["val_loss"] < self.best:
                self.best, self.weights = float(logs["val_loss"]), model.get_weights()

    return BestKeeper()


def unfreeze(keras: Any, backbone: Any) -> None:
    """Make a backbone trainable but for its BatchNormalization, which stays in inference."""
    backbone.trainable = True
    for layer in backbone._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def _fine_tune(
    keras: Any, backbone: Any, model: Any, dataset: Dataset, options: BackboneOptions, on_epoch: OnEpoch
) -> None:
    """Unfreeze, and go on slowly."""
    unfreeze(keras, backbone)
    optimizer = keras.optimizers.Adam(options.fine_tune.learning_rate, beta_1=0.9, beta_2=0.999)
    model.compile(optimizer=optimizer, loss={"p_tampered": keras.losses.BinaryCrossentropy()})
    inputs = {name: dataset.slices(dataset.split(name)) for name in ("train", "val")}
    labels = {name: dataset.split(name).label.to_numpy("float32") for name in ("train", "val")}
    _fit(keras, model, inputs, labels, options.batch_size, options.fine_tune.epochs, options.epochs, on_epoch)


def _require_same(model: Any, head: Any, slices: NDArray[np.int16], features: NDArray[np.float32]) -> None:
    whole = np.asarray(model(slices, training=False)["p_tampered"]).reshape(-1)
    parts = np.asarray(head(features, training=False)).reshape(-1)
    difference = float(np.abs(whole - parts).max())
    if not difference <= _LARGEST_FEATURE_DIFFERENCE:
        raise ExportMismatchError(
            f"the assembled model differs from head(features) by more than {_LARGEST_FEATURE_DIFFERENCE}",
            received=f"{difference:.2e} on {len(slices)} slices",
        )
