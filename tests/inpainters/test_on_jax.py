"""Inpainters take the same steps on JAX: losses fall, a state goes on, and the graph fills as the generator does."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from medfake.inpainters.fit import fill
from medfake.inpainters.gan import Gan3D
from medfake.inpainters.material import Material
from medfake.inpainters.vae import Vae2D
from medfake.package.keras_to_onnx import write_onnx
from medfake.package.scorer import open_session
from medfake.training.keras_setup import import_keras

pytestmark = [
    pytest.mark.slow(minutes=1),
    pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed"),
]
KINDS = {"gan": (Gan3D, 32, 3), "vae": (Vae2D, 64, 2)}
STEPS = 4


def learn_on_jax(kind: str, folder: Path) -> None:
    """What the process of JAX does."""
    assert import_keras(1).backend.backend() == "jax"
    build, edge, axes = KINDS[kind]
    rng = np.random.default_rng(1)
    hu = rng.normal(-850, 50, (4, *(edge,) * axes)).astype(np.int16)
    hole = np.zeros(hu.shape, bool)
    hole[(slice(None), *(slice(edge // 2 - 5, edge // 2 + 5),) * axes)] = True
    places = Material(hu, hole, np.zeros(4, np.float32), np.array(["a", "a", "b", "b"]))
    network, other = (build(4, 1e-3, 2) for _ in range(2))
    told = [network.learn(places, step, np.random.default_rng(step)) for step in range(STEPS)]
    assert np.isfinite([value for losses in told for value in losses.values()]).all()
    assert told[-1]["l1_hu"] < told[0]["l1_hu"], told
    other.restore(network.state())
    again = [one.learn(places, STEPS, np.random.default_rng(STEPS)) for one in (network, other)]
    assert again[0] == pytest.approx(again[1], rel=1e-4)
    given = {**places.inputs(), **network.chance(np.random.default_rng(9), len(places))}
    path = folder / "generator.onnx"
    write_onnx(network.generator, path, [given[one.name][:1] for one in network.generator.inputs])
    session = open_session(path)
    (made,) = session.run(None, {one.name: given[one.name] for one in session.get_inputs()})
    np.testing.assert_allclose(made, fill(network, places, np.random.default_rng(9)), atol=0.05)
    assert "tensorflow" not in sys.modules, "TensorFlow was loaded beside JAX"


@pytest.mark.parametrize("kind", KINDS)
def test_an_inpainter_learns_on_jax_and_is_stored_as_on_tensorflow(kind: str, tmp_path: Path) -> None:
    script = f"""
from pathlib import Path
from tests.inpainters import test_on_jax as here
here.learn_on_jax({kind!r}, Path({str(tmp_path)!r}))
"""
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
