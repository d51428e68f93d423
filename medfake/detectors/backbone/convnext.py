"""ConvNeXt (Liu et al. 2022) from keras.applications."""

from typing import Any

from medfake.detectors.backbone.application import application
from medfake.detectors.registry import backbone


@backbone(
    "ConvNeXtTiny", contract="raw", feature_width=768, gradcam_layer="convnext_tiny_stage_3_block_2_identity",
    imagenet_file="convnext_tiny_notop.h5", paper="alsabbagh",
)  # fmt: skip
def convnext_tiny(input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Input 0..255, (rows, cols, 3); scaling is inside the network."""
    return application("ConvNeXtTiny", input_shape, weights)
