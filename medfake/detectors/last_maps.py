"""Stored networks cut in two behind their last maps, as Grad-CAM needs them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from medfake.errors import ManifestError
from medfake.files import in_a_word
from medfake.package.card import KERAS_FILE
from medfake.remedies import retrain
from medfake.training.keras_setup import load_keras


@dataclass(frozen=True)
class LastMaps:
    """A network in two parts; together they say what the whole says.

    Attributes:
        front: (slices, rows, cols) int16 HU -> maps, (slices, down, across, channels) float32.
        logit: Those maps and the slices -> (slices,) log odds of "tampered", differentiable in the maps.
        first_px: Row and column of the centre of the first cell of the maps; None for maps whose cells fill the slice,
            whatever its size is.
        step_px: Between centres of neighbouring cells, down and across; None as `first_px`.
    """

    front: Callable[[NDArray[np.int16]], Any]
    logit: Callable[[Any, NDArray[np.int16]], Any]
    first_px: tuple[float, float] | None = None
    step_px: tuple[float, float] | None = None


def load_network(package: Path) -> Any:
    """The Keras form of a stored detector, with the layers that medfake has of its own.

    Args:
        package: Folder with detector.keras.

    Raises:
        ManifestError: It is missing, or cannot be read by this version of Keras.
    """
    keras = load_keras()
    import medfake.detectors.forensic.layers
    import medfake.detectors.layers  # noqa: F401  # registers them, as the line above

    path = package / KERAS_FILE
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError) as error:
        raise ManifestError(
            "the Keras form of this detector cannot be loaded", where=path, received=in_a_word(error),
            remedy=retrain(package),
        ) from None  # fmt: skip
