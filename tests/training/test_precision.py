"""Half precision, and what it may not do."""

import pytest

from medfake.detectors.registry import validate_options
from medfake.errors import ConfigError
from medfake.training import precision
from medfake.training.precision import Precision, computing_in, policy_of


@pytest.mark.parametrize("named", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_a_precision_that_is_named_is_taken_whatever_the_hardware(named: Precision) -> None:
    assert policy_of(named) == named


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ([], "mixed_bfloat16"),  # a CPU
        ([9.0], "mixed_bfloat16"),
        ([8.0], "mixed_bfloat16"),
        ([7.5], "mixed_float16"),
        ([9.0, 7.0], "mixed_float16"),  # all share a batch
    ],
)
def test_mixed_is_what_the_oldest_gpu_is_quick_in(
    capabilities: list[float], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "compute_capabilities", lambda: capabilities)
    assert policy_of("mixed") == expected


def test_layers_of_a_precision_keep_weights_in_single_and_the_policy_ends_with_it() -> None:
    from medfake.training.keras_setup import load_keras

    keras = load_keras()
    with computing_in("mixed"):
        inside = keras.layers.Dense(2)
        apart = keras.layers.Dense(2, dtype="float32")
    outside = keras.layers.Dense(2)
    assert (inside.compute_dtype, inside.variable_dtype) == ("bfloat16", "float32")
    assert apart.compute_dtype == outside.compute_dtype == "float32"


@pytest.mark.parametrize("detector", ["CustomCNN", "ResidualCNN"])
@pytest.mark.parametrize("named", ["mixed", "mixed_float16"])
def test_attacks_are_refused_where_gradients_of_pixels_may_be_lost(detector: str, named: str) -> None:
    with pytest.raises(ConfigError, match="in mixed_float16 gradients of pixels are 0"):
        validate_options(detector, {"adversarial": {"epsilon_hu": 2}, "precision": named})


@pytest.mark.parametrize("detector", ["CustomCNN", "ResidualCNN"])
@pytest.mark.parametrize("named", ["float32", "mixed_bfloat16"])
def test_attacks_are_taken_where_they_are_kept(detector: str, named: str) -> None:
    assert validate_options(detector, {"adversarial": {"epsilon_hu": 2}, "precision": named}).precision == named
