"""ResNet of 18 layers (He et al. 2016), which keras.applications has not."""

from typing import Any

from medfake.detectors.backbone.spec import backbone


@backbone(
    "ResNet18", contract="torch", feature_width=512, gradcam_layer="stage4_block2_exit", parameters=11_186_112,
    paper="shree",
)  # fmt: skip
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
