"""MobileNet (Sandler et al. 2018, Howard et al. 2019) from keras.applications."""

from typing import Any

from medfake.detectors.backbone.application import application
from medfake.detectors.registry import backbone


@backbone(
    "MobileNetV2", contract="tf", feature_width=1280, gradcam_layer="out_relu", paper="shree",
    imagenet_file="mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
)  # fmt: skip
def mobilenet_v2(input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Input -1..1, (rows, cols, 3)."""
    return application("MobileNetV2", input_shape, weights)


@backbone(
    "MobileNetV3Large", contract="raw", feature_width=960, gradcam_layer="conv_1_bn", paper="alsabbagh",
    imagenet_file="weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
)  # fmt: skip
def mobilenet_v3_large(input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Input 0..255, (rows, cols, 3); scaling is inside the network."""
    return application("MobileNetV3Large", input_shape, weights)
