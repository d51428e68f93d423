"""RegNet (Radosavovic et al. 2020) in Keras 3, which keras.applications has no longer.

Layers and their order are those of the networks that the paper's figures were made with, so that weights fit.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medfake.detectors.backbone.keras2_file import is_keras2_file, load_keras2_weights
from medfake.detectors.backbone.spec import backbone

_SOURCE = "https://storage.googleapis.com/tensorflow/keras-applications/regnet"  # asked only when the user allows it
_SHA256 = {  # of the published no-top files
    "regnetx040": "b4ed0ca0b9a98e789e05000e830403a7ade4d8afa01c73491c44610195198afe",
    "regnety040": "b5be2a5e5f072ecdd9c0b8a437cd896df0efa1f6a1f77e41caa8719b7dfcb05d",
}
_STEM_CHANNELS = 32
_NORM = {"momentum": 0.9, "epsilon": 1e-5}


@dataclass(frozen=True)
class _Design:
    """Blocks and channels of the four stages, and channels of a group.

    Attributes:
        squeeze: Share of a block's input channels in its squeeze-and-excitation; 0 for RegNetX.
    """

    depths: tuple[int, int, int, int]
    widths: tuple[int, int, int, int]
    group_width: int
    squeeze: float


_X040 = _Design((2, 5, 14, 2), (80, 240, 560, 1360), 40, 0.0)
_Y040 = _Design((2, 6, 12, 2), (128, 192, 512, 1088), 64, 0.25)


@backbone(
    "RegNetX040", contract="raw", feature_width=1360, gradcam_layer="stage4_block2_exit", paper="alsabbagh",
    imagenet_file="regnetx040_notop.h5", imagenet_source=f"{_SOURCE}/regnetx040_notop.h5", parameters=20_833_312,
)  # fmt: skip
def regnet_x040(input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Input 0..255, (rows, cols, 3); scaling is inside the network."""
    return _regnet(_X040, input_shape, weights, "regnetx040")


@backbone(
    "RegNetY040", contract="raw", feature_width=1088, gradcam_layer="stage4_block2_exit", paper="alsabbagh",
    imagenet_file="regnety040_notop.h5", imagenet_source=f"{_SOURCE}/regnety040_notop.h5", parameters=19_619_928,
)  # fmt: skip
def regnet_y040(input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Input 0..255, (rows, cols, 3); scaling is inside the network."""
    return _regnet(_Y040, input_shape, weights, "regnety040")


def _regnet(design: _Design, input_shape: tuple[int, int, int], weights: str | None, name: str) -> Any:
    import keras
    from keras import layers

    image = layers.Input(input_shape)
    scaled = layers.Rescaling(1 / 255, name="rescale")(image)
    maps = layers.Conv2D(_STEM_CHANNELS, 3, strides=2, padding="same", use_bias=False, name="stem_conv")(scaled)
    maps = layers.ReLU(name="stem_relu")(layers.BatchNormalization(**_NORM, name="stem_norm")(maps))
    for stage, (depth, width) in enumerate(zip(design.depths, design.widths, strict=True), start=1):
        for number in range(1, depth + 1):
            maps = _block(maps, width, design, 2 if number == 1 else 1, f"stage{stage}_block{number}")
    model = keras.Model(image, maps, name=name)
    if weights == "imagenet":
        file = f"{name}_notop.h5"
        weights = keras.utils.get_file(file, f"{_SOURCE}/{file}", cache_subdir="models", file_hash=_SHA256[name])
    if weights is not None and is_keras2_file(Path(weights)):
        load_keras2_weights(model, Path(weights))
    elif weights is not None:
        model.load_weights(weights)
    return model


def _block(maps: Any, width: int, design: _Design, stride: int, name: str) -> Any:
    """1x1, grouped 3x3 with the stride, squeeze-and-excitation for RegNetY, 1x1, and a shortcut."""
    from keras import layers

    incoming = int(maps.shape[-1])
    shortcut = maps
    if stride != 1 or incoming != width:
        shortcut = layers.Conv2D(width, 1, strides=stride, use_bias=False, name=f"{name}_shortcut")(maps)
        shortcut = layers.BatchNormalization(**_NORM, name=f"{name}_shortcut_norm")(shortcut)
    inner = _normed(maps, width, 1, 1, 1, f"{name}_in")
    inner = _normed(inner, width, 3, stride, width // design.group_width, f"{name}_grouped")
    if design.squeeze:
        inner = _squeezed(inner, int(incoming * design.squeeze), f"{name}_squeeze")
    inner = layers.Conv2D(width, 1, use_bias=False, name=f"{name}_out_conv")(inner)
    inner = layers.BatchNormalization(**_NORM, name=f"{name}_out_norm")(inner)
    return layers.ReLU(name=f"{name}_exit")(inner + shortcut)


def _normed(maps: Any, width: int, size: int, stride: int, groups: int, name: str) -> Any:
    from keras import layers

    maps = layers.Conv2D(
        width, size, strides=stride, groups=groups, padding="same", use_bias=False, name=f"{name}_conv"
    )(maps)
    return layers.ReLU(name=f"{name}_relu")(layers.BatchNormalization(**_NORM, name=f"{name}_norm")(maps))


def _squeezed(maps: Any, width: int, name: str) -> Any:
    from keras import layers

    pooled = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_pool")(maps)
    inner = layers.Conv2D(width, 1, activation="relu", name=f"{name}_reduce")(pooled)
    share = layers.Conv2D(int(maps.shape[-1]), 1, activation="sigmoid", name=f"{name}_expand")(inner)
    return layers.Multiply(name=f"{name}_scale")([maps, share])
