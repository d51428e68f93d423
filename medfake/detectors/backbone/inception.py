"""Inception (Szegedy et al. 2016) from keras.applications."""

from typing import Any

from medfake.detectors.backbone.application import application
from medfake.detectors.registry import backbone


@backbone(
    "InceptionV3", contract="tf", feature_width=2048, gradcam_layer="mixed10", paper="alsabbagh",
    imagenet_file="inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
)  # fmt: skip
def inception_v3(input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Input -1..1, (rows, cols, 3)."""
    return application("InceptionV3", input_shape, weights)
