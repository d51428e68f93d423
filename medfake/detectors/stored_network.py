"""The network of a stored package, as Keras has it: for what a graph of ONNX does not give, such as a gradient."""

import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Any

from medfake.errors import ManifestError
from medfake.files import in_a_word
from medfake.package.card import KERAS_FILE
from medfake.remedies import retrain
from medfake.training.keras_setup import load_keras

_LAYERS = "layers"  # modules whose names end so register what stored networks are made of


def has_network(package: Path) -> bool:
    """Whether a package holds a network of Keras; classical models have none, and a shipped package may go without."""
    return (package / KERAS_FILE).is_file()


def load_network(package: Path) -> Any:
    """Load detector.keras, the layers of all families known.

    Args:
        package: Folder.

    Raises:
        ManifestError: The file is missing or cannot be read.
    """
    keras = load_keras()
    import medfake.detectors as room

    for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
        if module.name.endswith(_LAYERS):
            import_module(module.name)
    try:
        return keras.saving.load_model(package / KERAS_FILE, compile=False)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ManifestError(
            "the network of this package cannot be loaded", where=package / KERAS_FILE, received=in_a_word(error),
            remedy=retrain(package),
        ) from None  # fmt: skip
