"""What there is to compute on, and what to say when it is too small."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from medfake.errors import TrainingError
from medfake.native_output import silence_native_output
from medfake.training.keras_setup import load_keras

_LOG = logging.getLogger(__name__)
_OUT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "ResourceExhausted", "out of memory", "OOM when allocating")


def has_gpu() -> bool:
    """Whether the backend of Keras sees a GPU."""
    return bool(_gpus())


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


def _gpus() -> list[str]:
    """Models of the GPUs that the backend of Keras sees, e.g. "NVIDIA H200"; the other backend is not asked."""
    on_jax = load_keras().backend.backend() == "jax"
    with silence_native_output():  # both complain about missing drivers when they look
        return _gpus_of_jax() if on_jax else _gpus_of_tensorflow()


def _gpus_of_jax() -> list[str]:
    import jax

    return [str(one.device_kind) for one in jax.local_devices() if one.platform == "gpu"]


def _gpus_of_tensorflow() -> list[str]:
    import tensorflow as tf

    details = [tf.config.experimental.get_device_details(one) for one in tf.config.list_physical_devices("GPU")]
    return [str(one.get("device_name", "GPU")) for one in details]


def describe_hardware(*, network: bool, policy: str = "float32") -> str:
    """For a run's tags and a card, e.g. "2 CPU cores" or "1 GPU (NVIDIA H200), jax"; no name of the machine.

    Args:
        network: Whether a network is trained; other detectors have no use for a GPU, and need not load Keras.
        policy: Of Keras that it is trained with; named where it is not single precision.
    """
    if not network:
        return f"{os.cpu_count()} CPU cores"
    gpus = _gpus()
    models = " and ".join(sorted(set(gpus)))
    device = f"{len(gpus)} GPU{'s' * (len(gpus) > 1)} ({models})" if gpus else f"{os.cpu_count()} CPU cores"
    parts = [device, load_keras().backend.backend(), *([policy] if policy != "float32" else [])]
    return ", ".join(parts)


def compute_capabilities() -> list[float]:
    """Of each of NVIDIA's GPUs that the backend of Keras sees, e.g. 9.0 of Hopper."""
    on_jax = load_keras().backend.backend() == "jax"
    with silence_native_output():
        return _capabilities_of_jax() if on_jax else _capabilities_of_tensorflow()


def _capabilities_of_jax() -> list[float]:
    import jax

    return [float(one.compute_capability) for one in jax.local_devices() if one.platform == "gpu"]


def _capabilities_of_tensorflow() -> list[float]:
    import tensorflow as tf

    details = [tf.config.experimental.get_device_details(one) for one in tf.config.list_physical_devices("GPU")]
    return [float("{}.{}".format(*one["compute_capability"])) for one in details if "compute_capability" in one]


def memory_bytes() -> int:
    """Memory of this machine, or of the container that it is, in bytes."""
    limit = Path("/sys/fs/cgroup/memory.max")
    allowed = limit.read_text(encoding="ascii").strip() if limit.is_file() else "max"
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(physical, int(allowed)) if allowed.isdigit() else physical


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
            "or precision to mixed on a GPU",
        ) from None  # fmt: skip
