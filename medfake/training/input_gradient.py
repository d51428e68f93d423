"""How what a network gets wrong changes with its pixels: the derivative by Hounsfield units, on either backend."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from medfake.errors import TrainingError
from medfake.training.gradients import Loss, compiled_gradient
from medfake.training.keras_setup import load_keras

_REAL_FROM: Final = "Hounsfield"  # class of the layer that makes real numbers of whole ones
_SCORE: Final = "p_tampered"


class InputGradient:
    """The derivative of a network's loss by its pixels.

    Slices are whole numbers, which have no derivative: the network is taken from its layer `Hounsfield` on. Weights are
    shared with it, so that a network in training is asked as it stands.
    """

    def __init__(self, model: Any, loss: Loss) -> None:
        """Take a network from its real numbers on.

        Args:
            model: Keras model, (slices, rows, cols) int16 HU -> a tensor, or a dict with p_tampered.
            loss: Of labels and that tensor, or of p_tampered.

        Raises:
            TrainingError: The network has no layer `Hounsfield` of its own, so that nobody can say where HU enter.
        """
        network = _from_real_hu(model)
        self._derive = compiled_gradient(network, loss)

    def __call__(self, hu: NDArray[np.int16], labels: NDArray[Any]) -> NDArray[np.float32]:
        """Derive, batch statistics and dropout as in inference.

        Args:
            hu: (slices, rows, cols) int16 Hounsfield units.
            labels: (slices, ...) as the loss takes them.

        Returns:
            Same shape as `hu`; along its sign the loss grows, and 0 is where it does not change.
        """
        derived: NDArray[np.float32] = np.asarray(self._derive(hu.astype(np.float32)[..., None], labels))[..., 0]
        return np.nan_to_num(derived, nan=0.0)  # of a root at 0, say: no direction


def _from_real_hu(model: Any) -> Any:
    """The part of a Keras model that takes (slices, rows, cols, 1) float32 HU."""
    keras = load_keras()
    layer = next((one for one in model.layers if type(one).__name__ == _REAL_FROM), None)
    if layer is None:
        raise TrainingError(
            "the network cannot be derived by its pixels: it has no layer that makes real numbers of Hounsfield units",
            where=model.name, received=", ".join(type(one).__name__ for one in model.layers[:4]),
            remedy="train it anew with this version: dvc repro",
        )  # fmt: skip
    said = model.output
    return keras.Model(layer.output, said[_SCORE] if isinstance(said, dict) else said)
