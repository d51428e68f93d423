"""Keras, imported quietly and seeded; of a user's own settings only the backend reaches in."""

import gc
import json
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from medfake.errors import ConfigError
from medfake.native_output import silence_native_output

BACKENDS = ("tensorflow", "jax")
BACKEND_VARIABLE = "KERAS_BACKEND"
_EXTRAS = (*BACKENDS, "matplotlib", "sklearn")  # but the backend that is used
_ENVIRONMENT = {
    "TF_ENABLE_ONEDNN_OPTS": "1",  # twice as fast on a CPU, and the same from run to run on one machine
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",  # memory of a GPU as it is needed, so that trainings can share one
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # the same for JAX
}
_EPSILON = 1e-7  # of losses and norms, as Keras has it unless keras.json says otherwise


def import_keras(seed: int) -> Any:
    """Import Keras with its chatter off and seed Python, NumPy and the backend.

    Args:
        seed: Same seed, same data, same machine: same weights.

    Raises:
        ConfigError: As `load_keras`.
    """
    keras = load_keras()
    keras.utils.set_random_seed(seed)
    keras.utils.disable_interactive_logging()
    return keras


@cache
def load_keras() -> Any:
    """Import Keras and pin what keras.json may set, so that a training depends on params.yaml alone.

    Half precision is an option of its own; channels are last in every graph.

    Raises:
        ConfigError: As `require_backend`.
    """
    if "keras" not in sys.modules:
        require_backend()
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    logging.getLogger("absl").setLevel(logging.ERROR)
    with warnings.catch_warnings(), silence_native_output(), _without_extras():
        warnings.simplefilter("ignore")  # imports of tf2onnx and friends warn about NumPy aliases
        import keras
        from keras.src.utils.module_utils import tensorflow

        bool(tensorflow.available)  # asked while it is hidden on JAX: Keras remembers the answer
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(_EPSILON)
    gc.freeze()  # what TensorFlow keeps for good is not gone through whenever a network is given back
    return keras


def require_backend() -> None:
    """Refuse a backend that no detector is trained on, before anything is loaded.

    Raises:
        ConfigError: KERAS_BACKEND, or else keras.json, names another than TensorFlow and JAX, or one that is not
            installed.
    """
    backend, where = named_backend()
    if backend in BACKENDS and find_spec(backend) is not None:
        return
    fault = "is not installed" if backend in BACKENDS else f"is none of {' and '.join(BACKENDS)}"
    raise ConfigError(
        f"the backend that {BACKEND_VARIABLE} or keras.json names for Keras {fault}", where=where, received=backend,
        remedy=f"export {BACKEND_VARIABLE}={BACKENDS[0]}, which counts before keras.json",
    )  # fmt: skip


def named_backend() -> tuple[str, str | Path]:
    """The backend that Keras will take, and where it is named."""
    path = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json"
    if named := os.environ.get(BACKEND_VARIABLE):
        return named, f"{BACKEND_VARIABLE} in the shell"
    return _backend_of(path) or BACKENDS[0], path


def _backend_of(path: Path) -> str | None:
    """What keras.json names; a file that Keras cannot read counts for nothing, as with Keras."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return str(stored["backend"]) if isinstance(stored, dict) and stored.get("backend") else None


@contextmanager
def _without_extras() -> Iterator[None]:
    """Have Keras and TensorFlow do without optional packages that medfake never uses through them.

    TensorFlow Lite takes JAX, Keras takes Matplotlib for galleries and scikit-learn for wrappers, if they are there:
    two fifths of the time that importing TensorFlow takes. Keras on JAX takes TensorFlow to seed it, which would then
    look for a GPU of its own. Who needs them imports them afterwards as ever.
    """
    backend, _ = named_backend()
    hidden = [name for name in _EXTRAS if name not in sys.modules and name != backend]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: as if it were not installed
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def clear_session() -> None:
    """Give back what networks of earlier trainings hold in this process; nothing when Keras was not used."""
    if "keras" in sys.modules:
        sys.modules["keras"].backend.clear_session()
