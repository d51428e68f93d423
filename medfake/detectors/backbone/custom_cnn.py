"""The custom CNN of Shree et al.: the paper prints accuracy and no layers, so this is a plain one of its kind."""

from typing import Any

from medfake.detectors.backbone.spec import backbone

_CHANNELS = (32, 64, 128, 128)


@backbone(
    "CustomCNN", contract="tf", feature_width=_CHANNELS[-1], gradcam_layer="conv4", parameters=240_832, paper="shree"
)
def custom_cnn(input_shape: tuple[int, int, int], weights: str | None) -> Any:
    """Input -1..1, (rows, cols, 3); four 3x3 convolutions, each with ReLU and 2x2 pooling."""
    import keras
    from keras import layers

    image = layers.Input(input_shape)
    maps = image
    for number, channels in enumerate(_CHANNELS, start=1):
        maps = layers.Conv2D(channels, 3, padding="same", activation="relu", name=f"conv{number}")(maps)
        maps = layers.MaxPooling2D(2, name=f"pool{number}")(maps)
    model = keras.Model(image, maps, name="custom_cnn")
    if weights is not None:
        model.load_weights(weights)
    return model
