"""A stored network is found again with the layers of its family, and gives a gradient by pixels."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medfake.detectors.backbone.graph import build_detector, build_extractor, build_head
from medfake.detectors.backbone.options import BackboneOptions
from medfake.detectors.dense.options import ResidualStatisticsOptions
from medfake.detectors.registry import detector_spec
from medfake.detectors.stored_network import has_network, load_network
from medfake.errors import ManifestError
from medfake.package.card import KERAS_FILE
from medfake.tamper.attacks import pgd
from medfake.training.input_gradient import InputGradient
from medfake.training.keras_setup import import_keras
from tests.fixtures.chests import draw_chest

HU = np.rint(draw_chest(np.random.default_rng(1), 192)).astype(np.int16)[None]


def backbone() -> Any:
    spec, options = detector_spec("CustomCNN"), BackboneOptions(weights="none", input_size=64)
    extractor, _ = build_extractor(spec.build((64, 64, 3), None), options, "tf")  # type: ignore[attr-defined]
    return build_detector(extractor, build_head(extractor.output_shape[-1], (8,)))


def forensic() -> Any:
    return detector_spec("ResidualCNN").build(4)[1]


def dense() -> Any:
    options = ResidualStatisticsOptions(rounds=1, members=1, widths=(8,))
    return detector_spec("ResidualStatistics").build(np.zeros(440), np.ones(440), options)[1]


@pytest.mark.parametrize("build", [backbone, forensic, dense])
def test_a_network_of_every_family_is_loaded_and_can_be_attacked(build: Callable[[], Any], tmp_path: Path) -> None:
    import_keras(3)
    model = build()
    model.save(tmp_path / KERAS_FILE)
    assert has_network(tmp_path)
    loaded = load_network(tmp_path)
    before = float(np.asarray(loaded(HU)["p_tampered"]).item())
    assert before == pytest.approx(float(np.asarray(model(HU)["p_tampered"]).item()), abs=1e-6)
    gradient = InputGradient(loaded, lambda labels, said: (1.0 - 2.0 * labels) * said)
    for label, sign in ((1.0, -1), (0.0, 1)):
        found = gradient(HU, np.array([label], np.float32))
        assert (found != 0).mean() > 0.05
        towards = partial(gradient, labels=np.array([label], np.float32))
        attacked = pgd(HU, 2, towards, np.random.default_rng(1))
        assert sign * (float(np.asarray(loaded(attacked)["p_tampered"]).item()) - before) > 0


def test_a_package_without_one_says_so(tmp_path: Path) -> None:
    assert not has_network(tmp_path)
    with pytest.raises(ManifestError, match="cannot be loaded"):
        load_network(tmp_path)
    (tmp_path / KERAS_FILE).write_bytes(b"nothing")
    with pytest.raises(ManifestError, match="cannot be loaded"):
        load_network(tmp_path)
