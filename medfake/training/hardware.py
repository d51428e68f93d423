"""What there is to compute on, and what to say when it is too small."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from medfake.errors import TrainingError
from medfake.native_output import silence_native_output
from medfake.training.keras_setup import load_keras

_LOG = logging.getLogger(__name__)
_OUT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "ResourceExhausted", "out of memory", "OOM when allocating")


def has_gpu() -> bool:
    """Whether the backend of Keras sees a GPU."""
    keras = load_keras()

    return bool(keras.distribution.list_devices("gpu")) if keras.backend.backend() == "jax" else bool(_gpus())


def share_devices() -> None:
    """Have batches shared between all GPUs, or whatever devices JAX is told to see; Keras does so on JAX alone."""
    keras = load_keras()

    if keras.backend.backend() == "jax":
        if len(keras.distribution.list_devices()) > 1 and keras.distribution.distribution() is None:
            keras.distribution.set_distribution(keras.distribution.DataParallel())
    elif len(_gpus()) > 1:
        _LOG.warning("%d GPUs are here and one is used; KERAS_BACKEND=jax uses all", len(_gpus()))


def device_count() -> int:
    """Devices that share a batch."""
    keras = load_keras()

    shared = keras.distribution.distribution()
    return 1 if shared is None else int(np.prod(shared.device_mesh.shape))


def _gpus() -> list[Any]:
    load_keras()  # which loads TensorFlow the quick way, with whatever it says about itself off
    with silence_native_output():  # it complains about missing drivers when it looks
        import tensorflow as tf

        return list(tf.config.list_physical_devices("GPU"))


def describe_hardware(*, network: bool) -> str:
    """For a run's tags, e.g. "2 CPU cores" or "1 GPU"; no name of the machine.

    Args:
        network: Whether a network is trained; other detectors have no use for a GPU, and need not load TensorFlow.
    """
    gpus = len(_gpus()) if network else 0
    return f"{gpus} GPU{'s' if gpus > 1 else ''}" if gpus else f"{os.cpu_count()} CPU cores"


def memory_bytes() -> int:
    """Memory of this machine, or of the container that it is, in bytes."""
    limit = Path("/sys/fs/cgroup/memory.max")
    allowed = limit.read_text(encoding="ascii").strip() if limit.is_file() else "max"
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(physical, int(allowed)) if allowed.isdigit() else physical


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Build layers of a precision: "float32", "mixed_float16" or "mixed_bfloat16"."""
    keras = load_keras()

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextmanager
def explain_out_of_memory(detector: str, batch_size: int, input_size: int) -> Iterator[None]:
    """Say what to lower when memory does not suffice.

    Raises:
        TrainingError: The block ran out of memory.
    """
    try:
        yield
    except Exception as error:  # each backend has an exception of its own for this; others go on
        if not isinstance(error, MemoryError) and not any(word in f"{type(error)} {error}" for word in _OUT_OF_MEMORY):
            raise
        smaller = max(1, batch_size // 2)
        raise TrainingError(
            "out of memory", where=f"detectors.{detector}",
            received=f"batch_size {batch_size}, input_size {input_size}",
            remedy=f"set detectors.{detector}.batch_size to {smaller}, or input_size to {input_size // 2}, "
            "or precision to mixed_float16 on a GPU",
        ) from None  # fmt: skip
