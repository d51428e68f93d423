"""Xception (Chollet 2017) from keras.applications."""

from typing import Any

from medfake.detectors.backbone.application import application
from medfake.detectors.registry import backbone


@backbone(
    "Xception", contract="tf", feature_width=2048, gradcam_layer="block14_sepconv2_act", paper="alsabbagh",
    imagenet_file="xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
)  # fmt: skip
def xception(input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Input -1..1, (rows, cols, 3)."""
    return application("Xception", input_shape, weights)
