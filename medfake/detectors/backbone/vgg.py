"""VGG (Simonyan and Zisserman 2015) from keras.applications."""

from typing import Any

from medfake.detectors.backbone.application import application
from medfake.detectors.registry import backbone


@backbone(
    "VGG19", contract="caffe", feature_width=512, gradcam_layer="block5_conv4", paper="alsabbagh",
    imagenet_file="vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
)  # fmt: skip
def vgg19(input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Input BGR without ImageNet mean, about -124..152, (rows, cols, 3)."""
    return application("VGG19", input_shape, weights)
