"""What is known of a backbone before it is built, and the decorator that adds one."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from medfake.detectors.backbone.options import BackboneOptions
from medfake.detectors.registry import DETECTORS, Builder, DetectorSpec

FAMILY = "backbone"
Contract = Literal["raw", "torch", "tf", "caffe"]


@dataclass(frozen=True, kw_only=True)
class BackboneSpec(DetectorSpec):
    """A detector whose `build` takes an input shape and a weights file or None, and returns a Keras model without top.

    Attributes:
        contract: Input range of the network, "raw" for 0..255 with scaling inside.
        feature_width: Channels after global average pooling.
        gradcam_layer: Layer whose maps Grad-CAM weighs.
        parameters: Weights of the backbone without head; None where nobody counted them.
        imagenet_file: Name of the no-top ImageNet weights in Keras' cache, "" when there are none.
        imagenet_source: Address of that file, for those who put it there by hand; "" where Keras alone knows it.
    """

    family: str = FAMILY
    options: type[BackboneOptions] = BackboneOptions
    contract: Contract
    feature_width: int
    gradcam_layer: str
    parameters: int | None = None
    imagenet_file: str = ""
    imagenet_source: str = ""

    def parameters_with_head(self, widths: tuple[int, ...] = BackboneOptions().head) -> int | None:
        """Weights with dense layers and a sigmoid on the pooled features; None where nobody counted the backbone's."""
        if self.parameters is None:
            return None
        return self.parameters + sum(one * other + other for one, other in pairwise([self.feature_width, *widths, 1]))


def backbone(
    name: str, *, contract: Contract, feature_width: int, gradcam_layer: str, **facts: Any
) -> Callable[[Builder], Builder]:
    """Register a builder of a Keras backbone.

    Args:
        name: Of the detector.
        contract: As in `BackboneSpec`.
        feature_width: Likewise.
        gradcam_layer: Likewise.
        facts: Any of `parameters`, `imagenet_file`, `imagenet_source` and `paper`.

    Example:
        >>> import medfake
        >>> @medfake.backbone("MobileNet-0.5", contract="tf", feature_width=512, gradcam_layer="conv_pw_13_relu")
        ... def half_mobilenet(input_shape, weights):
        ...     from keras.applications import MobileNet
        ...     return MobileNet(input_shape=input_shape, alpha=0.5, include_top=False, weights=weights)
        >>> from medfake.detectors.backbone.spec import backbone_specs
        >>> [one.name for one in backbone_specs("MobileNet-*")]
        ['MobileNet-0.5']
    """

    def register(build: Builder) -> Builder:
        spec = BackboneSpec(
            name=name,
            build=build,
            contract=contract,
            feature_width=feature_width,
            gradcam_layer=gradcam_layer,
            **facts,
        )
        DETECTORS.add(name, spec, build)
        return build

    return register


def backbone_specs(pattern: str = "*") -> list[BackboneSpec]:
    """Backbones whose names match a shell pattern, sorted by name."""
    specs = [DETECTORS[name] for name in DETECTORS.names(pattern)]
    return [spec for spec in specs if isinstance(spec, BackboneSpec)]
