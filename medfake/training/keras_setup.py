"""Keras, imported quietly and seeded."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def import_keras(seed: int) -> Any:
    """Import Keras with its chatter off and seed Python, NumPy and the backend.

    Args:
        seed: Same seed, same data, same machine: same weights.
    """
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    logging.getLogger("absl").setLevel(logging.ERROR)
    with warnings.catch_warnings(), native_chatter_off():
        warnings.simplefilter("ignore")  # imports of tf2onnx and friends warn about NumPy aliases
        import keras

    keras.utils.set_random_seed(seed)
    keras.utils.disable_interactive_logging()
    return keras


def clear_session() -> None:
    """Give back what networks of earlier trainings hold in this process; nothing when Keras was not used."""
    import gc

    if "keras" in sys.modules:
        import keras

        keras.backend.clear_session()
    gc.collect()


@contextmanager
def native_chatter_off() -> Iterator[None]:
    """Swallow what TensorFlow's C++ prints about itself; Python exceptions still come through.

    TensorFlow reads how much it may say when it is loaded, so whatever loads it does so in here.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # twice as fast, and the same from run to run on one machine
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
