"""What every network of the papers must hold, built, trained and stored; new ones are found by themselves.

Each is built once; the weights vary, so that outputs do. Half of them stand here and half in
`test_contract_of_the_others.py`, so that two workers share them.
"""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from medfake.detectors.backbone.fit import unfreeze
from medfake.detectors.backbone.graph import build_detector, build_extractor, build_head
from medfake.detectors.backbone.last_maps import cut_backbone
from medfake.detectors.backbone.options import BackboneOptions
from medfake.detectors.backbone.spec import BackboneSpec, backbone_specs
from medfake.log_odds import sigmoid
from medfake.package.card import KERAS_FILE, LARGEST_DIFFERENCE, ONNX_FILE
from medfake.package.export import export_keras
from medfake.package.scorer import Scorer
from medfake.reports.published import read_table
from medfake.training.keras_setup import import_keras

BACKBONES = {spec.name: spec for spec in backbone_specs()}
QUICK = ("CustomCNN", "ResNet18")
NETWORKS = (*QUICK, *(name for name, spec in BACKBONES.items() if spec.paper and name not in QUICK))
HALVES = NETWORKS[::2], NETWORKS[1::2]
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


def published_millions() -> dict[str, float]:
    return {row["model"]: float(row["parameters_millions"]) for row in read_table("alsabbagh_table3")}


def scrambled(model: Any, rng: np.random.Generator) -> None:
    """Give biases and moving statistics values that no initialiser gives, small enough that nothing saturates."""
    for weight in model.weights:
        if len(weight.shape) == 1:
            weight.assign(weight.numpy() + rng.uniform(0.01, 0.1, weight.shape).astype(np.float32))


class Told(NamedTuple):
    """What became of one network.

    Attributes:
        parameters: Weights of the backbone.
        parameters_with_head: Of the whole.
        width: Channels that come out of the backbone.
        map_axes: Of what its layer for Grad-CAM gives.
        cut: Furthest that the network, cut behind these maps, is from the whole.
        said: Of two slices, by the ONNX form.
        head_said: Of the pooled features of the same slices, by Keras.
        difference: Of its ONNX form.
        lowest: Of what its backbone is given.
        highest: Likewise.
        moved: Whether a step of the second phase moved its first filters.
        stayed: Whether that step left all moving means of BatchNormalization where they were.
    """

    parameters: int
    parameters_with_head: int
    width: int
    map_axes: int
    cut: float
    said: list[float]
    head_said: list[float]
    difference: float
    lowest: float
    highest: float
    moved: bool
    stayed: bool


def examine(name: str, folder: Path) -> Told:
    """Build a network, store it in a folder of its name, load nothing, and train one step of the second phase."""
    keras = import_keras(1)
    spec, options = BACKBONES[name], BackboneOptions(weights="none", input_size=SIZE)
    backbone = spec.build((SIZE, SIZE, 3), None)
    extractor, images = build_extractor(backbone, options, spec.contract)
    head = build_head(spec.feature_width, options.head)
    model = build_detector(extractor, head)
    scrambled(model, np.random.default_rng(1))
    (folder / name).mkdir()
    slices = np.load(folder / "slices.npy")
    agreement = export_keras(model, folder / name, slices[:1])
    said = Scorer(folder / name / ONNX_FILE).score(slices).p_tampered
    assert said.shape == (2,)
    head_said = np.asarray(head(extractor(slices))).reshape(-1)
    given = np.asarray(images(slices))
    counts = backbone.count_params(), model.count_params()
    shapes = backbone.output_shape[-1], len(backbone.get_layer(spec.gradcam_layer).output.shape)
    parts = cut_backbone(model, spec.gradcam_layer)
    cut_said = sigmoid(np.asarray(parts.logit(parts.front(slices), slices)))
    cut = float(np.abs(cut_said - np.asarray(model(slices)["p_tampered"])).max())
    unfreeze(keras, backbone)
    norms = [one for one in backbone._flatten_layers() if isinstance(one, keras.layers.BatchNormalization)]
    means, filters = [norm.moving_mean.numpy() for norm in norms], backbone.trainable_weights[0].numpy()
    whole = keras.Model(extractor.input, head(extractor.output))
    step = keras.optimizers.SGD(1e3)  # so long that the first filters of the deepest networks move, too
    whole.compile(optimizer=step, loss="binary_crossentropy", run_eagerly=True)  # one step is no graph's worth
    whole.train_on_batch(slices, np.array([0.0, 1.0]))
    stayed = all((norm.moving_mean.numpy() == mean).all() for norm, mean in zip(norms, means, strict=True))
    moved = bool((backbone.trainable_weights[0].numpy() != filters).any())
    keras.backend.clear_session()
    ends = float(given.min()), float(given.max())
    return Told(
        *counts, *shapes, cut, said.tolist(), head_said.tolist(), agreement.max_abs_difference, *ends, moved, stayed
    )


class Contract:
    """What holds for each of some networks.

    Attributes:
        networks: Their names.
    """

    networks: tuple[str, ...]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "name" in metafunc.fixturenames:
            slow = pytest.mark.slow(minutes=5)
            metafunc.parametrize(
                "name", [pytest.param(name, marks=() if name in QUICK else slow) for name in self.networks]
            )

    @pytest.fixture(scope="class")
    def stored(
        self, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
    ) -> tuple[Path, dict[str, Told]]:
        """The networks that the tests of this run ask for."""
        folder = tmp_path_factory.mktemp("stored")
        slices = np.random.default_rng(1).integers(-1400, 400, (2, SIZE, SIZE)).astype(np.int16)
        np.save(folder / "slices.npy", slices)
        ours = [item for item in request.session.items if getattr(item, "cls", None) is request.cls]
        asked = {item.callspec.params["name"] for item in ours if hasattr(item, "callspec")}
        names = sorted(asked or set(QUICK) & set(self.networks))
        return folder, {name: examine(name, folder) for name in names}

    @pytest.fixture
    def told(self, name: str, stored: tuple[Path, dict[str, Told]]) -> Told:
        return stored[1][name]

    @pytest.fixture
    def spec(self, name: str) -> BackboneSpec:
        return BACKBONES[name]

    def test_it_has_the_published_number_of_parameters(self, name: str, told: Told) -> None:
        known = published_millions()
        if name not in known:
            pytest.skip("not in the paper's table 3")
        assert told.parameters_with_head / 1e6 == pytest.approx(known[name], abs=0.05)

    def test_its_weights_are_as_many_as_counted_once(self, spec: BackboneSpec, told: Told) -> None:
        assert told.parameters == spec.parameters
        assert told.parameters_with_head == spec.parameters_with_head()

    def test_its_width_is_what_the_registry_says(self, spec: BackboneSpec, told: Told) -> None:
        assert told.width == spec.feature_width

    def test_its_map_layer_exists_and_has_maps(self, name: str, told: Told) -> None:
        assert told.map_axes == 4

    def test_cut_behind_its_maps_it_says_the_same(self, name: str, told: Told) -> None:
        assert told.cut <= LARGEST_DIFFERENCE

    def test_the_whole_is_the_head_on_the_pooled_features(self, name: str, told: Told) -> None:
        np.testing.assert_allclose(told.said, told.head_said, atol=LARGEST_DIFFERENCE)

    def test_its_onnx_form_agrees(self, name: str, told: Told) -> None:
        assert told.difference <= LARGEST_DIFFERENCE

    def test_it_is_given_the_range_of_its_contract(self, spec: BackboneSpec, told: Told) -> None:
        ends = {"raw": (0.0, 255.0), "tf": (-1.0, 1.0), "torch": (-2.118, 2.640), "caffe": (-123.68, 151.061)}
        assert (told.lowest, told.highest) == pytest.approx(ends[spec.contract], abs=1e-2)

    def test_its_moving_means_stay_when_everything_else_is_trained(self, name: str, told: Told) -> None:
        assert told.moved
        assert told.stayed

    def test_a_fresh_process_loads_them_and_says_the_same(self, stored: tuple[Path, dict[str, Told]]) -> None:
        folder, told = stored
        assert told
        subprocess.run([sys.executable, "-c", RELOAD, str(folder)], check=True, capture_output=True)
        again = json.loads((folder / "told.json").read_text())
        assert set(again) == set(told)
        assert all((folder / name / KERAS_FILE).is_file() for name in told)
        for name in told:
            np.testing.assert_allclose(again[name], told[name].head_said, atol=ROUNDING, err_msg=name)


class TestHalfOfThem(Contract):
    networks = HALVES[0]


@pytest.mark.slow(minutes=0.3)
def test_the_map_layer_of_every_other_network_exists_by_name() -> None:
    keras = import_keras(1)
    for name in BACKBONES.keys() - set(NETWORKS):
        spec = BACKBONES[name]
        with keras.StatelessScope(initialize_variables=False):  # shapes alone: some have 350 million weights
            network = spec.build((SIZE, SIZE, 3), None)
        shape = network.get_layer(spec.gradcam_layer).output.shape
        assert (len(shape), shape[-1]) == (4, spec.feature_width), name


def test_every_network_stands_in_one_of_the_two_files() -> None:
    from tests.detectors.backbone.test_contract_of_the_others import TestTheOthers

    assert Counter(TestHalfOfThem.networks + TestTheOthers.networks) == Counter(NETWORKS)
