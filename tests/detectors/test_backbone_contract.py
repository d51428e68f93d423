"""What holds for every network of the papers once it is trained and stored; the weights vary, so that outputs do."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from joblib import Parallel, delayed

from medfake.detectors.card import KERAS_FILE, LARGEST_DIFFERENCE
from medfake.detectors.heads import build_detector, build_extractor, build_head
from medfake.detectors.options import BackboneOptions
from medfake.detectors.registry import detector_names, detector_spec
from medfake.training.export import export_keras
from medfake.training.keras_setup import import_keras
from medfake.training.two_phase import unfreeze

pytestmark = pytest.mark.slow
NETWORKS = [name for name in detector_names() if detector_spec(name).paper and detector_spec(name).family == "backbone"]
SIZE = 96
ROUNDING = 1e-5  # single precision through hundreds of layers, threads in another order
RELOAD = """
import json, sys
from pathlib import Path
import numpy as np
from medfake.detectors import layers  # registers them
import keras
folder = Path(sys.argv[1])
slices = np.load(folder / "slices.npy")
told = {}
for path in sorted(folder.glob("*/detector.keras")):
    model = keras.saving.load_model(path)
    told[path.parent.name] = np.asarray(model(slices, training=False)["p_tampered"]).reshape(-1).tolist()
(folder / "told.json").write_text(json.dumps(told))
"""


def scrambled(model: Any, rng: np.random.Generator) -> None:
    """Give biases and moving statistics values that no initialiser gives, small enough that nothing saturates."""
    for weight in model.weights:
        if len(weight.shape) == 1:
            weight.assign(weight.numpy() + rng.uniform(0.01, 0.1, weight.shape).astype(np.float32))


def export(name: str, folder: Path) -> tuple[list[float], float]:
    """What a network says of two slices, and how far its ONNX form is off; stored in a folder of its name."""
    keras = import_keras(1)
    spec, options = detector_spec(name), BackboneOptions(weights="none", input_size=SIZE)
    backbone = spec.build((SIZE, SIZE, 3), None)
    extractor, _ = build_extractor(backbone, options, str(spec.contract))
    model = build_detector(extractor, build_head(int(spec.feature_width or 0), (8,)))
    scrambled(model, np.random.default_rng(1))
    (folder / name).mkdir()
    slices = np.load(folder / "slices.npy")
    agreement = export_keras(model, folder / name, slices)
    said = np.asarray(model(slices, training=False)["p_tampered"]).reshape(-1)
    keras.backend.clear_session()
    return said.tolist(), agreement.max_abs_difference


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, tuple[list[float], float]]]:
    """All networks exported, in processes of their own, which give their memory back."""
    folder = tmp_path_factory.mktemp("stored")
    slices = np.random.default_rng(1).integers(-1000, 400, (2, SIZE, SIZE)).astype(np.int16)
    np.save(folder / "slices.npy", slices)
    told = Parallel(n_jobs=2)(delayed(export)(name, folder) for name in NETWORKS)
    return folder, dict(zip(NETWORKS, told, strict=True))


@pytest.mark.parametrize("name", NETWORKS)
def test_its_onnx_form_agrees(name: str, stored: tuple[Path, dict[str, tuple[list[float], float]]]) -> None:
    assert stored[1][name][1] <= LARGEST_DIFFERENCE


def test_a_fresh_process_loads_them_and_says_the_same(
    stored: tuple[Path, dict[str, tuple[list[float], float]]],
) -> None:
    folder, told = stored
    subprocess.run([sys.executable, "-c", RELOAD, str(folder)], check=True, capture_output=True)
    again = json.loads((folder / "told.json").read_text())
    assert set(again) == set(NETWORKS)
    assert all((folder / name / KERAS_FILE).is_file() for name in NETWORKS)
    for name in NETWORKS:
        np.testing.assert_allclose(again[name], told[name][0], atol=ROUNDING, err_msg=name)


@pytest.mark.parametrize("name", ["DenseNet121", "MobileNetV3Large", "RegNetY040", "ResNet18"])
def test_its_moving_means_stay_when_everything_else_is_trained(name: str) -> None:
    keras = import_keras(1)
    backbone = detector_spec(name).build((64, 64, 3), None)
    unfreeze(keras, backbone)
    norms = [one for one in backbone._flatten_layers() if isinstance(one, keras.layers.BatchNormalization)]
    before = [norm.moving_mean.numpy() for norm in norms]
    model = keras.Sequential([backbone, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    kernel = backbone.trainable_weights[0].numpy()
    model.train_on_batch(np.random.default_rng(1).uniform(0, 255, (4, 64, 64, 3)), np.ones((4, 1)))
    assert norms
    assert (backbone.trainable_weights[0].numpy() != kernel).any()
    for norm, mean in zip(norms, before, strict=True):
        np.testing.assert_array_equal(norm.moving_mean.numpy(), mean)
