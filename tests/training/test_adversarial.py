"""Adversarial training changes what a network sees, by whole HU, where it hurts; the same again for the same seed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from medfake.detectors.backbone.options import BackboneOptions
from medfake.detectors.dense.options import ResidualStatisticsOptions
from medfake.detectors.registry import validate_options
from medfake.errors import ConfigError
from medfake.training.adversarial import Adversarial, AdversarialBatches, against_attacks, slower
from medfake.training.keras_setup import import_keras

keras = import_keras(0)
LABELS = (np.arange(8) % 2).astype(np.float32)[:, None]
HU = np.random.default_rng(1).integers(-900, 100, (8, 16, 16)).astype(np.int16)


@dataclass
class Same:
    """The same batch every time."""

    restored: list[Mapping[str, Any]] = field(default_factory=list)
    weights: tuple[Any, ...] = ()

    def epoch(self, number: int) -> Iterator[Any]:
        del number
        yield (HU, LABELS, *self.weights)
        yield (HU[:3], LABELS[:3], *(one[:3] for one in self.weights))

    def position(self) -> Mapping[str, Any]:
        return {"at": 3}

    def restore(self, position: Mapping[str, Any]) -> None:
        self.restored.append(position)


@pytest.fixture(scope="module")
def model() -> Any:
    """P(tampered) grows with the left half of a slice and falls with the right."""
    from keras import layers

    from medfake.detectors.layers import Hounsfield

    hu = layers.Input((16, 16), dtype="int16", name="hu")
    dense = layers.Dense(1, kernel_initializer="zeros")
    model = keras.Model(hu, dense(layers.Flatten()(Hounsfield()(hu))))
    sign = np.repeat([1.0, -1.0], 8)[None].repeat(16, axis=0)
    dense.set_weights([sign.reshape(-1, 1) * 1e-4, np.zeros(1)])
    model.compile(optimizer="sgd", loss=keras.losses.BinaryCrossentropy(from_logits=True))
    return model


def attacked(model: Any, epoch: int = 0, seed: int = 1, source: Same | None = None, **options: Any) -> list[Any]:
    batches = against_attacks(source or Same(), Adversarial(**options), model, seed)
    return list(batches.epoch(epoch))


def test_a_step_raises_the_error_of_tampered_and_of_real_slices(model: Any) -> None:
    before = HU.copy()
    (hu, labels), _ = attacked(model, epsilon_hu=3, share=1.0)
    change = hu.astype(int) - HU
    towards = np.repeat([1, -1], 8)[None, None] * np.where(LABELS[:, :, None] == 1, -1, 1)
    assert (change == 3 * towards).all()
    assert hu.dtype == np.int16
    assert labels is LABELS
    assert (before == HU).all()
    assert float(model.test_on_batch(hu, labels)) > float(model.test_on_batch(HU, LABELS))


@pytest.mark.parametrize(("share", "counts"), [(0.5, (4, 2)), (1.0, (8, 3)), (0.01, (1, 1))])
def test_the_share_of_every_batch_is_attacked_and_the_rest_is_as_it_was(
    model: Any, share: float, counts: tuple[int, int]
) -> None:
    for (hu, labels), count in zip(attacked(model, share=share), counts, strict=True):
        moved = (hu != HU[: len(hu)]).any(axis=(1, 2))
        assert moved.tolist() == [True] * count + [False] * (len(hu) - count)
        assert len(labels) == len(hu)


def test_several_steps_stay_within_reach_and_chance_is_of_seed_and_epoch(model: Any) -> None:
    once, again = (attacked(model, epsilon_hu=2, steps=3)[0][0] for _ in range(2))
    assert np.abs(once.astype(int) - HU).max() <= 2
    assert (once == again).all()


def test_a_start_by_chance_differs_by_epoch_where_steps_are_too_few_to_forget_it(model: Any) -> None:
    batches = AdversarialBatches(Same(), Adversarial(epsilon_hu=40, steps=2), lambda hu, _: np.zeros(hu.shape), 1)  # type: ignore[arg-type]
    first, other = (next(iter(batches.epoch(number)))[0] for number in (0, 1))
    assert (first != other).any()
    assert (first == next(iter(batches.epoch(0)))[0]).all()


def test_weights_that_share_a_batch_between_devices_pass(model: Any) -> None:
    weights = np.array([1, 1, 1, 1, 1, 1, 0, 0], np.float32)
    batch = attacked(model, source=Same(weights=(weights,)))[0]
    assert batch[2] is weights


def test_the_position_is_that_of_the_batches(model: Any) -> None:
    source = Same()
    batches = against_attacks(source, Adversarial(), model, 1)
    assert batches.position() == {"at": 3}
    batches.restore({"at": 5})
    assert source.restored == [{"at": 5}]


def test_without_the_option_batches_are_what_they_were(model: Any) -> None:
    source = Same()
    assert against_attacks(source, None, model, 1) is source


def test_a_step_takes_longer_by_its_attacks() -> None:
    assert slower(None) == 1
    assert slower(Adversarial(steps=4, share=0.25)) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"epsilon_hu": 0},
        {"epsilon_hu": 51},
        {"epsilon_hu": 1.5},
        {"steps": 0},
        {"steps": 21},
        {"share": 0},
        {"share": 1.1},
    ],
)
def test_impossible_attacks_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Adversarial.model_validate(wrong)


def test_a_head_on_stored_features_cannot_be_trained_against_pixels() -> None:
    wrong = {"adversarial": {}, "fine_tune": {"epochs": 0}}
    with pytest.raises(ConfigError, match=r"fine_tune\.epochs above 0: a head on stored features never sees a pixel"):
        validate_options("ResNet50V2", wrong)
    with pytest.raises(ConfigError, match="in mixed_float16 gradients of pixels are 0"):
        validate_options("ResNet50V2", {"adversarial": {}, "precision": "mixed_float16"})
    right = validate_options(
        "ResNet50V2", {"adversarial": {}, "fine_tune": {"epochs": 1}, "precision": "mixed_bfloat16"}
    )
    assert isinstance(right, BackboneOptions)
    assert right.adversarial == Adversarial(epsilon_hu=2, steps=1, share=0.5)


def test_statistics_of_a_bank_cannot_either_and_their_options_do_not_speak_of_it() -> None:
    with pytest.raises(ConfigError, match="no gradient leads from them to pixels"):
        validate_options("ResidualStatistics", {"adversarial": {"epsilon_hu": 2}})
    assert "adversarial" not in ResidualStatisticsOptions.model_validate({"adversarial": None}).model_dump()


def test_nothing_is_attacked_unless_asked_for() -> None:
    for name in ("ResNet50V2", "ResidualCNN"):
        assert validate_options(name, {}).model_dump()["adversarial"] is None
