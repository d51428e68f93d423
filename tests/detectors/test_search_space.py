import pytest

from medfake.config import Choices, Span
from medfake.detectors.search_space import nested, require_space
from medfake.errors import ConfigError


def test_dotted_names_reach_inner_options() -> None:
    assert nested({"a": 1, "b": {"c": 2, "d": 3}}, {"b.c": 9, "e.f": 4}) == {
        "a": 1, "b": {"c": 9, "d": 3}, "e": {"f": 4},
    }  # fmt: skip


def test_what_a_detector_has_may_be_searched() -> None:
    require_space("ResidualCNN", {"learning_rate": Span(low=1e-4, high=1e-2, log=True)}, {"presentations": 128})
    require_space("MobileNetV3Large", {"fine_tune.epochs": Choices(choices=[0, 2])}, {})


def test_an_inner_option_that_is_none_is_told_with_its_full_key() -> None:
    space = {"fine_tune.epoch": Choices(choices=[1])}
    with pytest.raises(ConfigError, match=r"unknown key tune.space.MobileNetV3Large.fine_tune.epoch = 1, did you mean"):
        require_space("MobileNetV3Large", space, {})


@pytest.mark.parametrize(
    ("detector", "space", "key"),
    [
        ("RandomForest", {"trees": Span(low=0, high=9)}, "trees = 0"),
        ("RandomForest", {"trees": Choices(choices=[5, 0])}, "trees = 0"),
        ("MobileNetV3Large", {"beta_1": Span(low=0.5, high=1.5)}, "beta_1 = 1.5"),
    ],
)
def test_a_value_that_the_option_does_not_take_is_told_with_its_key(
    detector: str, space: dict[str, Span | Choices], key: str
) -> None:
    with pytest.raises(ConfigError, match=rf"^tune.space.{detector}.{key}: input should be"):
        require_space(detector, space, {})
