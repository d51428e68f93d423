"""Which backbones a rule chooses: the largest of each line up to a number of weights (Alsabbagh and Al-Kadi, A)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from medfake.detectors.backbone.spec import BackboneSpec, backbone_specs

LARGEST: Final = 30_000_000
"""Weights with head that a network may have at most."""
WHOLE_LINES: Final = ("DenseNet",)
"""Lines of which every network is chosen."""
_SIZED: Final = re.compile(
    r"(?P<line>.+?)(?P<size>XLarge|Large|Small|Tiny|Base|Mobile|B\d|[SML]|\d{2,3})(?P<version>V\d)?"
)


@dataclass(frozen=True)
class Choice:
    """Of one line of networks, such as EfficientNet.

    Attributes:
        chosen: What the rule picks; empty where all are too large.
        passed_over: The others that were counted, smallest first.
    """

    line: str
    chosen: tuple[BackboneSpec, ...]
    passed_over: tuple[BackboneSpec, ...]


def line_of(name: str) -> str:
    """The name of a network without its size: "EfficientNetV2" of "EfficientNetV2S", "ResNetV2" of "ResNet50V2"."""
    match = _SIZED.fullmatch(name)
    return f"{match['line']}{match['version'] or ''}" if match else name


def choose_backbones(specs: Iterable[BackboneSpec] | None = None, largest: int = LARGEST) -> list[Choice]:
    """Apply the rule to networks with ImageNet weights.

    Args:
        specs: Of all backbones that are registered unless told otherwise.
        largest: Weights with head, at most.

    Returns:
        A choice a line, by name.
    """
    lines: dict[str, list[BackboneSpec]] = {}
    for spec in backbone_specs() if specs is None else specs:
        if spec.imagenet_file and spec.parameters is not None:
            lines.setdefault(line_of(spec.name), []).append(spec)
    return [_choice(line, sorted(own, key=_size), largest) for line, own in sorted(lines.items())]


def _choice(line: str, specs: list[BackboneSpec], largest: int) -> Choice:
    fitting = [spec for spec in specs if _size(spec) <= largest]
    chosen = fitting if line in WHOLE_LINES else fitting[-1:]
    return Choice(line, tuple(chosen), tuple(spec for spec in specs if spec not in chosen))


def _size(spec: BackboneSpec) -> int:
    return spec.parameters_with_head() or 0
