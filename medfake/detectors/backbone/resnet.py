"""ResNet (He et al. 2016): from keras.applications, and the one of 18 layers, which is not there."""

from typing import Any

from medfake.detectors.backbone.application import application
from medfake.detectors.registry import backbone


@backbone(
    "ResNet50", contract="caffe", feature_width=2048, gradcam_layer="conv5_block3_out", paper="shree",
    imagenet_file="resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
)  # fmt: skip
def resnet50(input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Input BGR without ImageNet mean, about -124..152, (rows, cols, 3)."""
    return application("ResNet50", input_shape, weights)


@backbone(
    "ResNet101", contract="caffe", feature_width=2048, gradcam_layer="conv5_block3_out", paper="solaiyappan",
    imagenet_file="resnet101_weights_tf_dim_ordering_tf_kernels_notop.h5",
)  # fmt: skip
def resnet101(input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Input BGR without ImageNet mean, about -124..152, (rows, cols, 3)."""
    return application("ResNet101", input_shape, weights)


@backbone(
    "ResNet50V2", contract="tf", feature_width=2048, gradcam_layer="post_relu", paper="alsabbagh",
    imagenet_file="resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
)  # fmt: skip
def resnet50_v2(input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Input -1..1, (rows, cols, 3)."""
    return application("ResNet50V2", input_shape, weights)


@backbone("ResNet18", contract="torch", feature_width=512, gradcam_layer="stage4_block2_exit", paper="shree")
def resnet18(input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Input with ImageNet mean and deviation taken out, (rows, cols, 3); four stages of two basic blocks."""
    import keras
    from keras import layers

    image = layers.Input(input_shape)
    maps = layers.ZeroPadding2D(3, name="stem_pad")(image)
    maps = _normed(maps, 64, 7, 2, "stem", padding="valid")
    maps = layers.MaxPooling2D(3, strides=2, name="stem_pool")(layers.ZeroPadding2D(1, name="pool_pad")(maps))
    for stage, width in enumerate((64, 128, 256, 512), start=1):
        for number in (1, 2):
            stride = 2 if stage > 1 and number == 1 else 1
            maps = _basic_block(maps, width, stride, f"stage{stage}_block{number}")
    model = keras.Model(image, maps, name="resnet18")
    if weights is not None:
        model.load_weights(weights)
    return model


def _basic_block(maps: Any, width: int, stride: int, name: str) -> Any:
    """Two 3x3 convolutions and a shortcut, which is a 1x1 convolution where the size changes."""
    from keras import layers

    shortcut = maps
    if stride != 1 or int(maps.shape[-1]) != width:
        shortcut = layers.Conv2D(width, 1, strides=stride, use_bias=False, name=f"{name}_shortcut")(maps)
        shortcut = layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name=f"{name}_shortcut_norm")(shortcut)
    padded = layers.ZeroPadding2D(1, name=f"{name}_pad")(maps)
    inner = _normed(padded, width, 3, stride, f"{name}_1", padding="valid")
    inner = layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(inner)
    inner = layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name=f"{name}_2_norm")(inner)
    return layers.ReLU(name=f"{name}_exit")(inner + shortcut)


def _normed(maps: Any, width: int, size: int, stride: int, name: str, padding: str) -> Any:
    from keras import layers

    maps = layers.Conv2D(width, size, strides=stride, padding=padding, use_bias=False, name=f"{name}_conv")(maps)
    maps = layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name=f"{name}_norm")(maps)
    return layers.ReLU(name=f"{name}_relu")(maps)
