"""MobileNetV3 (Howard et al. 2019) from keras.applications."""

from typing import Any

from medfake.detectors.registry import backbone


@backbone("MobileNetV3Large", contract="raw", feature_width=960, gradcam_layer="conv_1_bn", paper="alsabbagh")
def mobilenet_v3_large(input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Input 0..255, (rows, cols, 3); scaling is inside the network."""
    import keras

    return keras.applications.MobileNetV3Large(
        input_shape=input_shape, include_top=False, weights=weights, include_preprocessing=True
    )
