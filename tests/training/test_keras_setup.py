"""What a user's own Keras settings may change: the backend, among two."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from medfake.errors import ConfigError
from medfake.training.keras_setup import BACKEND_VARIABLE, load_keras, require_backend

BUILD = """
import sys
from medfake.training.keras_setup import import_keras
keras = import_keras(1)
assert not {"jax", "matplotlib", "sklearn"} & set(sys.modules), "Keras took what it can do without"
import matplotlib.pyplot, sklearn.base  # and whoever needs them has them
import numpy as np
from medfake.detectors.forensic.residual_cnn import build_residual_cnn
_, whole = build_residual_cnn(4)
said = whole(np.full((1, 192, 192), -850, np.int16), training=False)
dtypes = {str(weight.dtype) for weight in whole.weights} | {str(np.asarray(one).dtype) for one in said.values()}
print(keras.config.image_data_format(), keras.config.floatx(), keras.config.epsilon(), sorted(dtypes))
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a user's keras.json is; there is none yet."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv(BACKEND_VARIABLE, raising=False)
    return tmp_path / "keras.json"


def test_without_settings_it_is_tensorflow(settings: Path) -> None:
    require_backend()
    assert not settings.exists()


@pytest.mark.parametrize("backend", ["torch", "openvino", "theano"])
def test_another_backend_in_the_shell_is_refused(settings: Path, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BACKEND_VARIABLE, backend)
    with pytest.raises(ConfigError, match="none of tensorflow and jax") as caught:
        require_backend()
    assert backend in str(caught.value)
    assert "KERAS_BACKEND or keras.json" in str(caught.value)
    assert f"{BACKEND_VARIABLE}=tensorflow" in str(caught.value.remedy)


def test_another_backend_in_keras_json_is_refused_and_the_file_named(settings: Path) -> None:
    settings.write_text(json.dumps({"backend": "torch"}))
    with pytest.raises(ConfigError, match="none of tensorflow and jax") as caught:
        require_backend()
    assert str(settings) in str(caught.value)


def test_the_shell_counts_before_keras_json(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.write_text(json.dumps({"backend": "torch"}))
    monkeypatch.setenv(BACKEND_VARIABLE, "tensorflow")
    require_backend()


def test_a_backend_that_is_not_installed_is_told(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BACKEND_VARIABLE, "jax")
    monkeypatch.setattr("medfake.training.keras_setup.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match="is not installed"):
        require_backend()


@pytest.mark.parametrize("text", ["{broken", "[]", "{}"])
def test_a_keras_json_without_a_backend_counts_for_nothing(settings: Path, text: str) -> None:
    settings.write_text(text)
    require_backend()


@pytest.mark.slow
@pytest.mark.parametrize("floatx", ["float16", "float64"])
def test_channels_first_and_another_precision_of_another_project_change_nothing(settings: Path, floatx: str) -> None:
    settings.write_text(
        json.dumps({"image_data_format": "channels_first", "floatx": floatx, "epsilon": 1e-3, "backend": "tensorflow"})
    )
    done = subprocess.run([sys.executable, "-c", BUILD], env=dict(os.environ), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == "channels_last float32 1e-07 ['float32']\n"


def test_neither_backend_takes_all_memory_of_a_gpu_at_once() -> None:
    load_keras()
    assert os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    assert os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] == "false"
