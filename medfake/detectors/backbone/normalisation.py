"""Batch statistics for a backbone that starts from random weights."""

from typing import Any

import numpy as np

from medfake.datasets.dataset import Dataset
from medfake.errors import TrainingError
from medfake.progress import track
from medfake.vocabulary import Split

_BATCH = 16
_SLICES = 64
_LEAST_SPREAD = 1e-6  # standard deviation of the liveliest feature; float32 noise lies below


def measure_normalisation(images: Any, backbone: Any, dataset: Dataset) -> None:
    """Set the moving mean and variance of every BatchNormalization to those of training slices.

    A network that was never trained normalises by mean 0 and variance 1, so that its activations fade layer by layer:
    in MobileNetV3Large to about 1e-11. With measured statistics its features vary with the slice.

    Args:
        images: Keras model, int16 HU slices -> what the backbone takes.
        backbone: Not frozen yet.
        dataset: Up to 64 slices of its train split, evenly spread, are looked at.
    """
    import keras

    layers = [one for one in backbone._flatten_layers() if isinstance(one, keras.layers.BatchNormalization)]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    train = dataset.split(Split.TRAIN)
    rows = train.iloc[np.unique(np.linspace(0, len(train) - 1, _SLICES).round().astype(int))]
    batches = dataset.batches(rows, _BATCH)
    for seen, batch in enumerate(track(batches, "batch statistics", -(-len(rows) // _BATCH))):
        for layer in layers:
            layer.momentum = seen / (seen + 1)  # the mean over batches so far
        backbone(images(batch), training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


def require_spread(features: "np.ndarray[Any, np.dtype[np.float32]]", detector: str) -> None:
    """Refuse features that are the same for every slice: no head learns from them.

    Args:
        features: (slices, width) float32.
        detector: For the message.

    Raises:
        TrainingError: No feature varies, or one is no number.
    """
    spread = float(features.std(axis=0).max())
    if not spread >= _LEAST_SPREAD:
        raise TrainingError(
            "the frozen backbone gives the same features for every slice", where=f"detectors.{detector}",
            received=f"largest standard deviation {spread:.1e}",
            remedy=f"give detectors.{detector}.weights a file of pretrained weights, and check window_hu",
        )  # fmt: skip
