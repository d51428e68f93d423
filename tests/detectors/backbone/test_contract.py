"""What holds for every network of the papers once it is trained and stored; the weights vary, so that outputs do."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from joblib import Parallel, delayed

from medfake.detectors.backbone.fit import unfreeze
from medfake.detectors.backbone.graph import build_detector, build_extractor, build_head
from medfake.detectors.backbone.options import BackboneOptions
from medfake.detectors.registry import detector_names, detector_spec
from medfake.package.card import KERAS_FILE, LARGEST_DIFFERENCE
from medfake.training.export import export_keras
from medfake.training.keras_setup import import_keras

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


class Told(NamedTuple):
    """What became of one network.

    Attributes:
        said: Of two slices.
        difference: Of its ONNX form.
        lowest: Of what its backbone is given.
        highest: Likewise.
        moved: Whether a step of the second phase moved its first filters.
        stayed: Whether that step left all moving means of BatchNormalization where they were.
    """

    said: list[float]
    difference: float
    lowest: float
    highest: float
    moved: bool
    stayed: bool


def examine(name: str, folder: Path) -> Told:
    """Build a network, store it in a folder of its name, load nothing, and train one step of the second phase."""
    keras = import_keras(1)
    spec, options = detector_spec(name), BackboneOptions(weights="none", input_size=SIZE)
    backbone = spec.build((SIZE, SIZE, 3), None)
    extractor, images = build_extractor(backbone, options, str(spec.contract))
    head = build_head(int(spec.feature_width or 0), (8,))
    model = build_detector(extractor, head)
    scrambled(model, np.random.default_rng(1))
    (folder / name).mkdir()
    slices = np.load(folder / "slices.npy")
    agreement = export_keras(model, folder / name, slices)
    said = np.asarray(model(slices, training=False)["p_tampered"]).reshape(-1)
    given = np.asarray(images(slices))
    unfreeze(keras, backbone)
    norms = [one for one in backbone._flatten_layers() if isinstance(one, keras.layers.BatchNormalization)]
    means, filters = [norm.moving_mean.numpy() for norm in norms], backbone.trainable_weights[0].numpy()
    whole = keras.Model(extractor.input, head(extractor.output))
    whole.compile(optimizer="adam", loss="binary_crossentropy")
    whole.train_on_batch(slices, np.array([0.0, 1.0]))
    stayed = all((norm.moving_mean.numpy() == mean).all() for norm, mean in zip(norms, means, strict=True))
    moved = bool((backbone.trainable_weights[0].numpy() != filters).any())
    keras.backend.clear_session()
    return Told(said.tolist(), agreement.max_abs_difference, float(given.min()), float(given.max()), moved, stayed)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Told]]:
    """All networks, in processes of their own, which give their memory back."""
    folder = tmp_path_factory.mktemp("stored")
    slices = np.random.default_rng(1).integers(-1400, 400, (2, SIZE, SIZE)).astype(np.int16)
    np.save(folder / "slices.npy", slices)
    told = Parallel(n_jobs=2)(delayed(examine)(name, folder) for name in NETWORKS)
    return folder, dict(zip(NETWORKS, told, strict=True))


@pytest.mark.parametrize("name", NETWORKS)
def test_its_onnx_form_agrees(name: str, stored: tuple[Path, dict[str, Told]]) -> None:
    assert stored[1][name].difference <= LARGEST_DIFFERENCE


@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_given_the_range_of_its_contract(name: str, stored: tuple[Path, dict[str, Told]]) -> None:
    ends = {"raw": (0.0, 255.0), "tf": (-1.0, 1.0), "torch": (-2.118, 2.640), "caffe": (-123.68, 151.061)}
    told = stored[1][name]
    assert (told.lowest, told.highest) == pytest.approx(ends[str(detector_spec(name).contract)], abs=1e-2)


@pytest.mark.parametrize("name", NETWORKS)
def test_its_moving_means_stay_when_everything_else_is_trained(name: str, stored: tuple[Path, dict[str, Told]]) -> None:
    assert stored[1][name].moved
    assert stored[1][name].stayed


def test_a_fresh_process_loads_them_and_says_the_same(stored: tuple[Path, dict[str, Told]]) -> None:
    folder, told = stored
    subprocess.run([sys.executable, "-c", RELOAD, str(folder)], check=True, capture_output=True)
    again = json.loads((folder / "told.json").read_text())
    assert set(again) == set(NETWORKS)
    assert all((folder / name / KERAS_FILE).is_file() for name in NETWORKS)
    for name in NETWORKS:
        np.testing.assert_allclose(again[name], told[name].said, atol=ROUNDING, err_msg=name)
