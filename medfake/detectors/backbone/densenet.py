"""DenseNet (Huang et al. 2017) from keras.applications."""

from typing import Any

from medfake.detectors.backbone.application import application
from medfake.detectors.registry import backbone


@backbone(
    "DenseNet121", contract="torch", feature_width=1024, gradcam_layer="relu", paper="alsabbagh",
    imagenet_file="densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
)  # fmt: skip
def densenet121(input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Input with ImageNet mean and deviation taken out, (rows, cols, 3)."""
    return application("DenseNet121", input_shape, weights)


@backbone(
    "DenseNet169", contract="torch", feature_width=1664, gradcam_layer="relu", paper="alsabbagh",
    imagenet_file="densenet169_weights_tf_dim_ordering_tf_kernels_notop.h5",
)  # fmt: skip
def densenet169(input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Input with ImageNet mean and deviation taken out, (rows, cols, 3)."""
    return application("DenseNet169", input_shape, weights)


@backbone(
    "DenseNet201", contract="torch", feature_width=1920, gradcam_layer="relu", paper="alsabbagh",
    imagenet_file="densenet201_weights_tf_dim_ordering_tf_kernels_notop.h5",
)  # fmt: skip
def densenet201(input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Input with ImageNet mean and deviation taken out, (rows, cols, 3)."""
    return application("DenseNet201", input_shape, weights)
