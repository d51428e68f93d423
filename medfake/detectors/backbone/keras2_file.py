"""Weights as Keras 2 published them: HDF5, a group a layer; read layer by layer, nothing in it is run."""

from pathlib import Path
from typing import Any, Final

import numpy as np

from medfake.errors import WeightsError

_LAYERS, _WEIGHTS = "layer_names", "weight_names"
_KERAS_3: Final = ".weights.h5"  # its own layout, which Keras reads
_SHORTCUTS: Final = ("skip", "shortcut")  # in names of theirs and ours: alike in shape to other layers of a block


def is_keras2_file(path: Path) -> bool:
    """Whether a weights file has this layout, by its name; those that Keras 3 saves end on .weights.h5."""
    return path.suffix == ".h5" and not path.name.endswith(_KERAS_3)


def load_keras2_weights(model: Any, path: Path) -> None:
    """Give a model the weights of a file, in the order of its layers, as Keras 2 did.

    Args:
        model: Keras model with the layers of the one that was saved, in their order.
        path: e.g. regnetx040_notop.h5.

    Raises:
        WeightsError: The file is no such file, or a layer has other weights than the model's; the layer is named.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            groups = [file[name] for name in _names(file.attrs[_LAYERS])]
            stored = [
                (one.name, [(name, np.asarray(one[name])) for name in _names(one.attrs[_WEIGHTS])]) for one in groups
            ]
    except (OSError, KeyError) as error:
        raise WeightsError(
            "the weights file is none of Keras 2", where=path, received=type(error).__name__,
            remedy="give the file that keras-applications publishes, or one that Keras 3 saved as *.weights.h5",
        ) from None  # fmt: skip
    theirs = [(name, weights) for name, weights in stored if weights]
    ours = [layer for layer in model.layers if layer.weights]
    if len(theirs) != len(ours):
        raise _misfit(path, f"{len(theirs)} layers with weights, not {len(ours)}")
    for layer, (name, weights) in zip(ours, theirs, strict=True):
        _require_fit(path, layer, name, weights)
        layer.set_weights([value for _, value in weights])


def _names(stored: Any) -> list[str]:
    return [one.decode() if isinstance(one, bytes) else str(one) for one in stored]


def _require_fit(path: Path, layer: Any, name: str, weights: list[tuple[str, Any]]) -> None:
    """Kind and shape of each weight, and whether both layers are of a shortcut."""
    wanted = [(weight.name, tuple(weight.shape)) for weight in layer.weights]
    given = [(word.rsplit("/")[-1].split(":")[0], value.shape) for word, value in weights]
    if wanted != given or (_SHORTCUTS[0] in name) != (_SHORTCUTS[1] in layer.name):
        raise _misfit(path, f"{name}: {given}, where {layer.name} has {wanted}")


def _misfit(path: Path, received: str) -> WeightsError:
    return WeightsError(
        "the weights file does not fit this backbone", where=path, received=received,
        remedy="give the no-top weights of this very network",
    )  # fmt: skip
