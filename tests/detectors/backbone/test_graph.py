"""What the graph gives besides P(tampered), and temperature inside it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss

from medfake.datasets.dataset import Dataset
from medfake.detectors.backbone.options import BackboneOptions
from medfake.package.card import ONNX_FILE
from medfake.package.scorer import Scorer, Scores
from tests.detectors.backbone.test_fit import BASE, TUNED, Tiny, stored, train

SOFTMAX = {"output": "softmax"}


def scores_of(dataset: Dataset, options: BackboneOptions, folder: Path, split: str) -> tuple[Any, Scores, Any]:
    trained, _ = train(Tiny(), options, dataset)
    folder.mkdir()
    model = stored(trained, folder)
    slices = dataset.slices(dataset.split(split))
    scores = Scorer(folder / ONNX_FILE).score(slices)
    np.testing.assert_allclose(scores.p_tampered, np.asarray(model(slices)["p_tampered"]), atol=1e-4)
    return trained, scores, model


@pytest.mark.parametrize("options", [BASE, TUNED])
def test_the_embedding_is_what_the_last_layer_is_given(
    dataset: Dataset, tmp_path: Path, options: BackboneOptions
) -> None:
    _, scores, model = scores_of(dataset, options, tmp_path / "a", "test")
    assert scores.embedding is not None
    assert scores.embedding.shape == (len(scores.p_tampered), 8)
    assert (scores.embedding >= 0).all()  # after a ReLU
    kernel, bias = model.get_layer("logits").get_weights()
    p = 1 / (1 + np.exp(-(scores.embedding @ kernel + bias)))
    np.testing.assert_allclose(p[:, 0], scores.p_tampered, atol=1e-4)


def test_without_dense_layers_the_pooled_features_are_the_embedding(dataset: Dataset, tmp_path: Path) -> None:
    _, scores, _ = scores_of(dataset, BASE.model_copy(update={"head": ()}), tmp_path / "a", "test")
    assert scores.embedding is not None
    assert scores.embedding.shape[1] == 4


@pytest.mark.parametrize("options", [BASE, TUNED.model_copy(update=SOFTMAX)])
def test_temperature_is_one_number_within_the_graph_that_lowers_the_log_loss_of_validation(
    dataset: Dataset, tmp_path: Path, options: BackboneOptions
) -> None:
    asked = options.model_copy(update={"calibration": "temperature", "learning_rate": 0.05})
    trained, after, model = scores_of(dataset, asked, tmp_path / "after", "val")
    plain = asked.model_copy(update={"calibration": "none"})
    untouched, before, other = scores_of(dataset, plain, tmp_path / "before", "val")
    assert untouched.calibration == {}
    temperature = trained.calibration["temperature"]
    assert model.count_params() == other.count_params()  # no weight of its own
    logit = np.log(before.p_tampered / (1 - before.p_tampered), dtype=np.float64)
    np.testing.assert_allclose(after.p_tampered, 1 / (1 + np.exp(-logit / temperature)), atol=1e-4)
    label = dataset.split("val").label
    assert log_loss(label, after.p_tampered.astype(float)) <= log_loss(label, before.p_tampered.astype(float)) + 1e-3


def test_temperature_of_three_classes_divides_all_of_their_logits(dataset: Dataset, tmp_path: Path) -> None:
    three = replace(dataset, facts={**dataset.facts, "classes": 3})
    asked = BASE.model_copy(update={**SOFTMAX, "calibration": "temperature"})
    trained, after, _ = scores_of(three, asked, tmp_path / "after", "val")
    _, before, _ = scores_of(three, BASE.model_copy(update=SOFTMAX), tmp_path / "before", "val")
    assert after.p_classes is not None
    assert before.p_classes is not None
    powers = before.p_classes.astype(float) ** (1 / trained.calibration["temperature"])
    np.testing.assert_allclose(after.p_classes, powers / powers.sum(axis=1, keepdims=True), atol=1e-4)
