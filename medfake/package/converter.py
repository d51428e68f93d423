"""A process of TensorFlow on the CPU that writes ONNX graphs for networks of another backend of Keras.

The converter knows TensorFlow alone. A network of JAX is saved and loaded there: JAX and TensorFlow never share a
process, so that neither takes memory of a GPU from the other.
"""

import logging
import os
import tempfile
import warnings
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from medfake.native_output import silence_native_output

_IDLE_S: Final = 60  # after which the process ends; starting it takes longer than most conversions
_ENVIRONMENT: Final = {
    "KERAS_BACKEND": "tensorflow",
    "KERAS_HOME": os.devnull,  # no settings of another project
    "CUDA_VISIBLE_DEVICES": "-1",  # the GPU stays with who trains on it
}


def write_elsewhere(model: Any, path: Path) -> None:
    """Write a Keras model of any backend as an ONNX graph.

    Args:
        model: Called before; its layers are Keras', or registered by an importable module.
        path: File to write.
    """
    with tempfile.TemporaryDirectory(prefix="medfake-") as folder:
        archive = Path(folder) / "network.keras"
        model.save(archive)
        _converter().submit(_convert, str(archive), str(path.resolve()), _modules(model)).result()


@cache
def _converter() -> Any:
    """The process, begun when it is first asked for; it ends with this one."""
    from joblib.externals.loky import ProcessPoolExecutor

    return ProcessPoolExecutor(max_workers=1, timeout=_IDLE_S, env=_ENVIRONMENT)


def _modules(model: Any) -> list[str]:
    """Modules that register what a model is made of besides Keras' own layers."""
    found = {type(layer).__module__ for layer in model._flatten_layers()}
    return sorted(name for name in found if name.partition(".")[0] != "keras")


def _convert(archive: str, path: str, modules: Sequence[str]) -> None:
    """In the other process: load an archive, write its graph."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with warnings.catch_warnings(), silence_native_output():
        warnings.simplefilter("ignore")  # of what is imported
        import keras

    from medfake.package.keras_to_onnx import write_built

    for module in modules:
        import_module(module)
    write_built(keras.saving.load_model(archive, compile=False), Path(path))
