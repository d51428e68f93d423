"""EfficientNet (Tan and Le 2019, 2021) from keras.applications."""

from typing import Any

from medfake.detectors.backbone.application import application
from medfake.detectors.registry import backbone


@backbone(
    "EfficientNetB4", contract="raw", feature_width=1792, gradcam_layer="top_activation", paper="alsabbagh",
    imagenet_file="efficientnetb4_notop.h5",
)  # fmt: skip
def efficientnet_b4(input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Input 0..255, (rows, cols, 3); scaling is inside the network."""
    return application("EfficientNetB4", input_shape, weights)


@backbone(
    "EfficientNetV2S", contract="raw", feature_width=1280, gradcam_layer="top_activation", paper="alsabbagh",
    imagenet_file="efficientnetv2-s_notop.h5",
)  # fmt: skip
def efficientnet_v2s(input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Input 0..255, (rows, cols, 3); scaling is inside the network."""
    return application("EfficientNetV2S", input_shape, weights)
