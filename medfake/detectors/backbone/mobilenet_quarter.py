"""The smallest network that keras.applications has ImageNet weights for: MobileNet with a quarter of the channels."""

from typing import Any

from medfake.detectors.backbone.spec import backbone


@backbone(
    "MobileNetQuarter",
    contract="tf",
    feature_width=256,
    gradcam_layer="conv_pw_13_relu",
    imagenet_file="mobilenet_2_5_224_tf_no_top.h5",
    parameters=218_544,
)
def mobilenet_quarter(input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Input -1..1, (rows, cols, 3) (Howard et al. 2017, width multiplier 0.25)."""
    import keras

    return keras.applications.MobileNet(input_shape=input_shape, alpha=0.25, include_top=False, weights=weights)
