"""The same code on the other backend of Keras."""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest

TEN_STEPS = """
import numpy as np
from medfake.training.keras_setup import import_keras
keras = import_keras(1)
assert keras.backend.backend() == "jax"
from medfake.detectors.backbone.graph import build_detector, build_extractor, build_head
from medfake.detectors.backbone.options import BackboneOptions
from medfake.detectors.registry import detector_spec
from medfake.detectors.backbone.fit import unfreeze
spec, options = detector_spec("CustomCNN"), BackboneOptions(weights="none", input_size=64)
backbone = spec.build((64, 64, 3), None)
extractor, _ = build_extractor(backbone, options, spec.contract)
head = build_head(spec.feature_width, (8,))
unfreeze(keras, backbone)
model = keras.Model(extractor.input, head(extractor.output))
model.compile(optimizer=keras.optimizers.Adam(1e-2), loss="binary_crossentropy")
labels = np.array([0, 1, 0, 1], np.float32)
noise = np.random.default_rng(1).integers(-1000, 0, (4, 64, 64))
slices = (noise + 400 * labels[:, None, None]).astype(np.int16)
kernel = np.asarray(backbone.trainable_weights[0]).copy()
losses = []
for _ in range(10):
    model.reset_metrics()
    losses.append(float(model.train_on_batch(slices, labels)))
assert np.isfinite(losses).all(), losses
assert losses[-1] < losses[0], losses
assert (np.asarray(backbone.trainable_weights[0]) != kernel).any()
"""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_ten_steps_of_a_backbone_on_jax() -> None:
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", TEN_STEPS], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


PHASE = """
import json, pathlib, sys, tempfile
import numpy as np
from medfake.training.keras_setup import import_keras
keras = import_keras(1)
from medfake.detectors.backbone.graph import build_head
from medfake.training.hardware import device_count, share_devices
from medfake.training.phase import BatchSource, Phase, ShuffledRows, train_phase
from medfake.training.run_state import RunState
share_devices()
features = np.random.default_rng(1).normal(size=(13, 6)).astype(np.float32)
labels = (features[:, 0] > 0).astype(np.float32)
head = build_head(6, (8,))
head.compile(optimizer="adam", loss=keras.losses.BinaryCrossentropy(reduction="mean_with_sample_weight"))
told = []
state = RunState(pathlib.Path(tempfile.mkdtemp()) / "state", {})
material = BatchSource(features.__getitem__, labels, 4)
train_phase(head, ShuffledRows(material, 1), material, Phase("head", 3), state, lambda _, figures: told.append(figures))
print(json.dumps([device_count(), told]))
"""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_two_devices_that_share_batches_learn_what_one_learns() -> None:
    told = []
    for devices in (1, 2):
        flags = {"XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"}
        environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", **flags}
        done = subprocess.run([sys.executable, "-c", PHASE], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        count, figures = json.loads(done.stdout)
        assert count == devices
        told.append([[one["train_loss"], one["val_loss"]] for one in figures])
    np.testing.assert_allclose(told[0], told[1], rtol=1e-5)
